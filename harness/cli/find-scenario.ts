import { existsSync, readdirSync } from 'node:fs';
import { extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { closest, distance } from 'fastest-levenshtein';

/** Folder of the shipped scenarios. */
export const SHIPPED = fileURLToPath(new URL('../../scenarios', import.meta.url));

/**
 * A bare name (`partition-leader`, with or without .yaml) is looked up in the current folder, then among the shipped
 * ones.
 */
export function findScenario(name: string): { readonly path: string } | { readonly error: string } {
  const candidates = [name, ...(extname(name) === '' ? [`${name}.yaml`, `${name}.yml`] : [])];
  const bare = !isAbsolute(name) && !name.startsWith('.');
  for (const dir of [process.cwd(), ...(bare ? [SHIPPED] : [])]) {
    for (const candidate of candidates) {
      const path = resolve(dir, candidate);
      if (existsSync(path)) return { path };
    }
  }
  const wanted = name.replace(/\.ya?ml$/, '');
  const near = closest(wanted, [...shippedNames()]);
  const hint = distance(wanted, near) <= 4 ? `did you mean ${near}.yaml?` : 'see `chaos list`';
  return { error: `${name}: no such scenario, neither in ${process.cwd()} nor shipped; ${hint}` };
}

/** Names of the shipped scenarios, without `.yaml`, sorted. */
export function shippedNames(): readonly string[] {
  return readdirSync(SHIPPED)
    .filter((file) => /\.ya?ml$/.test(file))
    .map((file) => file.replace(/\.ya?ml$/, ''))
    .sort();
}

export const shippedPath = (name: string): string => join(SHIPPED, `${name}.yaml`);
