/** Throws an Error for the user. */
export function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text === '' || !Number.isSafeInteger(value) || value < least)
    throw new Error(`${name} ${text}: expected a whole number from ${least} on`);
  return value;
}
