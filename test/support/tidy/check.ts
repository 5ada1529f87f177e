import { posix } from 'node:path';
import {
  COMPUTED_IMPORTS,
  DOORS,
  LONG_FILES,
  MAY_PRINT,
  MOST_COLUMNS,
  MOST_LINES,
  MOST_LITERAL_COLUMNS,
  PARTS,
} from './table.ts';
import type { Part } from './table.ts';

/** A file of the project: its path from the root, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** True for tests and for code that only tests use. The floors do not apply to them, but the other rules do. */
const isTest = (path: string): boolean =>
  path.endsWith('.test.ts') ||
  path.startsWith('test/') ||
  path.startsWith('tools/') ||
  path.startsWith('bench/') ||
  path.includes('/testing/');
const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

interface Import {
  readonly line: number;
  /** `../raft/log.ts`, `node:fs`, `ink`. */
  readonly target: string;
}

/**
 * Static imports and re-exports, `import()` of code and of types, `require()`, and workers and programs, which are
 * named as `new URL('./x.ts', import.meta.url)`.
 */
const IMPORTS = [
  /^\s*(?:import|export)\b(?:[\s\w*{},$]|\/\/[^\n]*)*?\bfrom\s*(['"])(?<target>[^'"]+)\1/gm,
  /^\s*import\s*(['"])(?<target>[^'"]+)\1/gm,
  /\b(?:import|require)\(\s*(['"])(?<target>[^'"]+)\1\s*[,)]/g,
  /\bnew URL\(\s*(['"])(?<target>[^'"]+\.m?[jt]s)\1\s*,\s*import\.meta\.url/g,
];
const COMPUTED_IMPORT = /\bimport\(\s*[^'"\s)]/g;

function importsOf({ text }: SourceFile): readonly Import[] {
  return IMPORTS.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => {
      const at = match.index + match[0].lastIndexOf(match.groups!['target']!);
      const target = match.groups!['target']!;
      const isUrl = match[0].startsWith('new URL');
      return { line: lineAt(text, at), target: isUrl && !target.startsWith('.') ? `./${target}` : target };
    }),
  );
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** Checks imports against the floors and the doors. Returns one line `path:line: what` per wrong import. */
export function wrongImports(file: SourceFile): readonly string[] {
  if (isTest(file.path)) return [];
  const part = partOf(file.path);
  const found = COMPUTED_IMPORTS[file.path] === undefined ? file.text.matchAll(COMPUTED_IMPORT) : [];
  const computed = [...found].map(
    ({ index }) =>
      `${file.path}:${lineAt(file.text, index)}: the imported file is only known at run time; write its name`,
  );
  if (part === null)
    return [`${file.path}:1: the file is on no floor; add its folder to test/support/tidy/table.ts`];
  const wrong = importsOf(file).flatMap(({ line, target }) => {
    const problem = target.startsWith('.')
      ? wrongFloor(file.path, part, posix.join(posix.dirname(file.path), target))
      : wrongDoor(file.path, target);
    return problem === null ? [] : [`${file.path}:${line}: ${problem}`];
  });
  return [...wrong, ...computed];
}

function partOf(path: string): Part | null {
  const fitting = PARTS.filter((part) => within(path, part.path));
  return fitting.sort((a, b) => b.path.length - a.path.length)[0] ?? null;
}

function wrongFloor(from: string, part: Part, to: string): string | null {
  if (isTest(to)) return `imports ${to}, which is for tests`;
  // Data and not code: package.json, toxiproxy.json, a page's style and script.
  if (!/\.m?ts$/.test(to) && !within(to, 'node')) return null;
  const target = partOf(to);
  if (target === null) return `imports ${to}, which is on no floor`;
  if (target === part || target.path === part.path) return null;
  if ([...(part.also ?? []), ...(part.only ?? [])].some((allowed) => within(to, allowed))) return null;
  const sameTree = from.split('/')[0] === to.split('/')[0];
  if (part.only === undefined && sameTree && target.floor < part.floor) return null;
  const rule = sameTree
    ? `floor ${part.floor} may not import from floor ${target.floor} here`
    : 'across the process boundary';
  return `imports ${to}: ${rule} (${part.path} → ${target.path})`;
}

function wrongDoor(path: string, target: string): string | null {
  if (within(path, 'node/raft')) return `imports ${target}: the Raft core imports nothing, not even node:*`;
  const name = Object.keys(DOORS).find((door) => within(target, door));
  if (name === undefined) {
    return target.startsWith('node:')
      ? null
      : `imports ${target}, a dependency without a door in test/support/tidy/table.ts`;
  }
  return DOORS[name]!.some((door) => within(path, door))
    ? null
    : `imports ${name}, whose door is ${DOORS[name]!.join(', ')}`;
}

/**
 * Import circles among the files, types included. Each is given once, as a path `a.ts → b.ts → a.ts`. The search is
 * Tarjan's: every file that can reach itself is in a strongly connected component, and one shortest circle per
 * component is enough to find the mistake.
 */
export function importCircles(files: readonly SourceFile[]): readonly string[] {
  const known = new Set(files.map(({ path }) => path));
  const graph = new Map(
    files.map((file) => {
      const targets = importsOf(file)
        .filter(({ target }) => target.startsWith('.'))
        .map(({ target }) => posix.join(posix.dirname(file.path), target))
        .filter((target) => known.has(target));
      return [file.path, [...new Set(targets)]] as const;
    }),
  );
  return components(graph)
    .filter((members) => members.length > 1 || graph.get(members[0]!)!.includes(members[0]!))
    .map((members) => shortestCircle(members.sort()[0]!, graph, new Set(members)).join(' → '))
    .sort();
}

/** Strongly connected components of the graph (Tarjan's algorithm). */
function components(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    low.set(node, order.get(node)!);
    stack.push(node);
    for (const next of graph.get(node)!) {
      if (!order.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node)!, low.get(next)!));
      } else if (stack.includes(next)) low.set(node, Math.min(low.get(node)!, order.get(next)!));
    }
    if (low.get(node) === order.get(node)) found.push(stack.splice(stack.indexOf(node)));
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found;
}

/** The shortest way from `start` back to itself within its component, both ends included. */
function shortestCircle(
  start: string,
  graph: ReadonlyMap<string, readonly string[]>,
  members: ReadonlySet<string>,
): readonly string[] {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of graph.get(way.at(-1)!)!) {
      if (next === start) return [...way, start];
      if (!members.has(next) || seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return [start];
}

/** Pattern of open notes, written so that it does not match itself. */
const OPEN_NOTE = /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/;

/** Checks for long files, default exports, open notes and printing. */
export function wrongText({ path, text }: SourceFile): readonly string[] {
  const lines = text.split('\n');
  const found: string[] = [];
  const add = (index: number, what: string): void => {
    found.push(`${path}:${index + 1}: ${what}`);
  };
  lines.forEach((line, i) => {
    if (OPEN_NOTE.test(line)) add(i, 'an open note: do the work, or file an issue');
    if (/^export default\b/.test(line) && !path.endsWith('.config.ts')) add(i, 'a default export');
    const prints = /^\s*(?!\/\/|\*)[^'"`]*\bconsole\.\w+\(/.test(line);
    if (prints && !isTest(path) && !MAY_PRINT.some((place) => within(path, place)))
      add(i, 'prints to the console');
  });
  const long = lines.length - 1 > MOST_LINES;
  if (long && !isTest(path) && LONG_FILES[path] === undefined) {
    add(
      lines.length - 1,
      `${lines.length - 1} lines, at most ${MOST_LINES}: split it, or give a reason in test/support/tidy/table.ts`,
    );
  }
  if (!long && LONG_FILES[path] !== undefined)
    add(0, 'the file is short enough now: remove it from the list of long files');
  return found;
}

const COMMENT = /^\s*(?:\/\/|\/?\*)/;
const TABLE_ROW = /^\s*(?:\/\/|\*) \|/;
/** Matches lines with a string, a template or a regular expression. */
const LITERAL = /['"`]|^\s*\/(?![/*])/;

/**
 * Checks for wide lines. A sentence in a literal, or a table row in a comment, may be longer, so that it can be found
 * by searching.
 */
export function wideLines({ path, text }: SourceFile): readonly string[] {
  return text.split('\n').flatMap((line, i) => {
    const columns = Array.from(line).length;
    const literal = COMMENT.test(line) ? TABLE_ROW.test(line) : LITERAL.test(line);
    const most = literal ? MOST_LITERAL_COLUMNS : MOST_COLUMNS;
    return columns > most ? [`${path}:${i + 1}: ${columns} columns, at most ${most}`] : [];
  });
}

const COMMENT_LINE = /^(?<prefix>\s*(?:\*|\/\/) )(?<body>[^\s/].*)$/;
/** Beginning of a list item, a table row, a tag or other text that is broken on purpose. */
const OWN_LINE = /^(?:[-*|@#>`]|\d+[.)] )/;
/** Columns that a line may leave empty although the next word would fit. */
const TORN_COLUMNS = 20;

/**
 * Comments that were wrapped twice: a line in the middle of a paragraph that ends early although the next word would
 * have had room, with 20 columns to spare.
 */
export function tornComments({ path, text }: SourceFile): readonly string[] {
  const found: string[] = [];
  const lines = text.split('\n').map((line) => COMMENT_LINE.exec(line)?.groups ?? null);
  for (let first = 0; first < lines.length; first++) {
    const prefix = lines[first]?.['prefix'];
    if (prefix === undefined) continue;
    let end = first + 1;
    while (lines[end]?.['prefix'] === prefix && !OWN_LINE.test(lines[end]!['body']!)) end++;
    const bodies = lines.slice(first, end).map((line) => line!['body']!);
    const widest = Math.max(...bodies.map((body) => body.length));
    const room = Math.min(MOST_COLUMNS - prefix.length, widest) - TORN_COLUMNS;
    bodies.slice(0, -1).forEach((body, i) => {
      const next = bodies[i + 1]!.split(' ')[0]!;
      if (/[:.]$/.test(body) || body.length + 1 + next.length > room) return;
      found.push(
        `${path}:${first + i + 1}: a comment line ends early in mid-sentence: wrap the paragraph again`,
      );
    });
    first = end - 1;
  }
  return found;
}
