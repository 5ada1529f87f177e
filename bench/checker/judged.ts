/** What a judge prints about one history, as a line of JSON. */
export interface Judged {
  readonly verdict: 'linearizable' | 'violation' | 'unknown';
  /** Of `unknown`: `time` or `memory`. */
  readonly reason?: string;
  /** From the parsed history to the verdict. */
  readonly ms: number;
  /** Likewise, what all threads spent on a processor: that hardly depends on what else the machine does. */
  readonly cpuMs: number;
  readonly parseMs: number;
  /** Resident memory at its highest from the end of parsing to the verdict, operations included. 0: not measured. */
  readonly peakMiB: number;
}
