// Plain JavaScript, so that nothing has to strip types before the cache of compiled code is on: with a first file in
// TypeScript every start of a node would load the stripper, 50 ms and 15 MiB.
import { enableCompileCache, registerHooks } from 'node:module';

// Types are stripped and code is compiled once, not at each start: a node that comes back is needed soon.
enableCompileCache();
// Our own imports name the file as it is: nothing has to be tried, or looked up in a package.json, a tenth of a start.
registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('.') || !specifier.endsWith('.ts')) return next(specifier, context);
    const url = new URL(specifier, context.parentURL).href;
    return { url, format: 'module-typescript', shortCircuit: true };
  },
});
const { runNode } = await import('./server/run-node.ts');
await runNode(process.argv.slice(2));
