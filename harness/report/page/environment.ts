import { clipped, count, duration } from '../format.ts';
import { markup, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import type { ReportModel } from '../model/model.ts';
import { commandText } from './command.ts';

/**
 * Maximum number of characters of a scenario or a node's log. The end of a longer scenario is left out, and the
 * beginning of a longer log.
 */
const MOST_TEXT_CHARS = 64 * 1024;

/** Everything that is needed to repeat the run, and the nodes' logs. */
export function environment(model: ReportModel): Markup {
  const { result, scenarioText, flatScenarioText, logTails } = model;
  const { environment: env, links } = result;
  const facts: [string, string][] = [
    ['seed', String(result.seed)],
    ['run', result.run],
    ['scenario', result.file],
    ['started', result.startedAt],
    [
      'first fault',
      result.firstFaultMs === null ? 'none' : `${duration(result.firstFaultMs)} after the command's start`,
    ],
    [
      'links',
      `${LINKS_WORDS[links.kind]}, version ${links.version}${links.url === '' ? '' : `, ${links.url}`}`,
    ],
    ['chaos', env.chaos],
    ['Node.js', env.node],
    ['platform', env.platform],
  ];
  const failedLines = new Set(
    result.expectations.flatMap((e) => (e.status === 'fail' && e.line !== undefined ? [e.line] : [])),
  );
  return markup`<p>To run it again:</p>
<pre class="command">${commandText(result)}</pre>
<dl class="facts">
${facts.map(
  ([name, value]) =>
    markup`<div>
<dt>${name}</dt>
<dd>${value}</dd>
</div>`,
)}
</dl>
<details open="open">
<summary>scenario.yaml</summary>
${numbered(scenarioText, failedLines)}
</details>
${
  flatScenarioText === ''
    ? nothing
    : markup`<details>
<summary>run.scenario.yaml (as it was played: names resolved, seed and offsets)</summary>
<pre>${clipped(flatScenarioText, MOST_TEXT_CHARS)}</pre>
</details>`
}
${Object.entries(logTails).map(([node, text]) => logOf(node, text))}`;
}

const LINKS_WORDS = {
  toxiproxy: 'the real Toxiproxy server, started for this run',
  builtin: 'the built-in server with Toxiproxy’s API',
  external: 'a Toxiproxy server that already ran',
  simulated: 'simulated, like the nodes and the time',
} as const;

/** Lines have ids, so that an expectation can link to its line; the lines of failed expectations are marked. */
function numbered(text: string, marked: ReadonlySet<number>): Markup {
  const lines = clipped(text, MOST_TEXT_CHARS).replace(/\n$/, '').split('\n');
  return markup`<pre class="numbered">${joined(
    lines.map((line, i) => {
      const id = markup`id="L${i + 1}" class="${marked.has(i + 1) ? 'marked' : ''}"`;
      return markup`<span ${id}><i>${i + 1}</i>${line}\n</span>`;
    }),
  )}</pre>`;
}

function logOf(node: string, text: string): Markup {
  const kept = text.length > MOST_TEXT_CHARS ? `…${text.slice(-MOST_TEXT_CHARS)}` : text;
  const size = kept.trim() === '' ? 'empty' : `the last ${count(kept.trimEnd().split('\n').length)} lines`;
  return markup`<details>
<summary>log of ${node} (${size})</summary>
${size === 'empty' ? nothing : markup`<pre>${kept}</pre>`}
</details>`;
}
