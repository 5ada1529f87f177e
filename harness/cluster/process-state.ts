import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { systemReason } from '../system-reason.ts';
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

/** False if the process has ended, or is about to: it runs none of its own code any more. */
export async function isRunning(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return (await processState(pid)) !== null;
  const fields = await fieldsFromProc(pid);
  return fields !== null && !isGone(fields[0]) && (Number(fields[FLAGS_FIELD]) & PF_EXITING) === 0;
}

/** The letter that `ps` shows for it (`T`: stopped); null: no such process, or a zombie. */
async function processState(pid: number): Promise<string | null> {
  const state =
    process.platform === 'linux' ? ((await fieldsFromProc(pid))?.[0] ?? null) : await stateFromPs(pid);
  return isGone(state) ? null : state;
}

const isGone = (state: string | null | undefined): boolean => state === 'Z' || state === 'X';

/** Position of the kernel's flags among the fields after the command's name, and the flag of a process that exits. */
const FLAGS_FIELD = 6;
const PF_EXITING = 0x4;

/** The fields after the command's name, which is in brackets and may hold anything (proc(5)); null: no such process. */
async function fieldsFromProc(pid: number): Promise<readonly string[] | null> {
  const path = `/proc/${pid}/stat`;
  try {
    const stat = await readFile(path, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    // Only these say that there is no such process; without a free file descriptor nothing is known of it.
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw new Error(`cannot read the state of process ${pid}: ${systemReason(error)}`, { cause: error });
  }
}

async function stateFromPs(pid: number): Promise<string | null> {
  const { stdout, exitCode, shortMessage } = await execa('ps', ['-o', 'state=', '-p', String(pid)], {
    reject: false,
    timeout: 1_000,
  });
  const [state] = stdout.trim();
  // ps exits with 1 if there is no such process. Any other failure is one of ps itself, so nothing is known.
  if (state === undefined && exitCode !== 0 && exitCode !== 1)
    throw new Error(`cannot read the state of process ${pid}: ${shortMessage}`);
  return state ?? null;
}
