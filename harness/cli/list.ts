import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { EXIT } from '../result.ts';
import { jsonSchema } from '../scenario/language/json-schema.ts';
import { findScenario, shippedNames, shippedPath } from './find-scenario.ts';
import { read } from './run.ts';
import { complain, say } from './print.ts';

/** `chaos list`: names and the first comment of each shipped scenario. */
export function list(): number {
  const names = shippedNames();
  const width = Math.max(...names.map((name) => name.length));
  for (const name of names)
    console.log(`${name.padEnd(width)}  ${firstSentence(readFileSync(shippedPath(name), 'utf8'))}`);
  console.log(`\nRun one: chaos run ${names[0] ?? 'FILE'}.yaml`);
  return EXIT.pass;
}

/** The header comment's first sentence (its lines joined, without the editor's schema line). */
function firstSentence(text: string): string {
  const comment: string[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('#')) break;
    if (!line.includes('yaml-language-server')) comment.push(line.slice(1).trim());
  }
  const joined = comment.join(' ');
  return /^.*?[.!?](?=\s|$)/.exec(joined)?.[0] ?? joined;
}

/** `chaos validate`: prints ok, or all mistakes, for each file. */
export function validate(names: readonly string[]): number {
  let bad = 0;
  for (const name of names) {
    const found = findScenario(name);
    const problem = 'error' in found ? found.error : problemOf(found.path);
    if (problem === null) say(`${name}: ok`);
    else {
      bad++;
      complain(problem);
    }
  }
  return bad === 0 ? EXIT.pass : EXIT.usage;
}

function problemOf(path: string): string | null {
  const loaded = read(path, relative(process.cwd(), path));
  return 'problem' in loaded ? loaded.problem : null;
}

/** `chaos schema`. */
export function schema(): number {
  console.log(JSON.stringify(jsonSchema(), null, 2));
  return EXIT.pass;
}
