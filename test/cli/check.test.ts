import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { generateHistory } from '../../harness/checker/testing/generate.ts';
import { asciiCloseUp } from '../../harness/report/ascii-close-up.ts';
import { type CheckFlags, judge } from '../../harness/cli/check/check.ts';
import type { Op } from '../../harness/history/op.ts';
import { randomStream } from '../../harness/random.ts';
import { eventsOf, writeHistory } from '../support/write-history.ts';
import { ROOT } from '../support/chaos.ts';
import { parseStrictly } from '../support/well-formed.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'chaos-check-'));
afterAll(() => rmSync(folder, { recursive: true }));
const place = (name: string, content: string | Uint8Array): string => {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
};

interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
/** `chaos check` as a user starts it. */
function chaosCheck(args: readonly string[], input: string | Uint8Array = ''): Said {
  const launcher = path.join(ROOT, 'harness', 'cli', 'chaos.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, 'check', ...args], {
    input,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}
const unwrapped = (text: string): string => text.replaceAll(/\s+/g, ' ');
const json = (args: readonly string[], input?: string): Record<string, unknown> & { code: number | null } => {
  const { code, stdout } = chaosCheck([...args, '--json'], input);
  return { ...(JSON.parse(stdout) as Record<string, unknown>), code };
};

const STALE = [
  '{:process 0, :type :invoke, :f :write, :value [3 17], :time 1000000, :index 0}',
  '{:process 0, :type :ok, :f :write, :value [3 17], :time 2000000, :index 1}',
  '{:process :nemesis, :type :info, :f :kill, :value nil, :time 2500000, :index 2}',
  '{:process 0, :type :invoke, :f :write, :value [3 21], :time 3000000, :index 3}',
  '{:process 1, :type :invoke, :f :read, :value [3 nil], :time 3500000, :index 4}',
  '{:process 1, :type :ok, :f :read, :value [3 21], :time 3600000, :index 5}',
  '{:process 1, :type :invoke, :f :read, :value [3 nil], :time 3700000, :index 6}',
  '{:process 1, :type :ok, :f :read, :value [3 17], :time 3800000, :index 7}',
  '{:process 2, :type :invoke, :f :read, :value [4 nil], :time 9100000, :index 9}',
  '{:process 2, :type :ok, :f :read, :value [4 nil], :time 9200000, :index 10}',
].join('\n');
const stale = place('store/history.edn', `${STALE}\n`);

/** As many writes one after the other, as our own lines. */
function longHistory(operations: number): string {
  const lines: string[] = [];
  for (let id = 0; id < operations; id++)
    for (const [i, type] of ['invoke', 'ok'].entries()) {
      const index = 2 * id + i;
      lines.push(
        `{"index":${index},"id":${id},"process":0,"type":"${type}","f":"write","key":"k","value":"v-${id}","time":${index},"node":"n1"}\n`,
      );
    }
  return lines.join('');
}

describe('chaos check exits', () => {
  test('with 1 for an anomaly, and prints its explanation, its operations in order of time and a close-up', () => {
    const { code, stdout } = chaosCheck([stale]);
    expect(code).toBe(1);
    expect(stdout).toContain(`✗ ${stale} is not linearizable: stale read on key 3.`);
    expect(stdout).toContain('1 event of the nemesis left out.');
    expect(stdout).toMatch(/3 +4 +3 +0 +1 .* ✗ violation\n +4 +1 +1 +0 +0 .* ✓ linearizable/);
    expect(stdout).toMatch(/read#3 \(process 1\) returned "17" after read#2/);
    expect(stdout).toMatch(/ #1 +0 +write 21 +4 +0\.003 s +never +unknown +2\n/);
    expect(stdout).toMatch(/p1 #3 read → 17 +\[X-*\]\n/);
  });

  test('with 0 for the folder of a correct run, in which it finds the history', () => {
    const ops = generateHistory(randomStream(1, 'workload'), {
      operations: 500,
      clients: 5,
      keys: 3,
      mix: { read: 4, write: 3, cas: 2, delete: 1, append: 0 },
      unknown: 0.05,
      failed: 0.05,
      uniqueValues: true,
      opaque: 0,
    });
    const file = place('run/history.jsonl', writeHistory(eventsOf(ops), 'chaos'));
    const { code, stdout } = chaosCheck([path.dirname(file)]);
    expect(code).toBe(0);
    expect(stdout).toContain(`✓ ${file} is linearizable: 500 operations on 3 keys.`);
    expect(stdout).toContain('Read as chaos');
  });

  test.each(['\n', '', '[]\n', '; nothing here\n( )'])(
    'with 4 for a history without an operation (%j), and with 0 if --allow-empty says that this is right',
    (content) => {
      const file = place('empty', content);
      const { code, stdout } = chaosCheck([file]);
      expect(code).toBe(4);
      expect(unwrapped(stdout)).toContain(
        'contains no operation, so nothing was checked. If it may be empty, use',
      );
      expect(stdout).not.toContain('✓');
      const allowed = json([file, '--allow-empty']);
      expect(allowed).toMatchObject({ code: 0, verdict: 'linearizable' });
      expect(chaosCheck([file, '--allow-empty']).stdout).not.toContain('✓');
    },
  );

  test.each([
    [
      'prose that names the logger',
      'see jepsen.util for more\n',
      '1 line of jepsen.util is not an operation and was skipped',
    ],
    ['only a nemesis', '{:process :nemesis, :type :info, :f :kill}\n', '1 event of the nemesis left out'],
    ['a single line that was cut off', '{"index":0,"id":0,"pro', 'The last line is cut off'],
  ])('with 2 for text in which no operation is recognised: %s', (_name, content, note) => {
    const { code, stderr } = chaosCheck(['-'], content);
    expect(code).toBe(2);
    expect(stderr).toContain('standard input:1:1: no operation of a client was recognised');
    expect(stderr).toContain(note);
  });

  test('with 4 at the limit, and names the key, the progress and what to do', () => {
    const file = place('hard.log', HARD);
    const { code, stdout } = chaosCheck([file, '--limit', '1ms']);
    expect(code).toBe(4);
    expect(stdout).toContain(`? It is not known whether ${file} is linearizable: key register could`);
    expect(stdout).toMatch(/Key register is not decided: .*--limit 10m/s);
  });

  test.each([
    [
      'a line with its column',
      'x.edn',
      '{:process 0, :type :invok}\n',
      ':1:20: the type is :invok\n    1 | {:pr',
    ],
    ['binary', 'x.bin', Uint8Array.of(72, 105, 10, 0xc3, 0x28), ':2:1: the byte 0xc3 is not UTF-8'],
    [
      'UTF-16',
      'x.utf16',
      Uint8Array.of(0xff, 0xfe, 123, 0),
      ' is UTF-16, but a history must be UTF-8\n      = convert',
    ],
    [
      'gzip that was cut off',
      'x.gz',
      gzipSync(STALE).subarray(0, 60),
      ': incomplete or damaged gzip data: unexpected end of file',
    ],
    ['zip', 'x.zip', Uint8Array.of(0x50, 0x4b, 3, 4, 0xff, 0xfe), 'this is a zip archive: unpack it'],
  ])('with 2 for %s', (_name, name, content, message) => {
    const file = place(name, content);
    const { code, stdout, stderr } = chaosCheck([file]);
    expect(code).toBe(2);
    expect(stderr).toContain(message.startsWith(':') ? file + message : message);
    expect(stdout).toBe('');
  });

  test('with 2 for a missing file, a folder without a history, an unknown key, and bad arguments', () => {
    expect(chaosCheck([path.join(folder, 'none')]).stderr).toContain('none: no such file or folder');
    expect(chaosCheck([place('bare/x', '').slice(0, -2)]).stderr).toContain('the folder contains no history');
    expect(chaosCheck([stale, '--key', '5']).stderr).toContain(
      'has no operation on key "5"\n      = its keys: 3, 4',
    );
    expect(chaosCheck([stale, '--model', 'queue'])).toMatchObject({ code: 2 });
    expect(chaosCheck([stale, '--limit', '5'])).toMatchObject({ code: 2 });
    expect(chaosCheck([stale, '--memory', '0MB'])).toMatchObject({ code: 2 });
    expect(chaosCheck([stale, '--model', 'list-append']).stderr).toContain(
      `${stale}:1:32: the model list-append has no write`,
    );
  });
});

describe('chaos check', () => {
  test('with --key judges only that key, here of a gzipped history from a pipe', () => {
    const { code, stdout } = chaosCheck(['-', '--key', '4'], gzipSync(STALE));
    expect(code).toBe(0);
    expect(stdout).toContain('✓ standard input is linearizable: 1 operation on 1 key.');
  });

  test('reads a history.jsonl from a pipe and from gzip in pieces, with its places', () => {
    const text = `\uFEFF${longHistory(30_000)}`;
    expect(text.length).toBeGreaterThan(2 * 2_097_152);
    const packed = place('long.jsonl.gz', gzipSync(text));
    for (const said of [chaosCheck([packed]), chaosCheck(['-'], text)])
      expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('30,000 operations on 1 key') });
    const broken = place('broken.jsonl.gz', gzipSync(`${text}{"index":1,"id":\n`));
    expect(chaosCheck([broken])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(':60001:17: not JSON'),
    });
    const cutOff = place('cut.jsonl.gz', gzipSync(text).subarray(0, -20));
    expect(chaosCheck([cutOff])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('incomplete or damaged gzip data'),
    });
  });

  test('with a history that needs more than --memory says that nothing is known, with exit code 4', () => {
    const file = place('large.jsonl', longHistory(400_000));
    const { code, stdout } = chaosCheck([file, '--memory', '1MB']);
    expect(unwrapped(stdout)).toMatch(
      /not known whether .* the memory limit of \d+ MB .* operations were read/,
    );
    expect(code).toBe(4);
    expect(json([file, '--memory', '1MB'])).toMatchObject({ code: 4, verdict: 'unknown', exitCode: 4 });
  });

  test('with --json prints one object with the fields of docs/check.md', () => {
    expect(json([stale])).toEqual({
      code: 1,
      schema: 'chaos/check/v1',
      file: stale,
      verdict: 'violation',
      exitCode: 1,
      sentence: `${stale} is not linearizable: stale read on key 3.`,
      format: 'jepsen-edn',
      model: 'register',
      casFail: null,
      otherMeaning: null,
      initial: null,
      clock: 'time',
      counts: { operations: 5, ok: 4, fail: 0, unknown: 1 },
      limits: { ms: 60_000, memoryMb: 512 },
      took: { readMs: expect.any(Number), judgeMs: expect.any(Number) },
      notes: ['1 event of the nemesis left out.'],
      hints: [],
      keys: expect.arrayContaining([
        {
          key: '3',
          verdict: 'violation',
          operations: 4,
          tookMs: expect.any(Number),
          detail: expect.any(String),
        },
      ]),
      violations: [
        {
          key: '3',
          anomaly: 'stale read',
          prose: expect.stringContaining('read#3 (process 1) returned "17"'),
          operations: expect.arrayContaining([
            {
              id: 1,
              process: 0,
              f: 'write',
              input: '21',
              outcome: 'unknown',
              call: 3,
              return: null,
              callLine: 4,
              returnLine: null,
            },
            {
              id: 3,
              process: 1,
              f: 'read',
              input: null,
              output: '17',
              outcome: 'ok',
              call: 3.7,
              return: 3.8,
              callLine: 7,
              returnLine: 8,
            },
          ]),
          certificate: [0, 1, 2, 3],
          order: [0, 1, 2],
          stuck: 3,
          stateBefore: '21',
        },
      ],
    });
    expect(json(['-'], '{:process 0}')).toEqual({
      code: 2,
      schema: 'chaos/check/v1',
      file: '-',
      verdict: 'error',
      exitCode: 2,
      problems: [
        {
          line: 1,
          column: 1,
          message: ':type is missing',
          mend: 'it must be :invoke, :ok, :fail or :info',
          source: '{:process 0}',
        },
      ],
    });
  });

  const REFUSED: Readonly<Record<string, (error: string) => string>> = {
    'jepsen-log': (error) => `0\t:invoke\t:cas\t[nil 1]\n0\t:fail\t:cas\t[nil 1]\t${error}\n`,
    'jepsen-edn': (error) =>
      `{:process 0, :type :invoke, :f :cas, :value [nil 1]}\n{:process 0, :type :fail, :f :cas, :error ${error || 'nil'}}\n`,
    json: (error) =>
      `[{"process": 0, "type": "invoke", "f": "cas", "value": [null, 1]},
        {"process": 0, "type": "fail", "f": "cas", "error": "${error.replace(':', '')}"}]`,
  };

  test.each(Object.entries(REFUSED))(
    'takes a failed cas of %s for what its error says, and says where the verdict depends on its meaning',
    (_format, refused) => {
      for (const error of ['', ':no-leader', ':timeout', ':value-mismatch-of-versions']) {
        const other = { casFail: 'mismatch', verdict: 'violation', failedCas: 1 };
        const told = json(['-'], refused(error));
        expect(told).toMatchObject({ code: 0, casFail: null, otherMeaning: other });
        expect(told['sentence']).toContain(
          'This depends on 1 failed cas that does not say that the value was another one: if it means that (--cas-fail mismatch), the history is not linearizable:',
        );
      }
      for (const error of [':value-mismatch', ':cas-mismatch', ':not-equal'])
        expect(json(['-'], refused(error))).toMatchObject({ code: 1, casFail: null, otherMeaning: null });
    },
  );

  test('with --cas-fail sets the meaning of every failed cas, and says where the verdict depends on that', () => {
    const refused = REFUSED['jepsen-log']!;
    const mismatch = json(['-', '--cas-fail', 'mismatch'], refused(':no-leader'));
    const other = { casFail: null, verdict: 'linearizable', failedCas: 1 };
    expect(mismatch).toMatchObject({ code: 1, casFail: 'mismatch', otherMeaning: other });
    expect(mismatch['sentence']).toContain(
      'but was taken so (--cas-fail mismatch): without that, the history is',
    );
    const nothing = json(['-', '--cas-fail', 'nothing'], refused(':value-mismatch'));
    expect(nothing).toMatchObject({ code: 0, casFail: 'nothing', otherMeaning: { verdict: 'violation' } });
    // The stale read is one whatever the failed cas means.
    const both = json(
      ['-', '--cas-fail', 'mismatch'],
      `${STALE}\n{:process 7, :type :invoke, :f :cas, :value [4 [nil 1]]}
      {:process 7, :type :fail, :f :cas, :value [4 [nil 1]]}`,
    );
    expect(both).toMatchObject({ code: 1, otherMeaning: null });
  });

  test('with --initial knows what keys hold before the first write, and suggests it where the first reads show it', () => {
    const text = [
      '0\t:invoke\t:read\tnil',
      '0\t:ok\t:read\t5',
      '0\t:invoke\t:cas\t[5 6]',
      '0\t:ok\t:cas\t[5 6]',
    ];
    const later = [
      '0\t:invoke\t:write\t5',
      '0\t:ok\t:write\t5',
      '0\t:invoke\t:read\tnil',
      '0\t:ok\t:read\t5',
      '',
    ];
    const log = [...text, ...later].join('\n');
    const unset = json(['-'], log);
    const hint = 'returned 5 before any operation wrote it. If keys hold 5 at first: --initial 5.';
    expect(unset).toMatchObject({ code: 1, initial: null, hints: [expect.stringContaining(hint)] });
    expect(json(['-', '--initial', '5'], log)).toMatchObject({ code: 0, initial: '5', hints: [] });
    expect(json(['-', '--initial', '6'], log)).toMatchObject({ code: 1 });
    expect(chaosCheck(['-', '--initial', '['], log)).toMatchObject({ code: 2 });
    const ours = writeHistory(
      eventsOf([
        {
          id: 0,
          process: 0,
          key: 'k',
          f: 'read',
          input: null,
          output: 'a',
          call: 0,
          return: 1,
          outcome: 'ok',
          node: 'n1',
          attempts: 1,
        },
      ]),
      'chaos',
    );
    expect(json(['-', '--initial', 'a'], ours)).toMatchObject({ code: 0 });
    expect(json(['-'], ours)).toMatchObject({ code: 1 });
  });

  test('shows the names of clients that have no numbers', () => {
    const named = STALE.replaceAll(':process 1', ':process "client b"').replaceAll(
      ':process 0',
      ':process :a',
    );
    const { code, stdout } = chaosCheck(['-'], named);
    expect(code).toBe(1);
    expect(stdout).toMatch(/read#3 \(process "client b"\) returned "17" after read#2/);
    expect(stdout).toMatch(/ #3 +"client b" +read → 17/);
    expect(stdout).toMatch(/^ *:a #0 write 17/m);
    expect(json(['-'], named)).toMatchObject({
      violations: [{ operations: [{ process: ':a' }, {}, {}, {}] }],
    });
  });

  test('with --html writes a page that is well-formed, fetches nothing and shows the stuck operation', () => {
    const page = path.join(folder, 'page.html');
    expect(chaosCheck([stale, '--html', page]).code).toBe(1);
    const elements = parseStrictly(readFileSync(page, 'utf8'));
    expect(elements.find((e) => e.name === 'h1')!.text).toContain(
      'is not linearizable: stale read on key 3.',
    );
    expect(elements.find((e) => e.attributes.get('class') === 'stuck' && e.name === 'tr')!.text).toContain(
      '#3',
    );
    expect(elements.filter((e) => e.name === 'script')).toEqual([]);
    const policy = elements.find((e) => e.attributes.get('http-equiv') === 'Content-Security-Policy')!;
    expect(policy.attributes.get('content')).not.toContain('script-src');
  });

  test('names lines instead of times if the history has no times', () => {
    const { stdout } = chaosCheck(['-'], STALE.replaceAll(/, :time \d+/g, ''));
    expect(unwrapped(stdout)).toMatch(/read#2 \(process 1\) had ended in line 6/);
    expect(stdout).not.toMatch(/began at/);
  });
});

describe('the content of a file', () => {
  test('is only text on the terminal and the page, even with control characters and markup', () => {
    const value = String.raw`"\u001B[31m<script>alert(1)</script>\u202E"`;
    const text = STALE.replaceAll(' 17]', ` ${value}]`).replaceAll('[3 ', `[${value} `);
    const page = path.join(folder, 'evil.html');
    const { stdout } = chaosCheck(['-', '--html', page], text);
    expect(stdout).toContain('<script>');
    // oxlint-disable-next-line no-control-regex -- control characters must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202E]/);
    expect(parseStrictly(readFileSync(page, 'utf8')).filter((e) => e.name === 'script')).toEqual([]);
  });
});

test('the close-up keeps the order of all calls and returns', () => {
  const random = randomStream(3, 'workload', 'close-up');
  for (let i = 0; i < 50; i++) {
    const ops: Op[] = generateHistory(random, {
      operations: random.int(1, 12),
      clients: 4,
      keys: 1,
      mix: { read: 1, write: 1, cas: 0, delete: 0, append: 0 },
      unknown: 0.2,
      failed: 0,
      uniqueValues: true,
      opaque: 0,
    });
    const violation = { property: 'x', anomaly: 'x', prose: 'x', linearizedIds: [0], stuckId: 99 };
    const lines = asciiCloseUp(ops, violation, 120);
    const bars = ops.map((_, row) => ({ from: lines[row]!.indexOf('['), to: lines[row]!.search(/[\]>]$/) }));
    const wrong = ops.flatMap((first, a) =>
      ops.filter(
        (second, b) =>
          (first.call < second.call && bars[a]!.from >= bars[b]!.from) ||
          (first.return < second.call && bars[a]!.to >= bars[b]!.from),
      ),
    );
    expect(wrong).toEqual([]);
  }
});

const shared = process.env['CHAOS_HISTORIES'] ?? path.resolve(ROOT, '../shared/histories');
const index = path.join(shared, 'verdicts.json');
const verdicts: Record<string, boolean> = existsSync(index) ? JSON.parse(readFileSync(index, 'utf8')) : {};

describe.skipIf(Object.keys(verdicts).length === 0)(
  `recorded histories (skipped where CHAOS_HISTORIES or ${shared} is absent)`,
  () => {
    const flags: CheckFlags = { format: 'auto', limit: 60_000, memory: 512 };

    test('chaos check gives every file its recorded verdict', async () => {
      const files = Object.entries(verdicts);
      expect(files.length).toBeGreaterThan(50);
      const wrong: string[] = [];
      for (const [file, linearizable] of files) {
        const { result } = await judge(path.join(shared, file), flags);
        if (result.verdict !== (linearizable ? 'linearizable' : 'violation')) wrong.push(file);
        if (result.violations.length > 0 === linearizable) wrong.push(`${file}: without its proof`);
      }
      expect(wrong).toEqual([]);
    }, 180_000);

    // Only some files, because a process per file takes long.
    const someFiles = Object.entries(verdicts).filter((_, i) => i % 12 === 0);
    test.each(someFiles)('the exit code for %s says linearizable: %s', (file, linearizable) => {
      expect(json([path.join(shared, file)])).toMatchObject({ code: linearizable ? 0 : 1 });
    });
  },
);

/** A history with two repeated values and unknown outcomes, which only a search can decide. */
const HARD = hardLog();

function hardLog(): string {
  const lines: string[] = [];
  for (let p = 0; p < 26; p++)
    lines.push(`${p}\t:invoke\t:write\t${p % 2}`, `${p}\t:info\t:write\t:timed-out`);
  for (let round = 0; round < 40; round++) {
    for (let p = 100; p < 108; p++) lines.push(`${p}\t:invoke\t:cas\t[${p % 2} ${(p + 1) % 2}]`);
    for (let p = 100; p < 108; p++) lines.push(`${p}\t:ok\t:cas\t[${p % 2} ${(p + 1) % 2}]`);
  }
  lines.push('200\t:invoke\t:read\tnil', '200\t:ok\t:read\t7');
  return `${lines.join('\n')}\n`;
}
