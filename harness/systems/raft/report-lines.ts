import type { NodeReport } from '../../../node/protocol/report.ts';
import { monotonicMs } from '../../clock.ts';
import type { LineReader } from '../../ports/host.ts';
import type { NodeLine } from '../../ports/system.ts';
import type { TraceEvent } from '../../trace.ts';
import { FieldChecks } from './report-fields.ts';

/** Maximum length of a line in bytes. Our node writes at most some hundred KB per line. */
const MAX_LINE_BYTES = 16 << 20;
/** Number of characters of a wrong line that a message shows. */
const SHOWN_CHARS = 120;
/**
 * Number of problems that are reported one by one. Of the later ones, only the 100th, the 1,000th and so on are
 * reported.
 */
const TOLD_PROBLEMS = 10;
/** Maximum difference in ms between the time of a line and the clock of its reader, because of rounding. */
const CLOCK_SLACK_MS = 5;

/**
 * A line of our node's reports. All fields of the report are kept; fields that are optional for other systems are
 * always in its `status`.
 */
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

export interface ReportReaderOptions {
  /** The node whose process writes the lines. */
  readonly node: string;
  /** The ids of the nodes that exist. The members of every configuration that is reported are added to it. */
  readonly nodes: Set<string>;
  /** The machine's monotonic clock, in ms. No line is older than its reader. */
  readonly nowMs?: () => number;
}

/**
 * Cuts the bytes of a report pipe (JSON lines, `node/protocol/report.ts`) into reports, in order, and checks every
 * field of them. A line that is malformed, wrong, missing or out of order is a problem of the node, and says whether
 * steps of its trace may be lost with it. One reader per node process.
 */
export class ReportReader implements LineReader<ReportLine> {
  readonly #node: string;
  readonly #nodes: Set<string>;
  readonly #fields: FieldChecks;
  readonly #nowMs: () => number;
  /** The chunks of the line that has begun but not ended. */
  #begun: Buffer[] = [];
  #begunBytes = 0;
  /** True inside a line that is too long: the rest of it is dropped. */
  #skipping = false;
  /** Number of lines so far, from 1. */
  #lines = 0;
  #nextN = 0;
  /** Number of lines since the last readable one that may each have had a number `n`. */
  #unreadable = 0;
  /** Time of the last line in ms: the lines of one process are written in order. */
  #lastMs: number;
  /**
   * True if lines were repeated or out of order. The trace is checked in the order of the lines, which is then unknown.
   */
  #disorder = false;
  #problems = 0;
  /** True if a hole was reported, and no step of the trace was passed on since then. */
  #inHole = false;

  constructor({ node, nodes, nowMs = monotonicMs }: ReportReaderOptions) {
    this.#node = node;
    this.#nodes = nodes;
    this.#fields = new FieldChecks((id) => nodes.has(id));
    this.#nowMs = nowMs;
    this.#lastMs = nowMs() - CLOCK_SLACK_MS;
  }

