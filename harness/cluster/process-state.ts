import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { heartbeat, monotonicMs, stoppedMs } from '../stall.ts';

const POLL_MS = 2;

/**
 * Waits until the operating system reports the process as stopped (or as no longer stopped), because a signal is only a
 * request. Rejects after `withinMs`, or if the process is gone.
 */
export async function untilStopped(pid: number, stopped: boolean, withinMs: number): Promise<void> {
  const from = monotonicMs();
  for (;;) {
    // Measured before the look, so that the last look shows the state at the end of the time or later.
    const spent = monotonicMs() - from - stoppedMs(heartbeat.stalls(), from);
    const state = await processState(pid);
    if (state === null) throw new Error(`process ${pid} is gone`);
    if ((state === 'T') === stopped) return;
    if (spent > withinMs)
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
