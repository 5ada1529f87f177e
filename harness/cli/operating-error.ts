import { printableLine } from '../printable.ts';
import { systemReason } from '../system-reason.ts';

/**
 * An error that the machine or its user causes, and not a mistake in this program. Users see its message, without a
 * stack trace.
 */
export class OperatingError extends Error {}

/** Descriptions of errors of the operating system about paths, by code. */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  ENAMETOOLONG: 'the name is too long',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  ELOOP: 'the symbolic links form a loop',
};

/** Returns the reason of a failure, in plain words if it is an error of the operating system. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof OperatingError) return error.message;
  return WORDS[(error as NodeJS.ErrnoException).code ?? ''] ?? systemReason(error);
}

/** Returns the message for users about an error; null if the error is a mistake in this program. */
export function operatingSentence(error: unknown): string | null {
  if (error instanceof OperatingError) return error.message;
  if (!(error instanceof Error)) return null;
  const { syscall, path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  if (syscall === undefined) return null;
  if (syscall === 'uv_cwd') return 'the current folder does not exist any more: change to another one';
  const files = [path, dest].filter((file) => file !== undefined).map(printableLine);
  return `${files.length === 0 ? syscall : files.join(', ')}: ${reasonOf(error)}`;
}
