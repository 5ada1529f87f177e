import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MalformedBytes } from './bytes.ts';
import { encodeCommand } from './command.ts';
import type { Command } from './command.ts';
import { Registers } from './registers.ts';
import type { Register } from './registers.ts';
import { Sessions } from './sessions.ts';
import { KvStore } from './store.ts';
import { commands } from './testing/commands.ts';

const content = (value: number): Register => ({ present: true, value: String(value) });

describe('registers', () => {
  const use = fc.oneof(
    { weight: 12, arbitrary: fc.nat(20) },
    { weight: 1, arbitrary: fc.constant('freeze' as const) },
    { weight: 1, arbitrary: fc.constant('thaw' as const) },
    { weight: 3, arbitrary: fc.constant('look' as const) },
  );

  test('are a map in order of first write, and show their state at the freeze until it ends, also if they change', () => {
    fc.assert(
      fc.property(fc.array(use, { maxLength: 200 }), (uses) => {
        const registers = new Registers();
        const model = new Map<string, Register>();
        let frozen: {
          expected: string;
          view: Iterator<readonly [string, Register]>;
          seen: unknown[];
        } | null = null;
        const end = (): void => {
          if (frozen === null) return;
          for (let next = frozen.view.next(); !next.done; next = frozen.view.next())
            frozen.seen.push(next.value);
          expect(JSON.stringify(frozen.seen)).toBe(frozen.expected);
          registers.thaw();
          frozen = null;
        };
        for (const [at, each] of uses.entries()) {
          if (typeof each === 'number') {
            registers.set(`k${each}`, content(at));
            model.set(`k${each}`, content(at));
          } else if (each === 'freeze' && frozen === null) {
            registers.freeze();
            frozen = { expected: JSON.stringify([...model]), view: registers[Symbol.iterator](), seen: [] };
          } else if (each === 'thaw') {
            end();
          } else if (frozen !== null) {
            const next: IteratorResult<readonly [string, Register]> = frozen.view.next();
            if (!next.done) frozen.seen.push(next.value);
          }
          for (let key = 0; key <= 20; key++) expect(registers.get(`k${key}`)).toEqual(model.get(`k${key}`));
        }
        end();
        registers.freeze();
        expect(JSON.stringify([...registers])).toBe(JSON.stringify([...model]));
      }),
    );
  });

  test('cannot be frozen a second time before the first freeze has ended', () => {
    const registers = new Registers();
    registers.freeze();
    expect(() => registers.freeze()).toThrow(/frozen already/);
  });
});

const captured = (store: KvStore): string => {
  const { blocks, release } = store.capture();
  const bytes = Buffer.concat([...blocks]);
  release();
  return bytes.toString('hex');
};

describe('a captured state', () => {
  test('is the state at its time, does not depend on earlier captures, and behaves the same after it is restored', () => {
    fc.assert(
      fc.property(
        fc.array(commands, { maxLength: 60 }),
        fc.array(fc.nat(60), { maxLength: 3 }),
        fc.nat(60),
        (list, otherTimes, at) => {
          const one = new KvStore(new Sessions(4));
          const other = new KvStore(new Sessions(4));
          const restored = new KvStore(new Sessions(4));
          const apply = (store: KvStore, command: Command, index: number): string =>
            JSON.stringify(store.apply(index + 1, encodeCommand(command)));
          let capture: ReturnType<KvStore['capture']> | null = null;
          let expected = '';
          for (const [index, command] of list.entries()) {
            if (otherTimes.includes(index)) captured(other);
            if (index === at) {
              expected = captured(other);
              capture = one.capture();
            }
            expect(apply(one, command, index)).toBe(apply(other, command, index));
          }
          if (capture === null) return;
          const blocks = [...capture.blocks].map((block) => Buffer.from(block));
          capture.release();
          expect(Buffer.concat(blocks).toString('hex')).toBe(expected);

          const restore = restored.restoring();
          for (const block of blocks) restore.push(block);
          restore.finish();
          expect(captured(restored)).toBe(expected);
          const again = new KvStore(new Sessions(4));
          for (const [index, command] of list.slice(0, at).entries()) apply(again, command, index);
          for (const [k, command] of list.slice(at).entries())
            expect(apply(restored, command, at + k)).toBe(apply(again, command, at + k));
          expect(captured(restored)).toBe(captured(one));
        },
      ),
    );
  });

  test('consists of blocks of limited size for any number of registers', () => {
    const store = new KvStore();
    const session = 1;
    store.apply(session, encodeCommand({ type: 'open-session' }));
    for (let seq = 1; seq <= 3_000; seq++) {
      const command = { type: 'write', session, seq, key: `key-${seq}`, value: 'v'.repeat(200) } as const;
      store.apply(1 + seq, encodeCommand(command));
    }
    const { blocks } = store.capture();
    const sizes = Array.from(blocks, (block) => block.length);
    expect(sizes.length).toBeGreaterThan(5);
    expect(Math.max(...sizes)).toBeLessThan(140_000);
  });

  test('is refused if its bytes are not a state', () => {
    const restore = new KvStore().restoring();
    for (const block of [
      Buffer.of(9),
      Buffer.of(0, 1),
      Buffer.of(1, 0),
      Buffer.of(2, 0, 0, 0, 1),
      Buffer.of(),
    ]) {
      expect(() => restore.push(block)).toThrow(MalformedBytes);
    }
  });
});
