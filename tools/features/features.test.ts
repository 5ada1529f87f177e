import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, test } from 'vitest';
import { featureRows } from './claims.ts';
import { edited } from './removal.ts';
import { REMOVALS } from './table.ts';
import { tryRemoval } from './try-removal.ts';

const features = [...new Set(REMOVALS.map(({ feature }) => feature))];

/** The files that a removal changes, with their text after the change. */
function changedFiles({ edits }: (typeof REMOVALS)[number]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const edit of edits) {
    const text = texts.get(edit.file) ?? readFileSync(new URL(`../../${edit.file}`, import.meta.url), 'utf8');
    texts.set(edit.file, edited(text, edit));
  }
  return texts;
}

describe('the table of removals (npm run features)', () => {
  test('has an entry for every row of docs/node.md, and for no other feature', () => {
    expect(features.toSorted()).toEqual(
      featureRows()
        .map(({ feature }) => feature)
        .toSorted(),
    );
  });

  test.each(REMOVALS)('still fits the source and gives valid TypeScript: $feature: $without', (removal) => {
    for (const text of changedFiles(removal).values()) expect(() => stripTypeScriptTypes(text)).not.toThrow();
  });
});

describe('a removal', () => {
  const crc = {
    file: 'node/kv/crc.test.ts',
    name: 'the CRC-32 of any range of bytes is equal to that of zlib',
  };
  const feature = 'any';

  test('a removal that no test fails without is a problem', async () => {
    const file = 'node/kv/sessions.ts';
    const edits = [
      { file, find: 'export const SESSION_CAP = 10_000;', replace: 'export const SESSION_CAP = 9;' },
    ];
    const tried = await tryRemoval({ feature, without: 'many sessions', edits, servesNoClients: true }, [
      crc,
    ]);
    expect(tried).toMatchObject({ verdicts: [{ outcome: 'passed' }], problem: 'no test failed without it' });
  });

  test('a removal that leaves a node which serves no clients is a problem, even if the test fails', async () => {
    const edits = [
      {
        file: 'node/server/options.ts',
        find: '  const given = parseStrictly(argv);',
        replace: '  const given = parseStrictly(argv).given;',
      },
    ];
    const options = { file: 'node/server/options.test.ts', name: 'are read, with = or without' };
    const tried = await tryRemoval({ feature, without: 'options', edits }, [options]);
    expect(tried.verdicts).toMatchObject([{ outcome: 'failed' }]);
    expect(tried.problem).toMatch(/^such a node serves no clients: /);
  });

  test('a removal with a test that does not exist is a problem', async () => {
    const tried = await tryRemoval({ feature, without: 'nothing', edits: [], servesNoClients: true }, [
      { ...crc, name: 'no such test' },
    ]);
    expect(tried.problem).toMatch(/^a test did not run/);
  });
});

describe('an edit', () => {
  const edit = { file: 'a.ts', find: 'one', replace: 'two' };

  test('an edit is applied where its text is found', () => {
    expect(edited('for one more', edit)).toBe('for two more');
  });

  test.each(['for no client', 'one by one'])(
    'is refused unless its text is found exactly once: %s',
    (text) => {
      expect(() => edited(text, edit)).toThrow(/a\.ts: the text of an edit is found \d times, not once/);
    },
  );
});
