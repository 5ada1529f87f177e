import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

const POLL_MS = 2;

/**
 * Waits until the operating system reports the process as stopped (or as no longer stopped), because a signal is only a
 * request. Rejects after `withinMs`, or if the process is gone.
 */
export async function untilStopped(pid: number, stopped: boolean, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const state = await processState(pid);
    if (state === null) throw new Error(`process ${pid} is gone`);
    if ((state === 'T') === stopped) return;
    if (performance.now() > deadline)
      throw new Error(
        `process ${pid} is in state ${state} ${withinMs} ms after the ${stopped ? 'SIGSTOP' : 'SIGCONT'}`,
      );
    await sleep(POLL_MS);
  }
}

/** The letter that `ps` shows for it (`T`: stopped); null: no such process, or a zombie. */
async function processState(pid: number): Promise<string | null> {
  const state = process.platform === 'linux' ? await stateFromProc(pid) : await stateFromPs(pid);
  return state === 'Z' || state === 'X' ? null : state;
}

/** The field after the command's name, which is in brackets and may hold anything (proc(5)). */
async function stateFromProc(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2)[0] ?? null;
}

async function stateFromPs(pid: number): Promise<string | null> {
  const { stdout } = await execa('ps', ['-o', 'state=', '-p', String(pid)], {
    reject: false,
    timeout: 1_000,
  });
  return stdout.trim()[0] ?? null;
}
