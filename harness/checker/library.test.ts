import { expect, test } from 'vitest';
import { checkLinearizable, listElement, listValue, ModelError, models, type Op } from 'chaos/checker';

const base = { process: 0, key: 'k', node: 'n1', attempts: 1, outcome: 'ok' as const };
const wrote = (id: number, value: string, call: number): Op => ({
  ...base,
  id,
  f: 'write',
  input: value,
  call,
  return: call + 1,
});
const read = (id: number, value: string | null, call: number): Op => ({
  ...base,
  id,
  f: 'read',
  input: null,
  output: value,
  call,
  return: call + 1,
});

test('the result of a linearizable history has an order that proves it', async () => {
  const result = await checkLinearizable([wrote(7, 'a', 0), wrote(8, 'b', 2), read(9, 'b', 4)]);
  expect(result).toMatchObject({ verdict: 'linearizable', keys: [{ key: 'k', witness: [7, 8, 9] }] });
});

test('a stale read is a violation', async () => {
  const result = await checkLinearizable(
    [wrote(0, 'a', 0), wrote(1, 'b', 2), read(2, 'b', 4), read(3, 'a', 6)],
    {
      model: models.register,
    },
  );
  expect(result).toMatchObject({ verdict: 'violation', violations: [{ anomaly: 'stale read', key: 'k' }] });
});

test('a history of another model is refused', async () => {
  const del: Op = { ...wrote(3, 'gone', 0), f: 'delete' };
  await expect(checkLinearizable([del], { model: models.register })).rejects.toThrow(ModelError);
  await expect(checkLinearizable([del], { model: models.casRegister })).rejects.toThrow(
    'operation #3 is a delete; the model cas-register knows only read, write, cas',
  );
});

test('a failed CAS is a mismatch or nothing, as the option `casFail` says', async () => {
  const refused: Op = {
    ...wrote(1, 'x', 2),
    f: 'cas',
    input: ['a', 'x'],
    outcome: 'fail',
  };
  const ops = [wrote(0, 'a', 0), refused];
  const verdict = async (casFail?: 'mismatch' | 'nothing'): Promise<string> =>
    (await checkLinearizable(ops, casFail === undefined ? {} : { casFail })).verdict;
  expect(await verdict()).toBe('linearizable');
  expect(await verdict('nothing')).toBe('linearizable');
  expect(await verdict('mismatch')).toBe('violation');
  const said: Op = { ...refused, error: 'cas-mismatch' };
  expect((await checkLinearizable([wrote(0, 'a', 0), said])).verdict).toBe('violation');
  expect((await checkLinearizable([wrote(0, 'a', 0), said], { casFail: 'nothing' })).verdict).toBe(
    'linearizable',
  );
});

test('reads of a list show its appended elements in order', async () => {
  const append = (id: number, element: string | number, call: number): Op => ({
    ...wrote(id, listElement(element), call),
    f: 'append',
  });
  const ops = (seen: readonly (string | number)[]): Op[] => [
    read(0, listValue([]), 0),
    append(1, 1, 2),
    append(2, '1,', 4),
    append(3, 11, 6),
    read(4, listValue(seen), 8),
  ];
  const verdict = async (seen: readonly (string | number)[]): Promise<string> =>
    (await checkLinearizable(ops(seen), { model: models.listAppend })).verdict;
  expect(await verdict([1, '1,', 11])).toBe('linearizable');
  expect(await verdict([1, 11, '1,'])).toBe('violation');
  expect(await verdict([1, 1, 11])).toBe('violation');
});
