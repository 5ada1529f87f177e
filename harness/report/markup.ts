/**
 * HTML, SVG and XML text that is safe by construction: `markup` escapes whatever is interpolated unless it is `Markup`
 * already, and only this file makes `Markup`. Every tag that the report writes is closed, so that a page is well-formed
 * XML too and a test can check it as such.
 */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | null | undefined | readonly Content[];

export function markup(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = parts[0]!;
  for (let i = 0; i < values.length; i++) text += render(values[i]) + parts[i + 1]!;
  return new Markup(text);
}

export const nothing: Markup = new Markup('');

/** Only for text that is part of this program (its stylesheet, its script), never for text that came from a run. */
export const trusted = (text: string): Markup => new Markup(text);

/** Faster than interpolating a list when there are thousands. */
export const joined = (pieces: readonly Markup[]): Markup => new Markup(pieces.map((p) => p.text).join(''));

function render(value: Content): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number') return String(value);
  return value.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For element content and for attribute values in either kind of quotes. */
export function escapeText(text: string): string {
  return visible(text).replaceAll(/[&<>"']/g, (c) => ENTITIES[c]!);
}

/**
 * Makes every character printable: XML 1.0 forbids control characters and lone surrogates even when escaped, and
 * directional overrides could make a line read other than it is. They become their pictures (`␛`) or `⟨U+202E⟩`.
 */
export function visible(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F]/g, (c) =>
        String.fromCharCode(0x24_00 + c.charCodeAt(0)),
      )
      // oxlint-disable-next-line no-control-regex -- as above
      .replaceAll(/[\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069\uFFFE\uFFFF]/g, codePoint)
      .replaceAll('\r\n', '\n')
      .replaceAll('\r', '␍')
      .toWellFormed()
  );
}

const codePoint = (c: string): string => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`;

/** JSON for use inside a `<script>` element: no `<` can end the element, and no separator can break a parser. */
export function scriptJson(value: unknown): Markup {
  return new Markup(
    JSON.stringify(value).replaceAll(
      /[<>&\u2028\u2029]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );
}
