import { open, type FileHandle } from 'node:fs/promises';

/** Maximum time that lines wait in memory, in ms, so that a killed harness loses little. */
const FLUSH_AFTER_MS = 50;
const FLUSH_AT_CHARS = 64 * 1024;
/**
 * Maximum number of waiting bytes. A disk that is this slow counts as broken, because memory must not grow without end.
 */
const MAX_WAITING_CHARS = 64 * 1024 * 1024;

/**
 * A file that is written line by line, in the background, in order. The first failure (disk full, folder gone) is
 * reported once through `onError`; later lines are dropped, and `close` rejects with it.
 */
export class LineFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #onError: (error: Error) => void;
  #waiting: string[] = [];
  #waitingChars = 0;
  #timer: NodeJS.Timeout | null = null;
  /** The write that is under way; null: none. */
  #writing: Promise<void> | null = null;
  #failure: Error | null = null;
  #bytes = 0;

  private constructor(path: string, handle: FileHandle, onError: (error: Error) => void) {
    this.path = path;
    this.#handle = handle;
    this.#onError = onError;
  }

  /** Makes the file, or empties it. Rejects with the system's error. */
  static async create(path: string, onError: (error: Error) => void): Promise<LineFile> {
    return new LineFile(path, await open(path, 'w'), onError);
  }

  /** Number of bytes that were passed to the operating system, all of them whole lines. */
  get bytes(): number {
    return this.#bytes;
  }

  append(line: string): void {
    if (this.#failure !== null) return;
    this.#waiting.push(line);
    this.#waitingChars += line.length + 1;
    if (this.#waitingChars > MAX_WAITING_CHARS)
      return this.#fail(
        new Error(`the disk is too slow: ${this.#waitingChars} characters wait to be written`),
      );
    if (this.#waitingChars >= FLUSH_AT_CHARS) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), FLUSH_AFTER_MS);
  }

  /** Writes the waiting lines and closes. Rejects with the failure if there was one. */
  async close(): Promise<void> {
    while (this.#failure === null && (this.#writing !== null || this.#waiting.length > 0)) {
      this.#write();
      await this.#writing;
    }
    this.#stopTimer();
    await this.#handle.close();
    if (this.#failure !== null) throw this.#failure;
  }

  #write(): void {
    this.#stopTimer();
    if (this.#writing !== null || this.#waiting.length === 0) return;
    const text = Buffer.from(`${this.#waiting.join('\n')}\n`);
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#writing = this.#handle
      .appendFile(text)
      .then(() => void (this.#bytes += text.length))
      .catch((error: Error) => this.#fail(error))
      .then(() => {
        this.#writing = null;
        if (this.#waitingChars >= FLUSH_AT_CHARS) this.#write();
        else if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#write(), FLUSH_AFTER_MS);
      });
  }

  #fail(cause: Error): void {
    if (this.#failure !== null) return;
    this.#failure = new Error(`cannot write ${this.path}: ${cause.message}`, { cause });
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#stopTimer();
    this.#onError(this.#failure);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
