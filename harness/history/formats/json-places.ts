/** Places of the fields in a JSON object that `JSON.parse` refused, or whose fields are wrong. */
export interface JsonPlaces {
  /** The values of the outermost object's fields: characters from `from` to before `to`. */
  readonly fields: ReadonlyMap<string, { readonly from: number; readonly to: number }>;
  /**
   * Position of the first token that does not fit, or the length of the text if it ends too soon. Null if the text is
   * JSON.
   */
  readonly flawAt: number | null;
}

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'end';

/** A string, character by character: all but quote, backslash and control characters, or an escape. */
const STRING = /"(?:[ !#-[\]-\uFFFF]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/;
const LITERAL = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)\b/;
const TOKEN = new RegExp(
  `[\\t\\n\\r ]*(?:(?<punctuation>[{}[\\]:,])|(?<string>${STRING.source})|(?<literal>${LITERAL.source})|(?<end>$))`,
  'y',
);

/** Reads tokens one by one, with a stack of open brackets. It is used only for wrong texts, so it need not be fast. */
export function jsonPlaces(text: string): JsonPlaces {
  const fields = new Map<string, { from: number; to: number }>();
  const open: string[] = [];
  let expected: Expected = 'value';
  let field: { readonly name: string; from: number } | null = null;
  for (let at = 0; ;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    const from = match === null ? skipSpace(text, at) : TOKEN.lastIndex - tokenOf(match).length;
    if (match === null) return { fields, flawAt: from };
    const token = tokenOf(match);
    const to = TOKEN.lastIndex;
    if (token === '') return { fields, flawAt: expected === 'end' ? null : text.length };
    const next = step(token, expected, open);
    if (next === null) return { fields, flawAt: from };
    if (open.length === 1 && expected.startsWith('key') && token !== '}')
      field = { name: JSON.parse(token) as string, from: -1 };
    else if (field !== null && field.from < 0 && expected === 'value') field.from = from;
    if (field !== null && field.from >= 0 && open.length === 1 && next === ', or end') {
      fields.set(field.name, { from: field.from, to });
      field = null;
    }
    expected = next;
    at = to;
  }
}

const tokenOf = ({ groups }: RegExpExecArray): string =>
  groups!['punctuation'] ?? groups!['string'] ?? groups!['literal'] ?? '';

/** The tokens that may follow a token, or null if the token is not allowed here. Opens and closes brackets. */
function step(token: string, expected: Expected, open: string[]): Expected | null {
  const afterValue = (): Expected => (open.length === 0 ? 'end' : ', or end');
  const close = (bracket: string): Expected | null => {
    if (open.pop() !== bracket) return null;
    return afterValue();
  };
  switch (expected) {
    case 'value or ]':
      if (token === ']') return close('[');
      return step(token, 'value', open);
    case 'value':
      if (token === '{' || token === '[') {
        open.push(token);
        return token === '{' ? 'key or }' : 'value or ]';
      }
      return PUNCTUATION.has(token) ? null : afterValue();
    case 'key or }':
      if (token === '}') return close('{');
      return step(token, 'key', open);
    case 'key':
      return token.startsWith('"') ? ':' : null;
    case ':':
      return token === ':' ? 'value' : null;
    case ', or end':
      if (token === ',') return open.at(-1) === '{' ? 'key' : 'value';
      if (token === '}') return close('{');
      return token === ']' ? close('[') : null;
    case 'end':
      return null;
    default:
      return expected satisfies never;
  }
}

const PUNCTUATION: ReadonlySet<string> = new Set(['{', '}', '[', ']', ':', ',']);

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\n\r'.includes(text[at]!)) at++;
  return at;
}
