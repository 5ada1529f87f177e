/** A program with its arguments. */
export interface HostCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Variables that are added to the harness's own environment; a variable that is undefined is removed from it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Splits the output of a process into lines. Each process has its own reader. */
export interface LineReader<Line> {
  /** Returns the lines that end in this chunk. */
  push(chunk: Buffer): readonly Line[];
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export type ProcessSignal = 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT';

/** One process of a node, from its start to the end of its pipes. */
export interface HostProcess {
  readonly pid: number;
  /** Resolves (never rejects) when the process has ended and its output has been read. */
  readonly end: Promise<ProcessEnd>;
  /** The last lines of its stderr so far. */
  stderr(): string;
  signal(name: ProcessSignal): void;
  /**
   * Resolves when the operating system reports that the process is stopped (or, if `stopped` is false, that it is not),
   * because a signal is only a request. Rejects after `withinMs`, or if the process has ended.
   */
  untilStopped(stopped: boolean, withinMs: number): Promise<void>;
}

export interface ProcessStart<Line> {
  readonly command: HostCommand;
  /** File to which stdout and stderr are appended. */
  readonly logFile: string;
  /** The file descriptor that carries reports (1 and 2 are stdout and stderr), and their reader. */
  readonly reports?: { readonly fd: number; readonly reader: LineReader<Line> };
  readonly onLine: (line: Line) => void;
  /** Called when the process has closed the descriptor of its reports but has not ended. */
  readonly onReportsClosed?: () => void;
}

/** Port: the machine on which node processes run. */
export interface Host {
  /** Rejects with a clear message if the process cannot be started (no such file, no more descriptors or processes). */
  start<Line>(start: ProcessStart<Line>): Promise<HostProcess>;
  /** Makes a folder and its missing parent folders. */
  makeFolder(path: string): void;
  /** Removes a folder with its content, if it exists. */
  removeFolder(path: string): Promise<void>;
}
