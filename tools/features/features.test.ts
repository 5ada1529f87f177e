import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, test } from 'vitest';
import { featureRows } from './claims.ts';
import { edited } from './removal.ts';
import { REMOVALS } from './table.ts';
import { tryRemoval } from './try-removal.ts';

const features = [...new Set(REMOVALS.map(({ feature }) => feature))];

/** The files that a removal changes, as they are then. */
function changedFiles({ edits }: (typeof REMOVALS)[number]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const edit of edits) {
    const text = texts.get(edit.file) ?? readFileSync(new URL(`../../${edit.file}`, import.meta.url), 'utf8');
    texts.set(edit.file, edited(text, edit));
  }
  return texts;
}

describe('the node without a feature (npm run features)', () => {
  test('is there for every row of docs/node.md, and for no other', () => {
    expect(features.toSorted()).toEqual(
      featureRows()
        .map(({ feature }) => feature)
        .toSorted(),
    );
  });

  test.each(REMOVALS)('still can be made, and is a program: $feature: $without', (removal) => {
    for (const text of changedFiles(removal).values()) expect(() => stripTypeScriptTypes(text)).not.toThrow();
  });
});

describe('without a feature', () => {
  const crc = {
    file: 'node/kv/crc.test.ts',
    name: 'the CRC-32 of any stretch of bytes is that of zlib, short or long',
  };
  const feature = 'any';

  test('that no test misses it is a problem', async () => {
    const file = 'node/kv/sessions.ts';
    const edits = [
      { file, find: 'export const SESSION_CAP = 10_000;', replace: 'export const SESSION_CAP = 9;' },
    ];
    const tried = await tryRemoval({ feature, without: 'many sessions', edits, servesNobody: true }, [crc]);
    expect(tried).toMatchObject({ verdicts: [{ outcome: 'passed' }], problem: 'nobody missed it' });
  });

  test('that the node does not even serve is a problem, though the test fails', async () => {
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
    expect(tried.problem).toMatch(/^such a node serves nobody: /);
  });

  test('a test that is not there is a problem', async () => {
    const tried = await tryRemoval({ feature, without: 'nothing', edits: [], servesNobody: true }, [
      { ...crc, name: 'no such test' },
    ]);
    expect(tried.problem).toMatch(/^a test did not run/);
  });
});

describe('an edit', () => {
  const edit = { file: 'a.ts', find: 'one', replace: 'two' };

  test('is made where its text stands', () => {
    expect(edited('for one more', edit)).toBe('for two more');
  });

  test.each(['for nobody', 'one by one'])('is refused unless that is exactly one place: %s', (text) => {
    expect(() => edited(text, edit)).toThrow(/a\.ts: the text of an edit stands there \d times, not once/);
  });
});
