import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { RaftLog } from './log.ts';
import { entry, logOf } from './testing/server.ts';
import { logIndex, term } from './types.ts';
import type { LogIndex } from './types.ts';

const p = (index: number, t: number): { index: LogIndex; term: ReturnType<typeof term> } => ({
  index: logIndex(index),
  term: term(t),
});

describe('the log', () => {
  test('answers like a plain list of terms after any appends and truncations', () => {
    const append = fc.record({ rise: fc.integer({ min: 0, max: 2 }) });
    const part = fc.double({ min: 0, max: 0.999, noNaN: true });
    const truncate = fc.record({ keep: part });
    const compact = fc.record({ drop: part });
    const restore = fc.record({ skip: fc.integer({ min: 1, max: 5 }), rise: fc.constant(1) });
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 8, arbitrary: append }, truncate, compact, restore), { maxLength: 60 }),
        (steps) => {
          const log = new RaftLog([]);
          const terms: number[] = [];
          /** Index of the last removed entry, whose term is still known. */
          let base = 0;
          for (const step of steps) {
            if ('skip' in step) {
              base = terms.length + step.skip;
              const last = (terms.at(-1) ?? 0) + step.rise;
              terms.push(...Array.from({ length: step.skip }, () => last));
              log.restore({ index: logIndex(base), term: term(last) });
            } else if ('rise' in step) {
              terms.push((terms.at(-1) ?? 1) + step.rise);
              log.append(entry(terms.length, terms.at(-1)!));
            } else if ('keep' in step && terms.length > base) {
              const from = base + 1 + Math.floor(step.keep * (terms.length - base));
              terms.length = from - 1;
              log.truncateFrom(logIndex(from));
            } else if ('drop' in step) {
              const last = log.takeUnstored().at(-1);
              if (last !== undefined) log.persisted(last);
              base += Math.floor(step.drop * (terms.length - base + 1));
              log.compactTo(logIndex(base));
            }
            expect([log.base.index, log.base.term]).toEqual([base, terms[base - 1] ?? 0]);
            expect(log.lastIndex).toBe(terms.length);
            expect(log.lastTerm).toBe(terms.at(-1) ?? 0);
            expect(log.termAt(logIndex(terms.length + 1))).toBeUndefined();
            expect(log.termAt(logIndex(base - 1))).toBeUndefined();
            const kept = terms.slice(base);
            kept.forEach((t, at) => {
              expect(log.termAt(logIndex(base + at + 1))).toBe(t);
              expect(log.firstIndexOfRun(logIndex(base + at + 1))).toBe(base + kept.indexOf(t) + 1);
            });
            for (let t = 1; t <= (terms.at(-1) ?? 0) + 1; t++) {
              const last = kept.lastIndexOf(t);
              const ofBase = t === terms[base - 1] ? base : undefined;
              expect(log.lastIndexOfTerm(term(t))).toBe(last < 0 ? ofBase : base + last + 1);
            }
          }
        },
      ),
    );
  });

  test('refuses a gap, a term that falls, and a truncation of entries that it does not have', () => {
    const log = new RaftLog(logOf(1, 2));
    expect(() => log.append(entry(4, 2))).toThrow('entry 4 does not follow 1..2');
    expect(() => log.append(entry(3, 1))).toThrow('term 1 of entry 3 falls');
    expect(() => log.truncateFrom(logIndex(3))).toThrow('truncate from 3');
    expect(() => log.slice(2, 3)).toThrow('entries 2..3');
  });

  test('(§5.4.1) a log is as up to date if its last term is higher, or equal and it is as long', () => {
    const log = new RaftLog(logOf(1, 3, 3));
    const upToDate = (t: number, index: number): boolean => log.isUpToDate(logIndex(index), term(t));
    expect([upToDate(4, 1), upToDate(3, 3), upToDate(3, 4)]).toEqual([true, true, true]);
    expect([upToDate(3, 2), upToDate(2, 9), upToDate(0, 0)]).toEqual([false, false, false]);
  });
});

describe('durability', () => {
  test('grows with each write that storage acknowledges', () => {
    const log = new RaftLog(logOf(1));
    log.append(entry(2, 1));
    expect(log.takeUnstored().map((e) => e.index)).toEqual([2]);
    log.append(entry(3, 1));
    expect(log.takeUnstored().map((e) => e.index)).toEqual([3]);
    expect(log.takeUnstored()).toEqual([]);
    expect(log.durableIndex).toBe(1);
    log.persisted(p(2, 1));
    expect(log.durableIndex).toBe(2);
    log.persisted(p(3, 1));
    expect(log.durableIndex).toBe(3);
  });

  test('one acknowledgement for several writes counts for all of them', () => {
    const log = new RaftLog([]);
    for (const index of [1, 2, 3]) {
      log.append(entry(index, 1));
      log.takeUnstored();
    }
    log.persisted(p(3, 1));
    expect(log.durableIndex).toBe(3);
    log.persisted(p(1, 1));
    expect(log.durableIndex).toBe(3);
  });

  test('a late acknowledgement of entries that another leader replaced does not count', () => {
    const log = new RaftLog(logOf(1));
    log.append(entry(2, 1));
    log.append(entry(3, 1));
    log.takeUnstored();
    log.truncateFrom(logIndex(3));
    log.append(entry(3, 2));
    log.takeUnstored();
    log.persisted(p(3, 1));
    expect(log.durableIndex).toBe(2);
    log.persisted(p(3, 2));
    expect(log.durableIndex).toBe(3);
  });

  test('it does not count either if the same entry was appended again, because a write between replaces it on disk', () => {
    const log = new RaftLog(logOf(1));
    for (const t of [2, 3, 2]) {
      if (log.lastIndex > 1) log.truncateFrom(logIndex(2));
      // In the third round a leader of term 4 sends the entry of term 2 again.
      log.append(entry(2, t));
      log.takeUnstored();
    }
    log.persisted(p(2, 2));
    expect(log.durableIndex).toBe(1);
    log.persisted(p(2, 3));
    expect(log.durableIndex).toBe(1);
    log.persisted(p(2, 2));
    expect(log.durableIndex).toBe(2);
  });

  test('an acknowledgement of entries that were never handed out proves nothing', () => {
    const log = new RaftLog(logOf(1));
    log.append(entry(2, 1));
    log.persisted(p(2, 1));
    expect(log.durableIndex).toBe(1);
  });
});
