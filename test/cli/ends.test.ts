import { mkdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchDir, SERVERS, startServer } from '../support/servers.ts';
import { chaos, ROOT, type Chaos } from '../support/chaos.ts';
import { exclusive } from '../support/exclusive.ts';

// However a run ends, it has the right exit code, writes a report of what it has, and leaves no process running.

const RUN = ['run', 'partition-leader.yaml', '--reporter', 'line'] as const;
const CUT = /fault +.*isolate|fault +.*cut/;

function expectReport(run: Chaos): void {
  expect(run.missing).toEqual([]);
  expect(run.left).toEqual([]);
}

for (const { name, choice, missing } of SERVERS) {
  describe.skipIf(missing !== null)(`over ${name}`, () => {
    const args = [...RUN, '--toxiproxy', choice];

    it('a successful run exits with 0', async () => {
      await using run = chaos(args);
      const { code } = await run.ended;
      expect({ code, verdict: run.result.verdict }).toEqual({ code: 0, verdict: 'pass' });
      expect(run.result.counts.operations).toBeGreaterThanOrEqual(1_000);
      expectReport(run);
    });

    it('one Ctrl-C stops the run, which heals, reports and exits with 130', async () => {
      await using run = chaos(args);
      await run.sees(CUT);
      run.kill('SIGINT');
      const { code } = await run.ended;
      expect({ code, interrupted: run.result.interrupted }).toEqual({ code: 130, interrupted: 'SIGINT' });
      expectReport(run);
    });

    it('a second Ctrl-C skips the checks, but neither the healing nor the report', async () => {
      await using run = chaos(args);
      await run.sees(CUT);
      run.kill('SIGINT');
      await run.sees(/SIGINT|interrupt/i);
      run.kill('SIGINT');
      const { code } = await run.ended;
      expect(code).toBe(130);
      expectReport(run);
    });

    it('SIGTERM stops the run, which exits with 143', async () => {
      await using run = chaos(args);
      await run.sees(CUT);
      run.kill('SIGTERM');
      expect((await run.ended).code).toBe(143);
      expectReport(run);
    });

    it('a report that cannot be written whole is an error, and no file of it says anything else', async () => {
      await using run = chaos([...args, '--seed', '3']);
      const [, folder] = await run.sees(/ out=(\S+)/);
      mkdirSync(join(ROOT, folder!, 'report.html', 'in-the-way'), { recursive: true });
      const { code, stdout, stderr } = await run.ended;
      expect(stderr).toContain('report.html');
      expect({ code, says: run.result.exitCode, verdict: run.result.verdict }).toEqual({
        code: 3,
        says: 3,
        verdict: 'error',
      });
      expect(stdout).toMatch(/^ERROR /m);
      expect(readFileSync(join(run.dir, 'junit.xml'), 'utf8')).toContain('name="verdict" value="error"');
      expect(run.left).toEqual([]);
    });

    it('a signal after the verdict changes neither the exit code nor the report', async () => {
      await using run = chaos(args);
      await run.sees(/done +PASS/);
      run.kill('SIGTERM');
      const { code } = await run.ended;
      expect({ code, says: run.result.exitCode, verdict: run.result.verdict }).toEqual({
        code: 0,
        says: 0,
        verdict: 'pass',
      });
      expectReport(run);
    });

    it('a closed output stops the run, which exits with 129', async () => {
      await using run = chaos(args);
      await run.sees(CUT);
      run.hangUp();
      expect((await run.ended).code).toBe(129);
      expectReport(run);
    });

    it('a third Ctrl-C ends the run and all its processes at once', async () => {
      await using run = chaos(args);
      await run.sees(CUT);
      run.kill('SIGINT');
      await run.sees(/SIGINT|interrupt/i);
      run.kill('SIGINT');
      run.kill('SIGINT');
      expect((await run.ended).code).toBe(130);
      expect(await run.settles()).toEqual([]);
    });

    it('`chaos clean` ends a paused node after kill -9 of the harness', async () => {
      await using run = chaos(['run', 'pause-leader.yaml', '--reporter', 'line', '--toxiproxy', choice]);
      await run.sees(/fault +.*pause/);
      using _lock = await exclusive('clean');
      run.kill('SIGKILL');
      await run.ended;
      await using clean = chaos(['clean']);
      const { code, stdout } = await clean.ended;
      expect(code).toBe(0);
      expect(stdout).toMatch(/node n\d, pid \d+/);
      expect(await run.settles()).toEqual([]);
    });

    it('after kill -9 of the harness the nodes end by themselves, and `chaos clean` ends the rest', async () => {
      await using run = chaos(args);
      await run.sees(CUT);
      using _lock = await exclusive('clean');
      run.kill('SIGKILL');
      await run.ended;
      await using clean = chaos(['clean']);
      expect((await clean.ended).code).toBe(0);
      expect(await run.settles()).toEqual([]);
    });
  });
}

/** Passes connections on to a server, until it is told to fall silent: it then holds all of them open for ever. */
async function relayTo(url: string): Promise<{
  readonly url: string;
  fallSilent(): void;
  [Symbol.dispose](): void;
}> {
  const sockets: Socket[] = [];
  let silent = false;
  const relay = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    if (silent) return;
    const onward = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
    sockets.push(onward);
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    fallSilent: () => {
      silent = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy();
      relay.close();
    },
  };
}

it('an external Toxiproxy that falls silent in mid-run is an error, and does not keep the harness alive', async () => {
  const scratch = scratchDir();
  const server = await startServer('builtin', scratch.path);
  try {
    using relay = await relayTo(server.url);
    await using run = chaos([...RUN, '--toxiproxy', relay.url]);
    await run.sees(CUT);
    relay.fallSilent();
    const { code } = await run.ended;
    expect({ code, says: run.result.exitCode, verdict: run.result.verdict }).toEqual({
      code: 3,
      says: 3,
      verdict: 'error',
    });
    expectReport(run);
  } finally {
    await server.stop();
    scratch.remove();
  }
});
