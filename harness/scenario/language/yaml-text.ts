import { Composer, LineCounter, Parser, type CST, type Document } from 'yaml';
import type { Finding } from './position.ts';

/** A text that is YAML, or the mistakes in its syntax. */
export type ReadYaml =
  | { readonly ok: true; readonly document: Document | null; readonly lines: LineCounter }
  | { readonly ok: false; readonly findings: readonly Finding[]; readonly lines: LineCounter };

/**
 * Maximum nesting of lists and maps. Composing and checking are recursive, so a deeper file could overflow the stack. A
 * step inside of twenty `repeat`s is 63 levels deep.
 */
export const MAX_DEPTH = 100;
export const TOO_DEEP = {
  message: 'nested too deep',
  hint: `lists and maps may be nested ${MAX_DEPTH} levels deep`,
} as const;

/** Reads a text as one document of YAML 1.2. The data of a document with mistakes in its syntax is not reliable. */
export function readYaml(text: string): ReadYaml {
  const lines = new LineCounter();
  const bad = (findings: readonly Finding[]): ReadYaml => ({ ok: false, findings, lines });
  // The parser is not recursive, so any depth is safe here. The composer is recursive.
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const deep = tooDeep(tokens);
  if (deep !== null) return bad([{ start: deep, end: deep + 1, ...TOO_DEEP }]);
  const directives = tokens.filter(isDirective).filter(({ source }) => !/^%YAML\s+1\.2\s*$/.test(source));
  if (directives.length > 0) return bad(directives.map(refusedDirective));
  const documents = composed(tokens, lines);
  const [document = null, second] = documents;
  const findings = documents.flatMap(({ errors }) => errors.map(syntaxFinding));
  if (second !== undefined) findings.push(secondDocument(second));
  return findings.length > 0 ? bad(findings) : { ok: true, document, lines };
}

function composed(tokens: readonly CST.Token[], lineCounter: LineCounter): readonly Document[] {
  const limit = Error.stackTraceLimit;
  // The composer creates one Error per mistake. Recording the stacks of these would take most of the time.
  Error.stackTraceLimit = 0;
  try {
    const composer = new Composer({
      version: '1.2',
      schema: 'core',
      // The composer compares every key with every other one. The conversion to plain data uses a set.
      uniqueKeys: false,
      // Tags such as `!!set` would make values that are not plain data.
      resolveKnownTags: false,
      lineCounter,
    });
    return [...composer.compose(tokens, true)];
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Returns the offset of the first token that is nested too deep, or null. It is not recursive. */
function tooDeep(tokens: readonly CST.Token[]): number | null {
  const open: { readonly token: CST.Token; readonly depth: number }[] = tokens.map((token) => ({
    token,
    depth: 0,
  }));
  let first: number | null = null;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > MAX_DEPTH) {
      first = Math.min(first ?? Infinity, token.offset);
      continue;
    }
    if (token.type === 'document') {
      if (token.value !== undefined) open.push({ token: token.value, depth });
    } else if ('items' in token) {
      for (const { key, value } of token.items as readonly CST.CollectionItem[])
        for (const inner of [key, value]) if (inner) open.push({ token: inner, depth: depth + 1 });
    }
  }
  return first;
}

const isDirective = (token: CST.Token): token is CST.Directive => token.type === 'directive';

function refusedDirective({ offset, source }: CST.Directive): Finding {
  const message = `scenarios may not have this YAML directive: \`${source.trim()}\``;
  return { start: offset, end: offset + source.length, message, hint: 'scenarios are YAML 1.2: remove it' };
}

function secondDocument(document: Document): Finding {
  const start = document.range?.[0] ?? 0;
  return {
    start,
    end: start + 3,
    message: 'a second document in the file',
    hint: 'one scenario per file: end it before the `---`',
  };
}

function syntaxFinding({ code, message, pos }: Document['errors'][number]): Finding {
  const place = { start: pos[0], end: pos[1] };
  if (code === 'TAB_AS_INDENT')
    return { ...place, message: 'a tab in the indentation', hint: 'indent with spaces' };
  const text = `not YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
  return { ...place, message: text, hint: null };
}
