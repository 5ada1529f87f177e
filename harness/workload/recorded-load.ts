import { LineFile } from '../history/line-file.ts';
import type { Op } from '../history/op.ts';
import { Recorder } from '../history/recorder.ts';
import type { SystemClients } from '../ports/client.ts';
import type { WorkloadEvent, WorkloadPlan } from '../ports/workload.ts';
import { LiveCheck } from './live-check.ts';
import { Load } from './load.ts';
import type { Timers } from './timers.ts';
import { Windows } from './windows.ts';

const WINDOW_MS = 250;
/** Maximum number of `op` events per second. */
const OP_EVENTS_PER_SECOND = 20;

export interface RecordedLoadOptions {
  readonly plan: WorkloadPlan;
  readonly nodes: readonly string[];
  readonly clients: SystemClients;
  readonly timers: Timers;
  /** Time since the run began, in ms; `nowNs` gives it in whole ns. */
  readonly now: () => number;
  readonly nowNs: () => number;
  readonly historyPath: string;
  /** True if linearizability is checked during the load. */
  readonly live: boolean;
  readonly say: (event: WorkloadEvent) => void;
}

/**
 * The load with its history file, its figures and its live checker. It keeps no operations, because the file has all of
 * them.
 */
export class RecordedLoad {
  readonly #options: RecordedLoadOptions;
  readonly #history: LineFile;
  readonly #liveCheck: LiveCheck | null;
  readonly #recorder: Recorder;
  readonly #windows: Windows;
  readonly #load: Load;
  #opEventsLeft = OP_EVENTS_PER_SECOND;
  #cancelTimers: readonly (() => void)[] = [];

  /** Makes the history file. Rejects with the system's error. */
  static async create(options: RecordedLoadOptions): Promise<RecordedLoad> {
    const { historyPath, say, now } = options;
    const onError = ({ message }: Error): void => say({ type: 'broken', t: now(), message });
    return new RecordedLoad(options, await LineFile.create(historyPath, onError));
  }

  private constructor(options: RecordedLoadOptions, history: LineFile) {
    const { plan, nodes, clients, timers, now, nowNs, live, say } = options;
    this.#options = options;
    this.#history = history;
    const liveCheck = live ? new LiveCheck(say) : null;
    this.#liveCheck = liveCheck;
    this.#recorder = new Recorder({
      nowNs,
      append: (line) => history.append(line),
      ...(liveCheck !== null && { onInvoke: liveCheck.onInvoke, onComplete: liveCheck.onComplete }),
    });
    this.#windows = new Windows(now());
    this.#load = new Load({
      plan,
      nodes,
      clients,
      timers,
      recorder: this.#recorder,
      onOp: (op) => this.#ended(op),
    });
  }

  start(): void {
    const { timers } = this.#options;
    this.#cancelTimers = [
      every(timers, 1_000, () => void (this.#opEventsLeft = OP_EVENTS_PER_SECOND)),
      every(timers, WINDOW_MS, () => this.#closeWindow()),
    ];
    this.#load.start();
  }

  /** Ends the load; waits at most `drainMs` for the open operations. */
  async stop(drainMs: number): Promise<void> {
    await this.#load.stop(drainMs);
    for (const cancel of this.#cancelTimers) cancel();
    this.#closeWindow();
  }

  /** Closes the history file. Returns the size of its complete lines, even if the disk refused others. */
  async close(): Promise<number> {
    // A failure has already been reported when it occurred.
    await this.#history.close().catch(() => {});
    return this.#history.bytes;
  }

  #ended(op: Op): void {
    this.#windows.completed(op);
    const usual = op.outcome === 'ok' || op.error === 'not-leader' || op.error === 'cas-mismatch';
    if (usual || this.#opEventsLeft <= 0) return;
    this.#opEventsLeft--;
    const { say, now } = this.#options;
    say({ type: 'op', t: now(), op });
  }

  #closeWindow(): void {
    const { say, now } = this.#options;
    const t = now();
    this.#liveCheck?.report(t);
    say({ type: 'window', ...this.#windows.close(t, this.#recorder.invoked) });
  }
}

/** Calls `action` every `ms`; a late call does not shift the later ones. Returns a function that ends it. */
function every(timers: Timers, ms: number, action: () => void): () => void {
  let dueMs = timers.now() + ms;
  let cancel: () => void;
  const next = (): void => {
    cancel = timers.after(Math.max(0, dueMs - timers.now()), () => {
      dueMs = Math.max(dueMs, timers.now() - ms) + ms;
      next();
      action();
    });
  };
  next();
  return () => cancel();
}
