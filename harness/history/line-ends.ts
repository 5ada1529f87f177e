/**
 * The text without a byte order mark, and with newlines where its lines end with a carriage return alone. A carriage
 * return before a newline stays, because every format takes it for white space. Places stay the same, except that the
 * mark is gone.
 */
export function withPlainLines(text: string): string {
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const first = plain.search(/[\r\n]/);
  if (first < 0 || plain[first] !== '\r' || plain[first + 1] === '\n') return plain;
  return plain.replaceAll(/\r(?!\n)/g, '\n');
}
