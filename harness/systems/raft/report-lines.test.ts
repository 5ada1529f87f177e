import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReportReader, type ReportLine } from './report-lines.ts';

const NOW_MS = 10;
const reader = (): ReportReader =>
  new ReportReader({ node: 'n1', nodes: new Set(['n1', 'n2', 'n3']), nowMs: () => NOW_MS });
/** A line of n1 with these fields, written at the time of its reader. */
const line = (n: number, fields: object): string =>
  JSON.stringify({ n, at: NOW_MS * 1_000, node: 'n1', ...fields });
const log = (n: number, message: string): string => line(n, { type: 'log', level: 'info', message });
const commit = (n: number, index: number): string => line(n, { type: 'Commit', index, term: 1 });

/** What a reader gives for whole lines: types, and for problems whether they are a hole, and their text. */
const read = (...lines: readonly string[]): readonly ReportLine[] =>
  reader().push(Buffer.from(lines.map((each) => `${each}\n`).join('')));
const problems = (lines: readonly ReportLine[]): readonly Extract<ReportLine, { type: 'problem' }>[] =>
  lines.filter((each) => each.type === 'problem');

describe('ReportReader', () => {
  it('gives the same reports however the bytes are chunked, also inside a character', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 30 }), { maxLength: 20 }),
        fc.array(fc.nat(40), { minLength: 1 }),
        (messages, cuts) => {
          const bytes = Buffer.from(messages.map((message, n) => `${log(n, message)}\n`).join(''));
          const one = reader();
          const lines: ReportLine[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = cuts[i % cuts.length]! + 1;
            lines.push(...one.push(bytes.subarray(at, at + size)));
            at += size;
          }
          expect(lines).toEqual(
            messages.map((message, n) => ({
              type: 'log',
              atMs: NOW_MS,
              log: JSON.parse(log(n, message)) as unknown,
            })),
          );
          expect(one.midLine).toBe(false);
        },
      ),
    );
  });

  it.each(['', 'null', '[]', '{"n":', '{"n":-1}', '{"n":0.5,"at":1,"node":"n1","type":"log"}', '{}'])(
    'the line %j may have been a step: it is a hole in the trace, and the next line is read',
    (bad) => {
      const lines = read(bad, log(1, 'next'));
      expect(lines).toMatchObject([{ type: 'problem', traceHole: true }, { type: 'log' }]);
      expect(problems(lines)[0]!.message).toMatch(/^report line 1 /);
    },
  );

  it('a line that never ends is a hole in the trace, and the stream goes on after it', () => {
    const one = reader();
    const chunk = Buffer.alloc(1 << 20, 'x');
    const told: ReportLine[] = [];
    for (let i = 0; i < 40; i++) told.push(...one.push(chunk));
    expect(told).toMatchObject([{ type: 'problem', traceHole: true }]);
    expect(problems(told)[0]!.message).toContain(
      'report line 1 is longer than 16777216 bytes and was dropped',
    );
    expect(one.push(Buffer.from(`tail\n${log(1, 'next')}\n`))).toMatchObject([{ type: 'log' }]);
  });

  it('a line that is no text is shown with everything escaped that a terminal may obey', () => {
    const [problem] = problems(read('\u001b[2J\u202e\u009b31m'));
    expect(problem!.message).toBe(
      'report line 1 is not a JSON object; the line: "\\u001b[2J\\u{202e}\\u{009b}31m"',
    );
  });

  it('missing numbers are a hole, which says how many lines are lost and where', () => {
    const lines = read(log(0, 'a'), commit(1, 1), commit(5, 4), commit(6, 5));
    expect(lines.map(({ type }) => type)).toEqual(['log', 'trace', 'problem', 'trace', 'trace']);
    expect(problems(lines)).toMatchObject([
      {
        traceHole: true,
        message: expect.stringContaining(
          'report line 3 has number 5 and follows number 1: 3 lines are lost',
        ) as unknown,
      },
    ]);
  });

  it('an unreadable line explains a missing number, so one hole is told once', () => {
    expect(problems(read(commit(0, 1), '???', commit(2, 3)))).toHaveLength(1);
    expect(problems(read(commit(0, 1), '???', commit(3, 4)))).toHaveLength(2);
  });

  it('lines that repeat a number have no known order: no step of the process is passed on after them', () => {
    const lines = read(commit(0, 1), commit(1, 2), commit(0, 1), log(1, 'on'), commit(2, 3));
    expect(lines.map(({ type }) => type)).toEqual(['trace', 'trace', 'problem', 'log']);
    expect(problems(lines)[0]).toMatchObject({ traceHole: true });
  });

  it('a line that a kill cut off in the middle is no problem', () => {
    const one = reader();
    expect(one.push(Buffer.from(`${commit(0, 1)}\n${commit(1, 2).slice(0, 30)}`))).toMatchObject([
      { type: 'trace' },
    ]);
    expect(one.midLine).toBe(true);
  });

  it('a hole is told again after a step was passed on, and thousands of wrong lines in a few', () => {
    const bad = Array.from({ length: 5_000 }, () => '{}');
    const lines = read(...bad, commit(5_000, 1), ...bad, commit(10_001, 2));
    const holes = problems(lines);
    expect(holes.length).toBeLessThan(20);
    expect(lines.map(({ type }) => type).lastIndexOf('problem')).toBeGreaterThan(
      lines.findIndex(({ type }) => type === 'trace'),
    );
  });

  it('mistakes in status lines never hide that a hole begins', () => {
    const mistakes = Array.from({ length: 50 }, (_, n) => line(n, { type: 'status' }));
    const lines = read(...mistakes, commit(60, 1));
    expect(problems(lines).filter(({ traceHole }) => traceHole)).toHaveLength(1);
  });

  it('50 MB of reports are read in seconds, in chunks as a pipe gives them', () => {
    const first = Buffer.from(`${log(0, 'x'.repeat(400))}\n`);
    const lines = Math.ceil((50 << 20) / first.length);
    const bytes = Buffer.concat(
      Array.from({ length: lines }, (_, n) => Buffer.from(`${log(n, 'x'.repeat(400))}\n`)),
    );
    const one = reader();
    let count = 0;
    const began = performance.now();
    for (let at = 0; at < bytes.length; at += 65_536)
      count += one.push(bytes.subarray(at, at + 65_536)).length;
    expect(count).toBe(lines);
    expect(performance.now() - began).toBeLessThan(6_000);
  });
});
