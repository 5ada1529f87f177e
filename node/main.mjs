// This file is JavaScript, so that no types must be stripped before the cache of compiled code is on. With a first file
// in TypeScript, every start of a node would load the type stripper, which needs 50 ms and 15 MiB.
import { enableCompileCache, registerHooks } from 'node:module';

// Types are stripped and code is compiled only once, so that a restart of a node is fast.
enableCompileCache();
// Our own imports have the full file name, so the resolver need not look at a package.json, a tenth of the start time.
registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('.') || !specifier.endsWith('.ts')) return next(specifier, context);
    const url = new URL(specifier, context.parentURL).href;
    return { url, format: 'module-typescript', shortCircuit: true };
  },
});
const { runNode } = await import('./server/run-node.ts');
await runNode(process.argv.slice(2));
