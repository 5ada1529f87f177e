import type { Edn } from './edn.ts';

/**
 * The value as EDN text. Equal values have the same text however they were written, and different values never do.
 * Equality is that of EDN and Clojure: a list equals a vector with the same elements, 1.50 equals 1.5, -0 equals 0, and
 * two `#inst` of one moment are equal; but 1, 1.0 and 1.0M are three values, and so are "a", :a and a.
 */
export function ednText(value: Edn): string {
  switch (value.type) {
    case 'nil':
      return 'nil';
    case 'boolean':
      return String(value.value);
    case 'number':
      return value.text;
    case 'character':
      return characterText(value.text);
    case 'string':
      return JSON.stringify(value.value);
    case 'keyword':
      return `:${value.name}`;
    case 'symbol':
      return value.name;
    case 'vector':
    case 'list':
      return `[${value.items.map(ednText).join(' ')}]`;
    // Maps and sets have no order, so their elements are sorted.
    case 'set':
      return `#{${value.items.map(ednText).sort().join(' ')}}`;
    case 'map': {
      const entries = value.entries.map(([key, each]) => `${ednText(key)} ${ednText(each)}`);
      return `{${entries.sort().join(', ')}}`;
    }
    case 'tagged':
      return taggedText(value.tag, value.value);
    default:
      return value satisfies never;
  }
}

const NAMED_CHARACTERS: Readonly<Record<string, string>> = {
  newline: '\n',
  return: '\r',
  space: ' ',
  tab: '\t',
  formfeed: '\f',
  backspace: '\b',
};

/** Text of a character: `\newline` and `\u000a` are the same one. */
function characterText(text: string): string {
  const name = text.slice(1);
  const hex = /^u([0-9a-fA-F]{4})$/.exec(name)?.[1];
  const octal = /^o([0-7]{1,3})$/.exec(name)?.[1];
  const code = hex === undefined ? Number.parseInt(octal ?? 'none', 8) : Number.parseInt(hex, 16);
  const char = NAMED_CHARACTERS[name] ?? (Number.isNaN(code) ? name : String.fromCharCode(code));
  const isPlain = char.length > 1 || /^[!-+\--~]$/.test(char);
  return isPlain ? `\\${char}` : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function taggedText(tag: string, value: Edn): string {
  if (value.type === 'string' && tag === 'inst') {
    const moment = momentText(value.value);
    if (moment !== null) return `#inst "${moment}"`;
  }
  if (value.type === 'string' && tag === 'uuid') return `#uuid ${JSON.stringify(value.value.toLowerCase())}`;
  return `#${tag} ${ednText(value)}`;
}

const MOMENT =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?)?)?)?(?:Z|([+-])(\d\d):(\d\d))?$/;

/** A moment in UTC; null if Clojure cannot read the text. A part that is absent is the first month, day or hour. */
function momentText(text: string): string | null {
  const match = MOMENT.exec(text);
  if (match === null) return null;
  const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => (part === undefined ? undefined : Number(part)));
  const offset = (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0)) * (match[8] === '-' ? -1 : 1);
  const date = new Date(0);
  date.setUTCFullYear(year!, month - 1, day);
  if (
    date.getUTCMonth() !== month - 1 ||
    date.getUTCDate() !== day ||
    hour > 23 ||
    minute > 59 ||
    second > 59
  )
    return null;
  date.setUTCHours(hour, minute - offset, second);
  const fraction = (match[7] ?? '').replace(/0+$/, '');
  return `${date.toISOString().replace(/\.000Z$/, '')}${fraction === '' ? '' : `.${fraction}`}Z`;
}