  push(chunk: Buffer): readonly ReportLine[] {
    const out: ReportLine[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      if (this.#skipping) this.#skipping = false;
      else {
        this.#lines++;
        this.#line(this.#take(chunk.subarray(from, end)), out);
      }
      from = end + 1;
    }
    if (from < chunk.length && !this.#skipping) this.#keep(chunk.subarray(from), out);
    return out;
  }

  /**
   * True if the last line has no end. At the end of the pipe this means that the node was killed while it wrote the
   * line. The line is ignored: a kill a moment earlier would have had the same effect.
   */
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
    this.#lines++;
    this.#unreadable++;
    const start = Buffer.concat(this.#begun).toString('latin1', 0, SHOWN_CHARS);
    this.#problem(`is longer than ${MAX_LINE_BYTES} bytes and was dropped`, start, true, out);
    this.#begun = [];
    this.#begunBytes = 0;
    this.#skipping = true;
  }

  #line(text: string, out: ReportLine[]): void {
    const line = objectOf(text);
    if (line === null) return this.#unread('is not a JSON object', text, out);
    const { n, type } = line;
    if (!Number.isSafeInteger(n) || (n as number) < 0)
      return this.#unread(wrong('n', `an integer from 0 to ${Number.MAX_SAFE_INTEGER}`, n), text, out);
    this.#number(n as number, text, out);
    const mistake = this.#mistakeIn(line);
    if (mistake !== null) return this.#problem(mistake, text, isStep(type), out);
    const report = line as unknown as NodeReport;
    this.#lastMs = report.at / 1_000;
    if (report.type === 'ChangeConf')
      for (const id of [...report.voters, ...report.learners]) this.#nodes.add(id);
    if (isStep(type) && this.#disorder) return;
    if (isStep(type)) this.#inHole = false;
    out.push(lineOf(report));
  }

  /** Handles a line whose number cannot be read. It may be any of the lines whose numbers are missing. */
  #unread(what: string, text: string, out: ReportLine[]): void {
    this.#unreadable++;
    this.#problem(what, text, true, out);
  }

  /** Looks for gaps in the numbers of lines. An unreadable line may have had one of the missing numbers. */
  #number(n: number, text: string, out: ReportLine[]): void {
    const lost = n - this.#nextN - this.#unreadable;
    if (n < this.#nextN) {
      const what = `has number ${n}, but ${this.#nextN} is next: lines are repeated or out of order, so the trace of this process is not read any more`;
      if (!this.#disorder) this.#problem(what, text, true, out);
      this.#disorder = true;
    } else if (lost > 0) {
      const follows = this.#nextN === 0 ? 'is the first one' : `follows number ${this.#nextN - 1}`;
      const missing = lost === 1 ? '1 line is lost' : `${lost} lines are lost`;
      this.#problem(`has number ${n} and ${follows}: ${missing}`, text, true, out);
    }
    this.#nextN = n + 1;
    this.#unreadable = 0;
  }

  /** Returns the first mistake in a line, as the end of a sentence; null if there is none. */
  #mistakeIn(line: Readonly<Record<string, unknown>>): string | null {
    const { at, node, type } = line;
    if (node !== this.#node) return wrong('node', `"${this.#node}", whose process wrote it`, node);
    if (!Number.isSafeInteger(at)) return wrong('at', 'an integer, in microseconds', at);
    const [from, to] = [this.#lastMs, this.#nowMs() + CLOCK_SLACK_MS];
    const atMs = (at as number) / 1_000;
    if (atMs < from)
      return wrong(
        'at',
        `at least ${Math.floor(from * 1_000)}, the time of the line before or of the start`,
        at,
      );
    if (atMs > to) return wrong('at', `at most ${Math.floor(to * 1_000)}, the time of its reader`, at);
    if (!this.#fields.isKind(type)) return wrong('type', 'a type of report line', type);
    const mistake = this.#fields.mistakeIn(type, line);
    return mistake === null ? null : wrong(mistake.field, mistake.must, mistake.value);
  }

  /**
   * Reports a problem. The beginning of a hole is always reported. Other reports are limited, because all lines of a
   * node may be wrong.
   */
  #problem(what: string, text: string, traceHole: boolean, out: ReportLine[]): void {
    this.#problems++;
    const begins = traceHole && !this.#inHole;
    if (traceHole) this.#inHole = true;
    if (!begins && this.#problems > TOLD_PROBLEMS && !isPowerOfTen(this.#problems)) return;
    const count = this.#problems > TOLD_PROBLEMS ? ` (problem ${this.#problems} of these reports)` : '';
    const message = `report line ${this.#lines} ${what}${count}; the line: ${shown(text)}`;
    out.push({ type: 'problem', traceHole, message });
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

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Readonly<Record<string, unknown>>) : null;
}

/** True if a line of this type is a step of the trace, or may be one because the type is unknown. */
const isStep = (type: unknown): boolean => type !== 'status' && type !== 'log' && type !== 'ready';

function wrong(field: string, must: string, value: unknown): string {
  const is = Array.isArray(value) ? `a list of ${value.length}` : JSON.stringify(value);
  return `has a wrong field: "${field}" must be ${must}, but is ${is === undefined ? 'absent' : shown(is)}`;
}

/** The beginning of a text, with everything that is not plain ASCII escaped. */
function shown(text: string): string {
  const start = text.slice(0, SHOWN_CHARS);
  const plain = /^[ -~]*$/.test(start) ? start : JSON.stringify(start).replace(/[^ -~]/gu, escaped);
  return text.length <= SHOWN_CHARS ? plain : `${plain}… (${text.length} characters)`;
}

const escaped = (character: string): string =>
  `\\u{${character.codePointAt(0)!.toString(16).padStart(4, '0')}}`;

const isPowerOfTen = (count: number): boolean => Number.isInteger(Math.log10(count));
