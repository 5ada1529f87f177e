import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chaos, ROOT } from '../support/chaos.ts';

// Bad input and problems of the environment give a clear message, the right exit code, a report if a run has started,
// and leave no process running.

const LINE = ['--reporter', 'line', '--toxiproxy', 'builtin'] as const;
let dir: string;
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'chaos-environment-'))));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('bad input starts no process and exits with 2', () => {
  const cases: readonly (readonly [what: string, args: readonly string[], says: RegExp])[] = [
    ['no scenario', ['run'], /which scenario/],
    [
      'a missing file',
      ['run', 'partition-leder.yaml'],
      /partition-leder.yaml: no such scenario.*did you mean partition-leader\.yaml/,
    ],
    ['an unknown option', ['run', 'x', '--sed', '1'], /--sed.*--seed/s],
    ['a seed that is not a number', ['run', 'partition-leader', '--seed', 'x'], /"x" is not a whole number/],
    [
      'a node program that does not exist',
      ['run', 'partition-leader', '--node', './none.ts'],
      /none\.ts: no such file/,
    ],
    ['a dashboard without a terminal', ['run', 'partition-leader', '--reporter', 'tui'], /needs a terminal/],
    ['an unknown command', ['rum'], /rum/],
  ];
  for (const [what, args, says] of cases) {
    it(`for ${what}`, async () => {
      await using run = chaos(args);
      const { code, stderr } = await run.ended;
      expect(stderr).toMatch(says);
      expect(code).toBe(2);
      expect(run.left).toEqual([]);
    });
  }

  it('for a malformed scenario, and prints every error with file, line, column and a caret', async () => {
    const file = join(dir, 'bad.yaml');
    writeFileSync(
      file,
      'apiVersion: chaos/v1\nname: bad\nclutser: { nodes: 3 }\nsteps:\n  - wait: { for: 5 }\n',
    );
    await using run = chaos(['run', file, ...LINE]);
    const { code, stderr } = await run.ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/bad\.yaml:3:1/);
    expect(stderr).toMatch(/did you mean .*cluster/);
    expect(stderr).toMatch(/bad\.yaml:5:18/);
    expect(stderr).toMatch(/\^/);
  });

  it('for a scenario file with binary data', async () => {
    const file = join(dir, 'rubbish.yaml');
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00, 0x9f]));
    await using run = chaos(['run', file, ...LINE]);
    const { code, stderr } = await run.ended;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/rubbish\.yaml:1:1: not a text file/) as string,
    });
  });

  it('for a report folder that cannot be created', async () => {
    await using run = chaos(['run', 'partition-leader.yaml', ...LINE, '--out', '/dev/null/reports']);
    const { code, stderr } = await run.ended;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/\/dev\/null\/reports/) as string,
    });
    expect(run.left).toEqual([]);
  });
});

describe('a problem of the environment exits with 3 and a report', () => {
  it('for a node program that does not start', async () => {
    const file = join(dir, 'broken-node.ts');
    writeFileSync(file, "console.error('no licence key');\nprocess.exit(7);\n");
    await using run = chaos(['run', 'partition-leader.yaml', '--node', file, ...LINE]);
    const { code, stdout } = await run.ended;
    expect(code).toBe(3);
    expect(run.result.verdict).toBe('error');
    expect(run.result.error).toMatch(/n\d.*7.*no licence key/s);
    expect(stdout).toMatch(/no licence key/);
    expect(run.missing).toEqual([]);
    expect(run.left).toEqual([]);
  });

  // A crash of the node under test is a finding, not a problem of the environment.
  it('a node that exits by itself during the run fails the run with 1', async () => {
    await using run = chaos(['run', 'partition-leader.yaml', ...LINE]);
    await run.sees(/fault .*(isolate|cut)/);
    const node = run.left.find((line) => line.includes('--id n3'))!;
    process.kill(Number(node.split(':')[0]), 'SIGSEGV');
    const { code } = await run.ended;
    expect(code).toBe(1);
    expect(JSON.stringify(run.result)).toMatch(/n3 exited by itself[^"]*SIGSEGV/);
    expect(run.missing).toEqual([]);
    expect(run.left).toEqual([]);
  });

  it('for a Toxiproxy that ends during the run', async () => {
    await using run = chaos(['run', 'partition-leader.yaml', ...LINE]);
    await run.sees(/fault .*(isolate|cut)/);
    const server = run.left.find((line) => /links[/]builtin/.test(line))!;
    process.kill(Number(server.split(':')[0]), 'SIGKILL');
    const { code } = await run.ended;
    expect(code).toBe(3);
    expect(run.result.error).toMatch(/Toxiproxy/);
    expect(run.missing).toEqual([]);
    expect(run.left).toEqual([]);
  });

  it('for a Toxiproxy URL where no server listens', async () => {
    await using run = chaos([
      'run',
      'partition-leader.yaml',
      '--reporter',
      'line',
      '--toxiproxy',
      'http://127.0.0.1:1',
    ]);
    const { code } = await run.ended;
    expect(code).toBe(3);
    expect(run.result.error).toMatch(/127\.0\.0\.1:1/);
    expect(run.left).toEqual([]);
  });

  const mounts = process.getuid?.() === 0;
  it.runIf(mounts)('for a full disk, on which the nodes stop serving', async () => {
    const disk = join(dir, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1536k', 'tmpfs', disk]);
    try {
      await using run = chaos(['run', join(ROOT, 'bench/scenarios/unlimited.yaml'), ...LINE, '--out', disk]);
      const { code, stderr, stdout } = await run.ended;
      expect(code).toBe(3);
      expect(stderr + stdout).toMatch(/ENOSPC|no space/i);
      expect(run.left).toEqual([]);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});

it('two runs at once do not disturb each other', async () => {
  await using a = chaos(['run', 'partition-leader.yaml', ...LINE]);
  await using b = chaos(['run', 'kill-leader.yaml', ...LINE]);
  const codes = [(await a.ended).code, (await b.ended).code];
  expect([a.result.sentence, b.result.sentence, ...codes]).toEqual([
    a.result.sentence,
    b.result.sentence,
    0,
    0,
  ]);
  expect([...a.left, ...b.left]).toEqual([]);
});

it('--reporter json: every line is JSON, the last is the result', async () => {
  await using run = chaos(['run', 'kill-follower.yaml', '--reporter', 'json', '--toxiproxy', 'builtin']);
  const { stdout, code } = await run.ended;
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; verdict?: string });
  expect(code).toBe(0);
  expect(lines.at(-1)).toMatchObject({ type: 'result', verdict: 'pass' });
  expect(readFileSync(join(run.dir, 'history.jsonl'), 'utf8').trim().split('\n').length).toBeGreaterThan(
    1_000,
  );
});
