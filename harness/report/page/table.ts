import { markup, nothing } from '../markup.ts';
import type { Content, Markup } from '../markup.ts';

interface Table {
  readonly caption?: string;
  readonly className?: string;
  /** Names of the columns; `#` at the beginning marks a column of figures, which is right-aligned. */
  readonly columns: readonly string[];
  /** `<tr>` or `<tbody>` elements. */
  readonly body: Markup | readonly Markup[];
}

/** A table that can be scrolled sideways on a narrow screen. */
export function table({ caption, className, columns, body }: Table): Markup {
  const heads = columns.map((name) =>
    name.startsWith('#') ? markup`<th class="n">${name.slice(1)}</th>` : markup`<th>${name}</th>`,
  );
  return markup`<div class="scroll"><table class="${className ?? ''}">
${caption === undefined ? nothing : markup`<caption>${caption}</caption>`}
${columns.length === 0 ? nothing : markup`<thead><tr>${heads}</tr></thead>`}
${body}</table></div>`;
}

export const tr = (cells: readonly Markup[], className = ''): Markup =>
  className === '' ? markup`<tr>${cells}</tr>\n` : markup`<tr class="${className}">${cells}</tr>\n`;
export const td = (content: Content): Markup => markup`<td>${content}</td>`;
/** A cell with a figure. */
export const num = (content: Content): Markup => markup`<td class="n">${content}</td>`;
/** A cell for names and values of the program. */
export const code = (content: Content): Markup => markup`<td class="m">${content}</td>`;
