import type { HarnessEvent, ManualCommand } from '../event.ts';
import { glyphsFor, wantsColor } from '../output/environment.ts';
import { startLineOutput } from '../output/line.ts';
import type { Scene } from './panels/panel.ts';
import { answer, press, type KeyPress } from './press.ts';
import { reduce } from './reducer.ts';
import { layoutKind, screenText } from './screen.ts';
import { EMPTY_STATE } from './state.ts';
import { INITIAL_UI, nodeIds, type Effect, type UiState } from './ui.ts';

export interface DashboardOptions {
  readonly subscribe: (listener: (event: HarnessEvent) => void) => () => void;
  readonly command: (command: ManualCommand) => void;
  readonly watchOnly: boolean;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** Writes the screen as text into a file and returns its name. If absent, the key `D` does nothing. */
  readonly dump?: (text: string) => Promise<string>;
}

export interface Dashboard {
  /** Resolves once the terminal is restored. Never rejects. */
  readonly finished: Promise<void>;
  /** Ends the dashboard; resolves when `finished` does. Idempotent. */
  stop(): Promise<void>;
}

/** Time between two frames without a key, in ms. */
const TICK_MS = 250;
/** Maximum number of frames per second. At 10, the effect of a key just after a frame was visible only after 100 ms. */
const MAX_FPS = 20;

/**
 * Takes over the terminal until `stop()`. If drawing fails, the terminal is restored and the run continues with line
 * output. If the terminal disappears, the dashboard ends quietly.
 */
export function startDashboard(options: DashboardOptions): Dashboard {
  const session = new Session(options);
  return { finished: session.finished, stop: () => session.stop() };
}

interface Drawing {
  draw(): void;
  close(): Promise<void>;
}

class Session {
  readonly finished: Promise<void>;
  readonly #options: DashboardOptions;
  readonly #glyphs = glyphsFor(process.env);
  readonly #unsubscribe: () => void;
  #state = EMPTY_STATE;
  #ui: UiState = INITIAL_UI;
  #ended = false;
  #drawing: Drawing | null = null;
  /** Line output, which replaces the screen after drawing has failed. */
  #fallback: { stop(): void } | null = null;
  #ticking: NodeJS.Timeout | undefined;
  /** Local time at which the newest event arrived. Between events, the screen's clock continues from there. */
  #heardAt = performance.now();
  #resolve: () => void = () => undefined;

  constructor(options: DashboardOptions) {
    this.#options = options;
    this.finished = new Promise((resolve) => (this.#resolve = resolve));
    this.#unsubscribe = options.subscribe((event) => this.#take(event));
    options.stdout.on('error', this.#terminalGone);
    process.on('uncaughtExceptionMonitor', this.#crashing);
    void this.#open();
  }

  async stop(): Promise<void> {
    this.#fallback?.stop();
    await this.#close(() => undefined);
  }

  /** Restores the terminal, runs the follow-up, then resolves `finished`. */
  async #close(andThen: () => void): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      clearInterval(this.#ticking);
      process.off('uncaughtExceptionMonitor', this.#crashing);
      await this.#drawing?.close();
      this.#unsubscribe();
      this.#options.stdout.off('error', this.#terminalGone);
      andThen();
      this.#resolve();
    }
    return this.finished;
  }

  async #open(): Promise<void> {
    const color = wantsColor(process.env);
    try {
      const { openDrawing } = await loadDrawing(color);
      if (this.#ended) return;
      this.#drawing = openDrawing({
        stdin: this.#options.stdin,
        stdout: this.#options.stdout,
        color,
        maxFps: MAX_FPS,
        scene: () => this.#scene(),
        onKey: (key) => this.#pressed(key),
        onFailure: (error) => void this.#broken(error),
      });
      this.#ticking = setInterval(() => this.#drawing?.draw(), TICK_MS);
      // Drawing alone must never keep a finished run's process alive.
      this.#ticking.unref();
    } catch (error) {
      await this.#broken(error);
    }
  }

  #take(event: HarnessEvent): void {
    const { violations } = this.#state;
    const first = this.#state.run === null && event.type === 'run';
    this.#state = reduce(this.#state, event);
    this.#heardAt = performance.now();
    this.#ui = answer(this.#ui, event, this.#heardAt);
    if (first) this.#ui = { ...this.#ui, target: nodeIds(this.#state)[0] ?? this.#ui.target };
    // These events are rare and important, so they are drawn at once; all others are drawn with the next tick.
    if (event.type === 'verdict' || this.#state.violations !== violations) this.#drawing?.draw();
  }

  #scene(): Scene {
    const { watchOnly, dump } = this.#options;
    const clock = performance.now();
    const over = this.#state.phase === 'done';
    const now = this.#state.t + (over ? 0 : clock - this.#heardAt);
    return {
      state: this.#state,
      ui: this.#ui,
      now,
      clock,
      glyphs: this.#glyphs,
      watchOnly,
      canDump: dump !== undefined,
    };
  }

  #size(): { width: number; height: number } {
    return { width: this.#options.stdout.columns ?? 80, height: this.#options.stdout.rows ?? 24 };
  }

  #pressed(key: KeyPress): void {
    const scene = this.#scene();
    const size = this.#size();
    const { ui, effects } = press(this.#ui, key, {
      ...scene,
      compact: layoutKind(size) === 'compact',
      pageRows: Math.max(1, size.height - 6),
    });
    this.#ui = ui;
    for (const effect of effects) this.#perform(effect);
    this.#drawing?.draw();
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'command':
        this.#options.command(effect.command);
        break;
      case 'close':
        void this.stop();
        break;
      case 'dump':
        void this.#dump();
        break;
      default:
        effect satisfies never;
    }
  }

  async #dump(): Promise<void> {
    const tell = (text: string, level: 'info' | 'warn'): void => {
      this.#ui = { ...this.#ui, toast: { text, at: performance.now(), level } };
      this.#drawing?.draw();
    };
    try {
      tell(`screen written to ${await this.#options.dump!(screenText(this.#scene(), this.#size()))}`, 'info');
    } catch (error) {
      tell(
        `the screen could not be written: ${error instanceof Error ? error.message : String(error)}`,
        'warn',
      );
    }
  }

  readonly #terminalGone = (): void => void this.stop();

  /** Restores the terminal first, because Node.js prints the crash next and the alternate screen would lose it. */
  readonly #crashing = (): void => void this.stop();

  async #broken(error: unknown): Promise<void> {
    const { subscribe, stdout } = this.#options;
    await this.#close(() => {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`chaos: the dashboard failed; line output continues: ${reason}\n`);
      this.#fallback = startLineOutput({ subscribe, stdout });
    });
  }
}

/**
 * Ink and React read these variables once, while they load: React's development checks make frames several times
 * slower, and Ink does not know NO_COLOR. The variables that child processes inherit are restored afterwards.
 */
async function loadDrawing(color: boolean): Promise<typeof import('./drawing.ts')> {
  const wanted = { NODE_ENV: 'production', FORCE_COLOR: color ? '1' : '0' };
  const before = Object.fromEntries(Object.keys(wanted).map((name) => [name, process.env[name]]));
  Object.assign(process.env, wanted);
  try {
    return await import('./drawing.ts');
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
