// Plain JavaScript, so that nothing has to strip types before the cache of compiled code is on: with a first file in
// TypeScript every start of a node would load the stripper, 50 ms and 15 MiB.
import { enableCompileCache } from 'node:module';

// Types are stripped and code is compiled once, not at each start: a node that comes back is needed soon.
enableCompileCache();
const { runNode } = await import('./server/run-node.ts');
await runNode(process.argv.slice(2));
