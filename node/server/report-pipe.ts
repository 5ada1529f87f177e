import { Socket } from 'node:net';
import type { LogReport } from '../protocol/report.ts';
import type { NodeId } from '../raft/types.ts';
import type { ReportLine, Reports } from '../replica/trace.ts';

/**
 * Number of bytes that wait for the reader above which `status` lines are left out, because a later one has newer
 * values.
 */
const STATUS_UP_TO_BYTES = 1 << 20;
/** Maximum number of bytes that wait for the reader. Above it the node ends, because no trace line may be lost. */
const MAX_WAITING_BYTES = 64 << 20;

export interface ReportPipeOptions {
  /** File descriptor of the pipe; null: there are no reports. */
  readonly fd: number | null;
  readonly node: NodeId;
  /** Called when the reader has closed the pipe or does not read, because the node must not run without reports. */
  readonly onLost: (reason: string) => void;
}

/** JSON lines on a pipe to the process that started the node; one write per turn. */
export class ReportPipe implements Reports {
  readonly #node: NodeId;
  readonly #pipe: Socket | null;
  readonly #onLost: (reason: string) => void;
  #lines = '';
  /** Lines that wait for the `ready` line, which must be the first; null: it was sent. */
  #held: ReportLine[] | null = [];
  #count = 0;
  #lost = false;

  /** Throws if the descriptor is not a pipe or socket. */
  constructor({ fd, node, onLost }: ReportPipeOptions) {
    this.#node = node;
    this.#onLost = onLost;
    this.#pipe = fd === null ? null : new Socket({ fd, readable: false, writable: true });
    this.#pipe?.on('error', (error) => this.#lose(`the reports cannot be written: ${error.message}`));
    this.#pipe?.on('close', () => this.#lose('the reader of the reports has closed the pipe'));
  }

  report(line: ReportLine): void {
    if (this.#pipe === null || this.#lost) return;
    if (line.type === 'ready') return this.#release(line);
    if (this.#held !== null) {
      this.#held.push(line);
      return;
    }
    if (line.type === 'status' && this.#pipe.writableLength > STATUS_UP_TO_BYTES) return;
    this.#write(line);
  }

  #release(ready: ReportLine | null): void {
    const held = this.#held ?? [];
    this.#held = null;
    if (ready !== null) this.#write(ready);
    for (const line of held) this.#write(line);
  }

  #write(line: ReportLine): void {
    const [seconds, nanoseconds] = process.hrtime();
    const at = seconds * 1_000_000 + Math.floor(nanoseconds / 1_000);
    this.#lines += `${JSON.stringify({ n: this.#count++, at, node: this.#node, ...line })}\n`;
  }

  log(level: LogReport['level'], message: string): void {
    this.report({ type: 'log', level, message });
  }

  flush(): void {
    if (this.#pipe === null || this.#lost || this.#lines === '') return;
    this.#pipe.write(this.#lines);
    this.#lines = '';
    if (this.#pipe.writableLength > MAX_WAITING_BYTES) {
      this.#lose(`the reader of the reports is too slow: ${this.#pipe.writableLength} bytes wait for it`);
    }
  }

  /** Resolves when all lines are written, or the reader has closed the pipe. */
  async close(): Promise<void> {
    const pipe = this.#pipe;
    if (pipe === null || this.#lost) return;
    if (this.#held !== null) this.#release(null);
    this.flush();
    this.#lost = true;
    await new Promise<void>((resolve) => {
      pipe.once('close', () => resolve());
      pipe.end();
    });
  }

  #lose(reason: string): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#onLost(reason);
  }
}
