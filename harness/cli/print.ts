import { printable } from '../printable.ts';

/*
 * The door for lines that a command prints. They may contain names of files, text of files and messages of other
 * programs, so that no character that a terminal obeys passes.
 */

/** A line for the standard output. */
export const say = (text: string): void => console.log(printable(text));

/** A line about something that is wrong, for the standard error. */
export const complain = (text: string): void => console.error(printable(text));
