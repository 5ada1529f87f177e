import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReportReader, type ReportLine } from './report-lines.ts';

const report = (n: number, message: string): string =>
  JSON.stringify({ n, at: 1_000 + n, node: 'n1', type: 'log', level: 'info', message });

describe('ReportReader', () => {
  it('gives the same reports however the bytes are chunked, also inside a character', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 30 }), { maxLength: 20 }),
        fc.array(fc.nat(40), { minLength: 1 }),
        (messages, cuts) => {
          const bytes = Buffer.from(messages.map((message, n) => `${report(n, message)}\n`).join(''));
          const reader = new ReportReader();
          const lines: ReportLine[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = cuts[i % cuts.length]! + 1;
            lines.push(...reader.push(bytes.subarray(at, at + size)));
            at += size;
          }
          expect(lines).toEqual(
            messages.map((message, n) => ({
              type: 'log',
              atMs: (1_000 + n) / 1_000,
              log: JSON.parse(report(n, message)) as unknown,
            })),
          );
          expect(reader.midLine).toBe(false);
        },
      ),
    );
  });

  it.each(['', 'null', '[]', '{"n":0}', '{"n":0.5,"at":1,"node":"n1","type":"log"}', '{"n":'])(
    'the line %j is a problem, and the next one is read',
    (bad) => {
      const lines = new ReportReader().push(Buffer.from(`${bad}\n${report(0, 'next')}\n`));
      expect(lines.map((line) => line.type)).toEqual(['problem', 'log']);
    },
  );

  it('a line that never ends is dropped with a word, and the stream goes on after it', () => {
    const reader = new ReportReader();
    const chunk = Buffer.alloc(1 << 20, 'x');
    const problems: ReportLine[] = [];
    for (let i = 0; i < 40; i++) problems.push(...reader.push(chunk));
    expect(problems).toEqual([
      { type: 'problem', message: expect.stringContaining('was dropped') as unknown },
    ]);
    expect(reader.push(Buffer.from(`tail\n${report(0, 'next')}\n`))).toMatchObject([{ type: 'log' }]);
  });

  it('50 MB of reports are read in seconds, in chunks as a pipe gives them', () => {
    const line = Buffer.from(`${report(0, 'x'.repeat(400))}\n`);
    const lines = Math.ceil((50 << 20) / line.length);
    const bytes = Buffer.concat(
      Array.from({ length: lines }, (_, n) => Buffer.from(`${report(n, 'x'.repeat(400))}\n`)),
    );
    const reader = new ReportReader();
    let read = 0;
    const began = performance.now();
    for (let at = 0; at < bytes.length; at += 65_536)
      read += reader.push(bytes.subarray(at, at + 65_536)).length;
    expect(read).toBe(lines);
    expect(performance.now() - began).toBeLessThan(6_000);
  });
});
