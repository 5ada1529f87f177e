import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isRunning, untilStopped } from './process-state.ts';

const STATE = fileURLToPath(new URL('process-state.ts', import.meta.url));

test('a process that has ended is gone', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  expect(await isRunning(child.pid!)).toBe(false);
  await expect(untilStopped(child.pid!, true, 1_000)).rejects.toThrow(`process ${child.pid} is gone`);
});

test('a process that runs, or is stopped, is running', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  expect(await isRunning(child.pid!)).toBe(true);
  child.kill('SIGSTOP');
  await untilStopped(child.pid!, true, 5_000);
  expect(await isRunning(child.pid!)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test.skipIf(process.platform !== 'linux')(
  'without a free file descriptor, a process is not taken for one that is gone',
  async () => {
    const program = `
      import { openSync } from 'node:fs';
      import { untilStopped } from ${JSON.stringify(STATE)};
      try { for (;;) openSync('/dev/null'); } catch {}
      await untilStopped(process.pid, true, 1000).catch((error) => console.log(error.message));
    `;
    const { stdout } = await execa(
      'bash',
      ['-c', 'ulimit -n 40; exec "$0" --input-type=module -e "$1"', process.execPath, program],
      { reject: false },
    );
    expect(stdout).toMatch(
      /^cannot read the state of process \d+: EMFILE: .*: this process has no free file descriptors; raise the limit/,
    );
  },
);
