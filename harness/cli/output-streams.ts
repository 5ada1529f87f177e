/** The loss of one of the streams that this program writes to. */
export interface LostOutput {
  /** True if its reader went away: a closed terminal, or the end of `chaos … | head`. */
  readonly hungUp: boolean;
  /** What happened, in a sentence without a full stop. */
  readonly message: string;
}

/**
 * Error codes that mean that the stream has no reader any more. Any other code is a failure to write, such as a full
 * disk.
 */
const HUNG_UP = new Set(['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

let onLost: ((lost: LostOutput) => void) | null = null;

/**
 * Calls `listener` when standard output or standard error cannot be written. Without a listener this would end the
 * process with a stack trace. A later call replaces the listener.
 */
export function guardOutput(listener: (lost: LostOutput) => void): void {
  if (onLost === null) {
    watch(process.stdout, 'standard output');
    watch(process.stderr, 'standard error');
  }
  onLost = listener;
}

function watch(stream: NodeJS.WriteStream, name: string): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    onLost?.({
      hungUp: HUNG_UP.has(error.code ?? ''),
      message: `${name} cannot be written: ${error.message}`,
    });
  });
}
