import 'chaos/vitest';
import { type Op, models } from 'chaos/checker';
import { expect, test } from 'vitest';

const base = { process: 0, key: 'k', node: 'n1', attempts: 1, outcome: 'ok' as const };
const wrote = (id: number, input: string, call: number): Op => ({
  ...base,
  id,
  f: 'write',
  input,
  call,
  return: call + 1,
});
const read = (id: number, output: string | null, call: number): Op => ({
  ...base,
  id,
  f: 'read',
  input: null,
  output,
  call,
  return: call + 1,
});
const good = [wrote(0, 'a', 0), wrote(1, 'b', 2), read(2, 'b', 4)];
const stale = [...good, read(3, 'a', 6)];

test('a linearizable history passes, and one that is not linearizable passes with .not', async () => {
  await expect(good).toBeLinearizable();
  await expect([]).toBeLinearizable();
  await expect(good).toBeLinearizable({ model: models.register });
  await expect(stale).not.toBeLinearizable();
});

test('a violation fails with its name, its prose and the operations that show it', async () => {
  const error = await expect(stale)
    .toBeLinearizable()
    .then(
      () => null,
      (thrown: unknown) => thrown as Error,
    );
  expect(error?.message).toContain(
    'expected the history to be linearizable, but it is not\n\nstale read: Key k: read#3',
  );
  expect(error?.message).toMatch(/p0 #3 read → a +\[X-*\]\n/);
});

test('with .not a linearizable history fails', async () => {
  await expect(expect(good).not.toBeLinearizable()).rejects.toThrow(
    'expected the history not to be linearizable, but there is an order: 3 operations on 1 key',
  );
});

test('a history that could not be decided fails with and without .not', async () => {
  const options = { signal: AbortSignal.abort() };
  await expect(expect(good).toBeLinearizable(options)).rejects.toThrow(
    'it is not known whether the history is',
  );
  await expect(expect(good).not.toBeLinearizable(options)).rejects.toThrow('it is not known whether');
});

test('a value that is not a history fails with and without .not, and the error describes a history', async () => {
  for (const wrong of [17, 'history.edn', null, [{ id: 1 }]]) {
    await expect(expect(wrong).toBeLinearizable()).rejects.toThrow('judges an array of operations');
    await expect(expect(wrong).not.toBeLinearizable()).rejects.toThrow('judges an array of operations');
  }
  await expect(expect([...good, {}]).toBeLinearizable()).rejects.toThrow('but element 3 is not one');
});
