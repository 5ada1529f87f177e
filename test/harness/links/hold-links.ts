import { allocateNodePorts, openLinks } from '../../../harness/links/open.ts';

/**
 * A separate process for tests that opens links, prints their addresses as one JSON line, and keeps them open until its
 * stdin ends.
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
