import { enableCompileCache } from 'node:module';

// Types are stripped and code is compiled once, not at each start: a node that comes back is needed soon.
enableCompileCache();
const { runNode } = await import('./server/run-node.ts');
await runNode(process.argv.slice(2));
