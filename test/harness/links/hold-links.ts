import { allocateNodePorts, openLinks } from '../../../harness/links/open.ts';

/**
 * For tests: a process of its own that opens links, tells where (one JSON line), and keeps them until its stdin ends.
 */
const [toxiproxy = 'builtin', cacheDir = ''] = process.argv.slice(2);
const nodes = await allocateNodePorts(3);
const links = await openLinks({
  nodes,
  toxiproxy,
  cacheDir,
  signal: AbortSignal.timeout(30_000),
  onServerExit: (detail) => console.error(detail),
  onNote: (text) => console.error(text),
});
const addresses = links.links.map((link) => links.address(link));
console.log(JSON.stringify({ url: links.server.url, nodes, addresses }));
process.stdin.resume().once('end', () => {
  void links[Symbol.asyncDispose]();
});
