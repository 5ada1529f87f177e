import { execa } from 'execa';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/chaos.ts';

// A refusal of the operating system is told with its own reason, and never taken for a failure of a node.

const LAUNCHER = join(ROOT, 'harness', 'cli', 'chaos.mjs');
let dir: string;
let scenario: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'chaos-refusals-'));
  scenario = join(dir, 'short.yaml');
  writeFileSync(
    scenario,
    [
      'apiVersion: chaos/v1',
      'name: short',
      'workload: { clients: 4, rate: 100/s }',
      'steps:',
      '  - wait: { for: 200ms }',
    ].join('\n'),
  );
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Ended {
  readonly code: number | undefined;
  readonly stderr: string;
  /** The sentence of the run's result; empty if there is none. */
  readonly sentence: string;
}

/** Runs `chaos ARGS`, with `$@` in a line of the shell standing for it. */
async function inShell(
  line: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const out = mkdtempSync(join(dir, 'out-'));
  const where = args[0] === 'run' ? ['--out', out] : [];
  const command = [process.execPath, LAUNCHER, ...args, ...where];
  const { exitCode, stderr } = await execa('bash', ['-c', line, 'bash', ...command], {
    cwd: ROOT,
    env,
    reject: false,
  });
  const [run] = readdirSync(out).filter((name) => /^\d/.test(name));
  const result: unknown =
    run === undefined ? null : JSON.parse(readFileSync(join(out, run, 'result.json'), 'utf8'));
  return { code: exitCode, stderr, sentence: (result as { sentence?: string } | null)?.sentence ?? '' };
}

const run = (...more: string[]): readonly string[] => [
  'run',
  scenario,
  '--reporter',
  'line',
  '--toxiproxy',
  'builtin',
  ...more,
];

describe.skipIf(process.platform !== 'linux')('on Linux', () => {
  it('a run whose standard output is on a full disk is an error with this reason, not a hang-up', async () => {
    const { code, stderr, sentence } = await inShell('"$@" > /dev/full', run());
    expect(stderr).toContain('chaos: standard output cannot be written: ENOSPC: no space left on device');
    expect(sentence).toMatch(/^The run could not be carried out: standard output cannot be written: ENOSPC/);
    expect(code).toBe(3);
  });

  it('an answer that cannot be written is no success, without a stack trace', async () => {
    for (const args of [['list'], ['--help'], ['schema']]) {
      const { code, stderr } = await inShell('"$@" > /dev/full', args);
      expect(stderr).toBe('chaos: standard output cannot be written: ENOSPC: no space left on device, write');
      expect(code).toBe(3);
    }
  });

  it('a reader that closes the pipe is no error', async () => {
    const { code, stderr } = await inShell('"$@" | exec 0<&-; exit ${PIPESTATUS[0]}', ['schema']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('too low a limit of open files is refused before anything starts, with the limit and the need', async () => {
    const { code, sentence } = await inShell('ulimit -n 60; "$@"', run());
    expect(sentence).toMatch(
      /a process may open 60 files here, but 3 nodes and 4 clients may need \d+; raise the limit \(ulimit -n\)/,
    );
    expect(code).toBe(3);
  });

  it('a Toxiproxy that runs out of file descriptors is the reason of a failed run, and no node is accused', async () => {
    const server = join(dir, 'toxiproxy-server');
    const main = join(ROOT, 'harness', 'links', 'builtin', 'main.ts');
    writeFileSync(server, `#!/bin/bash\nulimit -n 54\nexec ${process.execPath} ${main} "$@"\n`, {
      mode: 0o755,
    });
    const args = ['run', scenario, '--reporter', 'line', '--toxiproxy', server];
    const { code, sentence } = await inShell('"$@"', args);
    expect(sentence).toMatch(
      /the Toxiproxy server failed during the run: it has no free file descriptors; raise the limit \(ulimit -n\): .*EMFILE/,
    );
    expect(code).toBe(3);
  });

  it('requests to this machine do not go through a proxy of the environment', async () => {
    let asked = 0;
    const proxy = createServer((_request, response) => {
      asked++;
      response.writeHead(503).end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => proxy.once('listening', resolve));
    const { port } = proxy.address() as { port: number };
    const url = `http://127.0.0.1:${port}`;
    const { code, sentence } = await inShell('"$@"', run(), {
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: url,
      http_proxy: url,
      NO_PROXY: 'example.com',
    });
    proxy.close();
    expect({ code, asked, sentence }).toMatchObject({ code: 0, asked: 0 });
  });
});

describe.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)('on Linux, as root', () => {
  it('a loopback interface that is down is the reason of a run that cannot be carried out', async () => {
    const { code, sentence } = await inShell('unshare -n "$@"', run());
    expect(sentence).toContain('the loopback interface may be down');
    expect(sentence).not.toContain('too many chaos runs');
    expect(code).toBe(3);
  });
});
