import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkLinearizable } from '../../harness/checker/library.ts';
import { MODELS } from '../../harness/cli/check/check.ts';
import { FORMAT_NAMES } from '../../harness/history/formats/registry.ts';
import { importHistory } from '../../harness/history/formats/import.ts';

const page = readFileSync(new URL('../../docs/check.md', import.meta.url), 'utf8');

test.each(FORMAT_NAMES)(
  'the example of the format %s in docs/check.md is recognised, read and linearizable',
  async (format) => {
    const section = page.slice(page.indexOf(`### ${format}\n`));
    const example = /^```\w*\n([^]*?)^```$/m.exec(section)![1]!;
    const history = importHistory(example, { file: format });
    expect(history.format).toBe(format);
    expect(history.ops.length).toBeGreaterThan(1);
    const { ops, initial } = history;
    expect(await checkLinearizable(ops, { initial })).toMatchObject({ verdict: 'linearizable' });
  },
);

test('docs/check.md names every format and model', () => {
  expect(page).toContain(`\`--format auto\\|${FORMAT_NAMES.join('\\|')}\``);
  expect(page).toContain(`\`--model ${Object.keys(MODELS).join('\\|')}\``);
});
