import { printable } from '../printable.ts';

/**
 * HTML, SVG and XML text that is safe by construction: `markup` escapes every interpolated value that is not already
 * `Markup`, and only this file makes `Markup`. Every tag that the report writes is closed, so that a page is also
 * well-formed XML and a test can check this.
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

/** Joins thousands of pieces faster than interpolating the list. */
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

/** Escapes text for element content and for attribute values in either kind of quotes. */
export function escapeText(text: string): string {
  return printable(text).replaceAll(/[&<>"']/g, (c) => ENTITIES[c]!);
}

/** JSON for use inside a `<script>` element: no `<` can end the element, and no line separator can break a parser. */
export function scriptJson(value: unknown): Markup {
  return new Markup(
    JSON.stringify(value).replaceAll(
      /[<>&\u2028\u2029]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );
}
