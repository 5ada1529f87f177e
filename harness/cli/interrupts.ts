import { guardOutput, type LostOutput } from './output-streams.ts';
import { complain } from './print.ts';

/** Why a run was ended from outside, and the exit code that shells expect for it (128 + the signal's number). */
export const INTERRUPT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type InterruptSignal = keyof typeof INTERRUPT_CODES;

/** Time after the second signal for healing and killing before the process exits, in ms, even if something hangs. */
const HARD_DEADLINE_MS = 10_000;
/** Maximum time in ms for the last output after the last verdict. */
const LINGER_MS = 1_000;

/**
 * Turns signals and crashes of the harness into one orderly end. First signal: `signal` aborts with its name as the
 * reason; the run heals, checks the operations so far and writes its report. Second: `onHard` listeners are called (no
 * more checks) and a deadline starts. Third, or at the deadline: the process exits, after `lastResort` has killed the
 * processes that are left.
 */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #hard = new Set<() => void>();
  #count = 0;
  #name: InterruptSignal | null = null;
  #crash: Error | null = null;
  #finished = false;
  #lost: string | null = null;
  /** Exit code that the files of the present run already say; null: it is not decided yet. */
  decided: number | null = null;
  #lastResort: () => void = () => undefined;

  constructor() {
    for (const name of Object.keys(INTERRUPT_CODES) as InterruptSignal[])
      this.#on(name, () => this.interrupt(name));
    this.#on('uncaughtException', (error: Error) => this.#crashed(error));
    this.#on('unhandledRejection', (error: unknown) =>
      this.#crashed(error instanceof Error ? error : new Error(String(error))),
    );
    this.#on('exit', () => this.#lastResort());
    guardOutput((lost) => this.#outputLost(lost));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  /** The first signal's name, if there was one. */
  get name(): InterruptSignal | null {
    return this.#name;
  }
  /** The error that crashed the harness, or null. */
  get crash(): Error | null {
    return this.#crash;
  }

  /** Description of the output that cannot be written any more; null if there is none. */
  get lost(): string | null {
    return this.#lost;
  }

  onHard(listener: () => void): () => void {
    this.#hard.add(listener);
    return () => this.#hard.delete(listener);
  }

  /** Called synchronously as the process exits: must only send signals. */
  set lastResort(kill: () => void) {
    this.#lastResort = kill;
  }

  interrupt(name: InterruptSignal): void {
    if (this.#finished) this.#exit();
    this.#count++;
    this.#name ??= name;
    if (this.#count === 1) this.#controller.abort(name);
    // A hang-up often causes several events at once (SIGHUP, and errors of both streams); they count as one.
    else if (name === 'SIGHUP') return;
    else if (this.#count === 2) {
      for (const listener of this.#hard) listener();
      setTimeout(() => this.#exit(), HARD_DEADLINE_MS).unref();
    } else this.#exit();
  }

  /**
   * The exit code of the whole command: nothing that comes later changes it. The process ends as soon as its output is
   * with the operating system, whatever else is open. It does not wait for the event loop to run empty, because
   * Node.js then gives up its signal handlers some milliseconds before it exits, and a signal would still win.
   */
  finish(code: number): void {
    this.#finished = true;
    this.decided = code;
    process.exitCode = code;
    process.stdout.write('', () => this.#exit());
    setTimeout(() => this.#exit(), LINGER_MS).unref();
  }

  /** Ends the process with the code that the files say, if they are written, or else with that of the signal. */
  #exit(): never {
    process.exit(this.decided ?? INTERRUPT_CODES[this.#name ?? 'SIGTERM']);
  }

  /** A reader that went away ends the run as a closed terminal does; a stream that cannot be written is an error. */
  #outputLost({ hungUp, message }: LostOutput): void {
    if (hungUp) return this.interrupt('SIGHUP');
    if (this.#lost !== null) return;
    this.#lost = message;
    complain(`chaos: ${message}`);
    this.#controller.abort(new Error(message));
  }

  #crashed(error: Error): void {
    if (this.#finished) this.#exit();
    if (this.#crash !== null) return;
    this.#crash = error;
    this.#controller.abort('crash');
  }

  #on(event: string, handler: (...args: never[]) => void): void {
    process.on(event, handler as (...args: unknown[]) => void);
  }
}
