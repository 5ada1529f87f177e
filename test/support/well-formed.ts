/**
 * Parses XML, or HTML with closed tags, strictly and returns its elements in order. Throws at the first error that a
 * strict parser would refuse: an unclosed tag, a bare `<` or `&`, an attribute without quotes or given twice, or a
 * control character.
 */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Text of the element and its children, with entities resolved. */
  text: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
/** HTML elements that hold plain text up to their end tag. */
const RAW = new Set(['script', 'style']);

export function parseStrictly(source: string): readonly Element[] {
  // oxlint-disable-next-line no-control-regex -- this searches for control characters
  const control = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/.exec(source);
  if (control !== null) throw new Error(`control character at ${control.index}`);
  if (!source.isWellFormed()) throw new Error('a lone surrogate');
  const elements: Element[] = [];
  const open: Element[] = [];
  const token = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|<[!?][^>]*>|([^<]+)/y;
  while (token.lastIndex < source.length) {
    const at = token.lastIndex;
    const match = token.exec(source);
    if (match === null) throw new Error(`not well-formed at ${at}: ${source.slice(at, at + 80)}`);
    const [, closing, name, attributes, selfClosing, text] = match;
    if (text !== undefined) {
      const resolved = entities(text, at);
      for (const element of open) element.text += resolved;
      if (open.length === 0 && text.trim() !== '') throw new Error(`text outside of any element at ${at}`);
    } else if (closing === '/') {
      const last = open.pop();
      if (last?.name !== name) throw new Error(`</${name}> at ${at} closes <${last?.name ?? 'nothing'}>`);
    } else if (name !== undefined) {
      const element = { name, attributes: attributesOf(attributes ?? '', at), text: '' };
      elements.push(element);
      if (selfClosing === '/') continue;
      open.push(element);
      if (!RAW.has(name)) continue;
      const end = source.indexOf(`</${name}`, token.lastIndex);
      if (end === -1) throw new Error(`<${name}> at ${at} never ends`);
      element.text = source.slice(token.lastIndex, end);
      token.lastIndex = end;
    }
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)!.name}> is never closed`);
  return elements;
}

function attributesOf(text: string, at: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/([\w:-]+)="([^"]*)"/g)) {
    if (found.has(name!)) throw new Error(`attribute ${name} twice at ${at}`);
    found.set(name!, entities(value!, at));
  }
  return found;
}

const entities = (text: string, at: number): string =>
  text.replaceAll(/&([^;\s&]*);?/g, (whole, name: string) => {
    const value = ENTITIES[name];
    if (value === undefined || !whole.endsWith(';'))
      throw new Error(`bare & or unknown entity ${whole} after ${at}`);
    return value;
  });
