/**
 * Makes every character printable. Escape sequences could change a terminal or its title, XML 1.0 forbids control
 * characters and lone surrogates even when escaped, and directional overrides could make a line read other than it is.
 * They become their pictures (`␛`) or `⟨U+202E⟩`. Tabs and line feeds stay. Applied twice, it changes nothing more.
 */
export function printable(text: string): string {
  return (
    text
      .replaceAll('\r\n', '\n')
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      .replaceAll(/[\u0000-\u0008\u000B-\u001F]/g, (c) => String.fromCharCode(0x24_00 + c.charCodeAt(0)))
      .replaceAll('\u007F', '␡')
      // oxlint-disable-next-line no-control-regex -- as above
      .replaceAll(/[\u0080-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF\uFFFE\uFFFF]/g, codePoint)
      .toWellFormed()
  );
}

const codePoint = (c: string): string => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`;

/** The same for a text of one line: its line ends become `␊`. */
export const printableLine = (text: string): string => printable(text).replaceAll('\n', '␊');

/** JSON without characters that a terminal obeys: JSON itself escapes only those below U+0020. */
export const printableJson = (json: string): string =>
  json.replaceAll(
    // oxlint-disable-next-line no-control-regex -- as above
    /[\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
