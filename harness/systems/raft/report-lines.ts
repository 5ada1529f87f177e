import type { NodeReport } from '../../../node/protocol/report.ts';
import type { LineReader } from '../../ports/host.ts';
import type { NodeLine } from '../../ports/system.ts';
import type { TraceEvent } from '../../trace.ts';

/** A line that grows past this is no report: a node writes at most some hundred KB a line. */
const MAX_LINE_BYTES = 16 << 20;

/** A line of our node's reports. All fields of the report are kept: its `status` has all that is optional elsewhere. */
export type ReportLine = Exclude<NodeLine, { type: 'status' | 'trace' }> | StatusLine | TraceLine;

interface StatusLine {
  readonly type: 'status';
  readonly atMs: number;
  readonly status: Extract<NodeReport, { type: 'status' }>;
}
interface TraceLine {
  readonly type: 'trace';
  readonly atMs: number;
  readonly trace: TraceEvent;
}

/**
 * Cuts the bytes of a report pipe (JSON lines, `node/protocol/report.ts`) into reports, in order. Also reports lines
 * that are malformed and gaps in their numbers `n`. One reader per node process.
 */
export class ReportReader implements LineReader<ReportLine> {
  /** The chunks of the line that has begun but not ended. */
  #begun: Buffer[] = [];
  #begunBytes = 0;
  /** Inside a line that is over the limit: its rest is thrown away. */
  #skipping = false;
  #nextN = 0;

  push(chunk: Buffer): readonly ReportLine[] {
    const out: ReportLine[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      if (this.#skipping) this.#skipping = false;
      else this.#line(this.#take(chunk.subarray(from, end)), out);
      from = end + 1;
    }
    if (from < chunk.length && !this.#skipping) this.#keep(chunk.subarray(from), out);
    return out;
  }

  /** At the end of the pipe: a line without its end was cut off, because the node was killed while it was writing. */
  get midLine(): boolean {
    return this.#begunBytes > 0;
  }

  #take(tail: Buffer): string {
    if (this.#begunBytes === 0) return tail.toString('utf8');
    const whole = Buffer.concat([...this.#begun, tail]).toString('utf8');
    this.#begun = [];
    this.#begunBytes = 0;
    return whole;
  }

  #keep(rest: Buffer, out: ReportLine[]): void {
    this.#begun.push(rest);
    this.#begunBytes += rest.length;
    if (this.#begunBytes <= MAX_LINE_BYTES) return;
    out.push({ type: 'problem', message: `a report line of over ${MAX_LINE_BYTES} bytes was dropped` });
    this.#begun = [];
    this.#begunBytes = 0;
    this.#skipping = true;
  }

  #line(text: string, out: ReportLine[]): void {
    const report = parse(text);
    if (report === null) {
      out.push({ type: 'problem', message: `not a report line: ${JSON.stringify(text.slice(0, 120))}` });
      return;
    }
    if (report.n !== this.#nextN)
      out.push({
        type: 'problem',
        message: `report lines lost: number ${report.n} follows ${this.#nextN - 1}`,
      });
    this.#nextN = report.n + 1;
    out.push(lineOf(report));
  }
}

/** The report itself is the status, step or log line in the harness's words, so nothing is copied. */
function lineOf(report: NodeReport): ReportLine {
  const atMs = report.at / 1_000;
  if (report.type === 'ready') return { type: 'ready', atMs };
  if (report.type === 'status') return { type: 'status', atMs, status: report };
  if (report.type === 'log') return { type: 'log', atMs, log: report };
  return { type: 'trace', atMs, trace: report };
}

const NEWLINE = 0x0a;

function parse(text: string): NodeReport | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { n, at, node, type } = value as Partial<Record<'n' | 'at' | 'node' | 'type', unknown>>;
  const fits =
    Number.isSafeInteger(n) && typeof at === 'number' && typeof node === 'string' && typeof type === 'string';
  return fits ? (value as NodeReport) : null;
}
