/** Result of a checker for one history, printed as a line of JSON. */
export interface Judged {
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  /** Reached limit of an `unknown` verdict: `time` or `memory`. */
  readonly reason?: string;
  /** Time from the parsed history to the verdict. */
  readonly ms: number;
  /** CPU time of all threads in that time, which depends little on other load of the machine. */
  readonly cpuMs: number;
  readonly parseMs: number;
  /** Peak of the resident memory from the end of parsing to the verdict, operations included. 0: not measured. */
  readonly peakMiB: number;
}
