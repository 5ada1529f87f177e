import { execFile, execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exclusive } from '../support/exclusive.ts';
import { ROOT } from '../support/chaos.ts';

// What can be wrong with files, options, streams, folders and variables, for every subcommand. Each ends in time, with
// one of the documented exit codes, with a sentence where the code is not 0, and without a stack trace.

const LAUNCHER = join(ROOT, 'harness', 'cli', 'chaos.mjs');
const LIMIT_MS = 60_000;
/** Lines of a stack trace, and what Node.js prints about its own insides. */
const STACK = /^\s+at .*:\d+|node:internal|\b(?:Type|Range|Reference)Error\b|\bERR_[A-Z_]+/m;

const HISTORY = [
  { id: 1, process: 0, type: 'invoke', f: 'write', key: 'x', value: 1 },
  { id: 1, process: 0, type: 'ok', f: 'write', key: 'x', value: 1 },
];
const NOT_LINEARIZABLE = `{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 2}
`;
const LINEARIZABLE = NOT_LINEARIZABLE.replace(':value 2', ':value 1');
const LONG = 'x'.repeat(300);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'chaos-ordinary-'));
  const file = (name: string, text: string | Uint8Array): void => writeFileSync(join(dir, name), text);
  file('good.edn', LINEARIZABLE);
  file('bad.edn', NOT_LINEARIZABLE);
  file('some.jsonl', HISTORY.map((line) => JSON.stringify(line)).join('\n'));
  file('empty', '');
  file('text', 'no history and no scenario\n');
  file('binary', Uint8Array.of(0xff, 0xfe, 0xfa, 0x00));
  file('short.yaml', 'apiVersion: chaos/v1\nname: short\nsteps:\n  - wait: { for: 100ms }\n');
  for (const name of ['folder', 'run', 'run/a', 'run/b', 'with-latest', 'with-latest/latest'])
    mkdirSync(join(dir, name));
  file('run/a/result.json', '{"schema":"other"}');
  file('run/b/result.json', 'null');
  symlinkSync('nowhere', join(dir, 'run', 'dangling'));
  symlinkSync('nowhere', join(dir, 'dangling'));
  symlinkSync('good.edn', join(dir, 'link.edn'));
  linkSync(join(dir, 'good.edn'), join(dir, 'hard.edn'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `chaos ARGS` in a shell in the folder of the files above. `shell`: what follows, such as redirections. */
async function chaosIn(
  args: readonly string[],
  {
    shell = '',
    before = '',
    env = {},
  }: {
    readonly shell?: string;
    readonly before?: string;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Ended> {
  using _lock = args[0] === 'clean' ? await exclusive('clean') : null;
  const script = `set -o pipefail; ${before} "$0" "$@" ${shell}`;
  return await new Promise((resolve, reject) => {
    execFile(
      'bash',
      ['-c', script, process.execPath, LAUNCHER, ...args],
      { cwd: dir, timeout: LIMIT_MS, env: { ...process.env, CHAOS_TOXIPROXY_BIN: '', ...env } },
      (error, stdout, stderr) => {
        if (error?.killed === true) reject(new Error(`not ended after ${LIMIT_MS} ms: ${args.join(' ')}`));
        else resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    ).stdin!.end();
  });
}

const SIM = ['run', 'short.yaml', '--stage', 'sim', '--reporter', 'line'] as const;
const LOCAL = ['run', 'short.yaml', '--reporter', 'line'] as const;

/** Arguments, the exit code, and what stderr (or stdout) says. */
type Row = readonly [args: readonly string[], code: number, says: RegExp];

const FILES: readonly Row[] = [
  [['check', 'missing'], 2, /missing: no such file/],
  [['check', 'folder'], 2, /folder: the folder contains no history/],
  [['check', 'binary'], 2, /binary/],
  [['check', 'text'], 2, /text/],
  [['check', 'empty'], 4, /empty contains no operation/],
  [['check', 'dangling'], 2, /dangling: no such file/],
  [['check', ''], 2, /no such file/],
  [['check', LONG], 2, /no such file|too long/],
  [['validate', 'missing.yaml'], 2, /missing\.yaml: no such scenario/],
  [['validate', 'folder'], 2, /folder: cannot be read: it is a folder/],
  [['validate', 'binary'], 2, /binary:1:1: not a text file/],
  [['validate', 'empty'], 2, /empty/],
  [['validate', LONG], 2, /no such scenario/],
  [['run', 'folder', '--stage', 'sim'], 2, /folder: cannot be read: it is a folder/],
  [['run', 'dangling', '--stage', 'sim'], 2, /dangling: no such scenario/],
  [['run', 'binary', '--stage', 'sim'], 2, /binary:1:1: not a text file/],
  [['summary', 'missing'], 2, /missing: no such file or folder/],
  [['summary', 'text'], 2, /text: it is not a folder/],
  [['summary', LONG], 2, /the name is too long/],
  [['summary', 'run'], 0, /run\/a: left out.*not the result of a run\n.*run\/b: left out/],
];

const OPTIONS: readonly Row[] = [
  [['check', 'good.edn', '--limit', ''], 2, /"" is not a duration/],
  [['check', 'good.edn', '--limit', '1 year'], 2, /not a duration/],
  [['check', 'good.edn', '--memory', '99999999999GB'], 2, /not a size/],
  [['check', 'good.edn', '--memory', ''], 2, /"" is not a size/],
  [['check', 'good.edn', '--format', 'nonsense'], 2, /nonsense.*Allowed choices/s],
  [['check', 'good.edn', '--model', ''], 2, /Allowed choices/],
  [['check', 'good.edn', '--cas-fail', 'x'], 2, /Allowed choices/],
  [['check', 'good.edn', '--key', ''], 2, /no operation on key ""/],
  [[...SIM, '--seed', '99999999999999999999'], 2, /not a whole number/],
  [[...SIM, '--seed', '-1'], 2, /"-1" is not a whole number/],
  [[...SIM, '--test-count', '0'], 2, /--test-count 0: at least 1/],
  [[...SIM, '--test-count', ''], 2, /"" is not a whole number/],
  [['run', 'short.yaml', '--stage', 'moon'], 2, /Allowed choices/],
  [[...SIM, '--reporter', 'x'], 2, /Allowed choices/],
  [[...LOCAL, '--node', ''], 2, /--node : no such file/],
  [[...LOCAL, '--node', 'folder'], 2, /--node folder: a folder/],
  [[...LOCAL, '--node', 'missing.ts'], 2, /missing\.ts: no such file/],
  [['members', ''], 2, /is no host:port/],
  [['members', '127.0.0.1:99999'], 2, /is no host:port/],
  [['members', '127.0.0.1:1', '--add', 'x'], 2, /is no id=host:port/],
  [['members', '127.0.0.1:1', '--remove', 'n1', '--within', '1e9'], 2, /not a duration/],
  [['members', '127.0.0.1:1'], 3, /127\.0\.0\.1:1/],
  [['members', '127.0.0.1:1', '--remove', 'n1', '--within', '1ms'], 3, /not done within 1 ms/],
  [['nonsense'], 2, /unknown command/],
  [['toxiproxy', 'nonsense'], 2, /unknown command|too many arguments/],
  [['list', 'too', 'many'], 2, /too many arguments/],
  [['clean', '--nonsense'], 2, /unknown option/],
];

const SERVERS: readonly Row[] = [
  ['http://127.0.0.1:1', /no Toxiproxy answers at http:\/\/127\.0\.0\.1:1/],
  ['http://', /http:\/\/: not a URL/],
  ['http://127.0.0.1:99999', /99999: not a URL/],
  ['http://[', /not a URL/],
  ['folder', /folder/],
  ['text', /text/],
  ['', /./],
].map(([which, says]) => [[...LOCAL, '--toxiproxy', which as string], 3, says as RegExp]);

/** Folders for `--out`: each is refused before anything is started. */
const OUTS: readonly (readonly [out: string, says: RegExp])[] = [
  ['', /--out "": the path is empty/],
  ['/proc/reports', /cannot be created: no folders can be created there/],
  ['/proc/self/fd/reports', /cannot be created/],
  ['/sys/reports', /cannot be created/],
  ['/dev/null', /\/dev\/null is not a folder/],
  ['text', /text is not a folder/],
  ['text/below/it', /text is not a folder/],
  ['dangling', /dangling is a link to nowhere, which is not a folder/],
  ['dangling/below', /dangling is a link to nowhere/],
  [LONG, /the name is too long/],
  ['a/'.repeat(2_100), /the name is too long/],
  ['with-latest', /with-latest\/latest is not a link to a run/],
];

/** Files for `--html` that cannot be written. */
const PAGES: readonly (readonly [page: string, says: RegExp])[] = [
  ['', /the path is empty/],
  ['/proc/page.html', /not written: no such file or folder/],
  ['folder', /it is a folder/],
  ['text/page.html', /a part of the path is not a folder/],
  ['missing/page.html', /no such file or folder/],
  [`${LONG}.html`, /the name is too long/],
  ['/dev/full', /no space is left/],
];

/** Subcommands that succeed, for streams and surroundings that are odd. */
const GOOD: readonly (readonly string[])[] = [
  ['--help'],
  ['list'],
  ['schema'],
  ['validate', 'short.yaml'],
  ['check', 'good.edn'],
  ['check', 'good.edn', '--json'],
  ['summary', 'folder'],
  ['clean'],
];

describe.concurrent('an ordinary error ends with a sentence and without a stack trace', () => {
  it.each([...FILES, ...OPTIONS, ...SERVERS])('chaos %j', { timeout: LIMIT_MS }, async (args, code, says) => {
    const ended = await chaosIn(args);
    const told = ended.stdout + ended.stderr;
    expect(told).toMatch(says);
    expect(told).not.toMatch(STACK);
    expect(ended.code).toBe(code);
  });

  it.each(OUTS)(
    'chaos run --out %j is refused before anything starts',
    { timeout: LIMIT_MS },
    async (out, says) => {
      const ended = await chaosIn([...LOCAL, '--out', out]);
      expect(ended).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(says) as string });
      expect(ended.stderr.trim()).not.toContain('\n');
      expect(ended.stderr).not.toMatch(STACK);
    },
  );

  it.each(PAGES)(
    'chaos check --html %j tells the verdict and then why',
    { timeout: LIMIT_MS },
    async (page, says) => {
      const passed = await chaosIn(['check', 'good.edn', '--html', page]);
      expect(passed).toMatchObject({
        code: 2,
        stdout: expect.stringContaining('good.edn is linearizable') as string,
      });
      expect(passed.stderr).toMatch(says);
      expect(passed.stderr.trim()).not.toContain('\n');
      const failed = await chaosIn(['check', 'bad.edn', '--html', page]);
      expect(failed).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('not linearizable') as string,
      });
      expect(failed.stderr).toMatch(says);
    },
  );

  it.each(['good.edn', 'link.edn', 'hard.edn', './folder/../good.edn'])(
    'chaos check --html %j does not overwrite the history that it checks',
    { timeout: LIMIT_MS },
    async (page) => {
      for (const [args, shell] of [
        [['check', 'good.edn', '--html', page], ''],
        [['check', '-', '--html', page], '< good.edn'],
      ] as const) {
        const ended = await chaosIn(args, { shell });
        expect(ended.stdout).toMatch(/is linearizable/);
        expect(ended.stderr).toMatch(/it is the history that was checked/);
        expect(ended.code).toBe(2);
        expect(readFileSync(join(dir, 'good.edn'), 'utf8')).toBe(LINEARIZABLE);
      }
    },
  );
});

describe.concurrent('a subcommand in odd surroundings ends without a stack trace', () => {
  const sound = ({ code, stdout, stderr }: Ended, codes: readonly number[]): void => {
    expect(stdout + stderr).not.toMatch(STACK);
    expect(codes).toContain(code);
  };

  it.each(GOOD)('chaos %s %s %s, with streams closed', { timeout: LIMIT_MS }, async (...args) => {
    for (const shell of ['<&-', '>&-', '2>&-', '<&- >&- 2>&-', '| true'])
      sound(await chaosIn(args, { shell }), [0]);
  });

  it.each(GOOD)('chaos %s %s %s, on a full disk, says so', { timeout: LIMIT_MS }, async (...args) => {
    const ended = await chaosIn(args, { shell: '> /dev/full' });
    sound(ended, [3]);
    expect(ended.stderr).toMatch(/standard output cannot be written: .*no space/);
  });

  it.each(GOOD)(
    'chaos %s %s %s, without home and temporary folder',
    { timeout: LIMIT_MS },
    async (...args) => {
      sound(await chaosIn(args, { before: 'unset HOME;', env: { TMPDIR: '/nonexistent/folder' } }), [0]);
    },
  );

  it.each([...GOOD, SIM])(
    'chaos %s %s %s, in a folder that was removed',
    { timeout: LIMIT_MS },
    async (...args) => {
      const ended = await chaosIn(args, { before: 'mkdir gone-$$; cd gone-$$; rmdir ../gone-$$;' });
      sound(ended, [0, 2, 3]);
      const said = /no such file|the current folder does not exist any more/.test(ended.stderr);
      expect(ended.code === 0 || said).toBe(true);
    },
  );

  it(
    'the verdict of a check stays the exit code if its reader goes away',
    { timeout: LIMIT_MS },
    async () => {
      sound(await chaosIn(['check', 'bad.edn'], { shell: '| true' }), [1]);
      sound(await chaosIn(['check', 'bad.edn'], { shell: '> /dev/full' }), [1]);
    },
  );

  it('a job summary that cannot be written is told', { timeout: LIMIT_MS }, async () => {
    const ended = await chaosIn(['summary', 'folder'], { env: { GITHUB_STEP_SUMMARY: '/proc/summary' } });
    sound(ended, [3]);
    expect(ended.stderr).toMatch(/\/proc\/summary: no such file or folder/);
  });
});

/** Whether this process may mount file systems in a namespace of its own. */
const mayMount = ((): boolean => {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!mayMount)('reports on a file system that takes none', () => {
  const mounted = (options: string, args: readonly string[]): Promise<Ended> =>
    chaosIn(args, {
      before: `mkdir -p mnt; exec unshare -m bash -c 'mount -t tmpfs -o ${options} none mnt && exec "$0" "$@"'`,
    });

  it.each([
    ['ro', /mnt.*cannot be created: the file system is read-only/],
    ['size=16k', /no space is left on the device/],
    ['nr_inodes=2', /no space is left on the device/],
  ])('are refused before anything starts: %s', { timeout: LIMIT_MS }, async (options, says) => {
    const ended = await mounted(options, [...LOCAL, '--out', 'mnt/reports']);
    expect(ended).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(says) as string });
  });
});
