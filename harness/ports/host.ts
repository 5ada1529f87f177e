/** A program with its arguments. */
export interface HostCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** Added to the harness's own environment; undefined: removed from it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Cuts the output of a process into lines. One reader per process. */
export interface LineReader<Line> {
  /** The lines that end in this chunk. */
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
  /** Resolves (never rejects) when the process is gone and its output is read. */
  readonly end: Promise<ProcessEnd>;
  /** The last lines of its stderr so far. */
  stderr(): string;
  signal(name: ProcessSignal): void;
  /**
   * Resolves when the operating system reports the process as stopped (`stopped` false: as no longer stopped), because
   * a signal is only a request. Rejects after `withinMs`, or if the process is gone.
   */
  untilStopped(stopped: boolean, withinMs: number): Promise<void>;
}

export interface ProcessStart<Line> {
  readonly command: HostCommand;
  /** stdout and stderr are appended to this file. */
  readonly logFile: string;
  /** The file descriptor that carries reports (1 and 2 are stdout and stderr), and their reader. */
  readonly reports?: { readonly fd: number; readonly reader: LineReader<Line> };
  readonly onLine: (line: Line) => void;
  /** The process has closed the descriptor of its reports, but has not ended. */
  readonly onReportsClosed?: () => void;
}

/** Port: the machine on which node processes run. */
export interface Host {
  /** Rejects with a sentence if the process cannot be started (no such file, no more descriptors or processes). */
  start<Line>(start: ProcessStart<Line>): Promise<HostProcess>;
  /** Makes a folder and those above it, where they are missing. */
  makeFolder(path: string): void;
  /** Removes a folder with its content, if it exists. */
  removeFolder(path: string): Promise<void>;
}
