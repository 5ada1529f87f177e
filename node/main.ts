import { runNode } from './server/run-node.ts';

await runNode(process.argv.slice(2));
