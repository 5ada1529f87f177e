import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Verdict } from '../../event.ts';
import { markup, nothing, scriptJson, trusted } from '../markup.ts';
import type { Markup } from '../markup.ts';

const STYLE = readFileSync(new URL('./page.css', import.meta.url), 'utf8');
const hashed = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
/** Content policy: nothing is fetched, and only the page's own script runs, even if escaping should fail somewhere. */
const policy = (script: string | undefined): string =>
  [
    "default-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "style-src 'unsafe-inline'",
    ...(script === undefined ? [] : [`script-src ${hashed(script)}`]),
  ].join('; ');

interface Page {
  readonly title: string;
  readonly head: Markup;
  readonly main: Markup;
  /** The page's own script, and the data that it reads from the page. */
  readonly script?: string;
  readonly data?: unknown;
}

/** The page as one file: it needs no network and is complete without scripts. */
export function wholePage({ title, head, main, script, data }: Page): string {
  const scripts =
    script === undefined
      ? nothing
      : markup`<script type="application/json" id="data">${scriptJson(data)}</script>
<script>${trusted(script)}</script>`;
  const page = markup`<html lang="en"><head><meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="${policy(script)}"/>
<meta name="color-scheme" content="light dark"/>
<title>${title}</title>
<style>${trusted(STYLE)}</style></head><body>
${PATTERNS}${head}<main>
${main}
</main>
${scripts}</body></html>
`;
  return `<!DOCTYPE html>\n${page.text}`;
}

const MARK: Readonly<Record<Verdict, string>> = { pass: '✓', violation: '✗', inconclusive: '?', error: '!' };

interface Head {
  readonly verdict: Verdict;
  readonly sentence: string;
  readonly below: Markup;
}

/** The verdict as a word and a sentence, and the content below it. */
export const pageHead = ({ verdict, sentence, below }: Head): Markup => markup`<header class="${verdict}">
<p class="verdict"><span aria-hidden="true">${MARK[verdict]}</span> ${verdict.toUpperCase()}</p>
<div><h1>${sentence}</h1>${below}</div></header>
`;

export const section = (
  id: string,
  title: string,
  body: Markup,
): Markup => markup`<section id="${id}"><h2>${title}</h2>
${body}
</section>`;

/** Patterns that distinguish roles and outcomes without colour. */
const PATTERNS = markup`<svg class="patterns" width="0" height="0" aria-hidden="true">
<defs>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect class="p-back" width="6" height="6"/>
<rect class="p-front" width="2.5" height="6"/>
</pattern>
<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse">
<rect class="p-back" width="6" height="6"/>
<circle class="p-front" cx="3" cy="3" r="1.4"/>
</pattern>
<pattern id="cross" width="7" height="7" patternUnits="userSpaceOnUse">
<rect class="p-back" width="7" height="7"/>
<path class="p-line" d="M0 0L7 7M7 0L0 7"/>
</pattern>
<pattern id="bars" width="7" height="7" patternUnits="userSpaceOnUse">
<rect class="p-back" width="7" height="7"/>
<rect class="p-front" width="2" height="7"/>
</pattern>
<pattern id="gaps" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
<rect class="p-paper" width="6" height="6"/><rect class="p-gap" width="1.6" height="6"/>
</pattern>
<pattern id="failed" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect class="p-fail-back" width="4" height="4"/>
<rect class="p-fail" width="1.8" height="4"/>
</pattern>
</defs>
</svg>`;
