import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { importHistory } from '../history/formats/import.ts';
import { checkLinearizable } from './linearizable.ts';

/** Recorded histories with known verdicts (`verdicts.json`), not part of this project. */
const folder =
  process.env['CHAOS_HISTORIES'] ?? path.resolve(import.meta.dirname, '../../../shared/histories');
const index = path.join(folder, 'verdicts.json');
const verdicts: Record<string, boolean> = existsSync(index) ? JSON.parse(readFileSync(index, 'utf8')) : {};
const files = Object.entries(verdicts);

describe.skipIf(files.length === 0)(
  `recorded histories (skipped where CHAOS_HISTORIES or ${folder} is absent)`,
  () => {
    test.each(files)('%s is linearizable: %s', async (file, linearizable) => {
      const text = readFileSync(path.join(folder, file), 'utf8');
      const { ops, initial } = importHistory(text, { file });
      const result = await checkLinearizable(ops, { limitMs: 30_000, casFail: 'mismatch', initial });
      expect(result).toMatchObject({ verdict: linearizable ? 'linearizable' : 'violation' });
      expect(result.violations.length > 0).toBe(!linearizable);
    });
  },
);
