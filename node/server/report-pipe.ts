import { Socket } from 'node:net';
import type { LogReport } from '../protocol/report.ts';
import type { NodeId } from '../raft/types.ts';
import type { ReportLine, Reports } from '../replica/trace.ts';

/**
 * Maximum number of bytes that wait for the reader; above it `status` lines are left out, because the next one says
 * more.
 */
const STATUS_UP_TO_BYTES = 1 << 20;
/** No trace line may be lost; when this much waits, the node ends instead of growing. */
const MAX_WAITING_BYTES = 64 << 20;

export interface ReportPipeOptions {
  /** Null: no reports are wanted. */
  readonly fd: number | null;
  readonly node: NodeId;
  /** The reader went away, or does not read: the node must not run on unobserved. */
  readonly onLost: (reason: string) => void;
}

/** JSON lines on a pipe to the process that started the node; one write per turn. */
export class ReportPipe implements Reports {
  readonly #node: NodeId;
  readonly #pipe: Socket | null;
  readonly #onLost: (reason: string) => void;
  #lines = '';
  /** Lines from before the `ready` line, which must be the first; null: it was sent. */
  #held: ReportLine[] | null = [];
  #count = 0;
  #lost = false;

  /** Throws if the descriptor is no pipe or socket. */
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
      this.#lose(`the reader of the reports is ${this.#pipe.writableLength} bytes behind`);
    }
  }

  /** Resolves when everything is written, or the reader is gone. */
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
