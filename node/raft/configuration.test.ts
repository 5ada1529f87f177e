import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decodeConfiguration, encodeConfiguration, founding } from './configuration.ts';
import type { Configuration, MemberChange } from './configuration.ts';
import { isJoint, membersOf } from './membership.ts';
import { leaveJoint, reconfigured } from './reconfigure.ts';
import { n1, n2, n3, n4, n5 } from './testing/server.ts';
import type { NodeId } from './types.ts';

const all = [n1, n2, n3, n4, n5];
const incarnationOf = (id: NodeId): number => all.indexOf(id);
const steps: fc.Arbitrary<MemberChange[]> = fc.array(
  fc.record({
    type: fc.constantFrom('add-learner', 'promote', 'demote', 'remove'),
    id: fc.constantFrom(...all),
    address: fc.constant('host:1'),
  }),
  { maxLength: 4 },
);

/** A configuration that is not joint and that changes could have led to. */
const configurations: fc.Arbitrary<Configuration> = fc.array(steps, { maxLength: 8 }).map((changes) => {
  let configuration = founding([n1, n2, n3]);
  for (const change of changes) {
    const next = reconfigured(configuration, change, incarnationOf);
    if (typeof next !== 'string') configuration = leaveJoint(next);
  }
  return configuration;
});

const REFUSED = { voters: [], learners: [] };

/** Applies the changes one after the other to plain sets; returns null if one of them is not possible. */
function naive(
  from: Configuration,
  changes: readonly MemberChange[],
): { voters: NodeId[]; learners: NodeId[] } | null {
  const voters = new Set(from.voters);
  const learners = new Set(from.learners);
  for (const { type, id } of changes) {
    if (type === 'add-learner') {
      if (voters.has(id) || learners.has(id)) return null;
      learners.add(id);
    } else if (type === 'promote') {
      if (!learners.delete(id)) return null;
      voters.add(id);
    } else if (type === 'demote') {
      if (!voters.delete(id)) return null;
      learners.add(id);
    } else if (!voters.delete(id) && !learners.delete(id)) return null;
  }
  const once = new Set(changes.map(({ id }) => id)).size === changes.length;
  if (!once || voters.size === 0 || changes.length === 0) return null;
  return { voters: [...voters].sort(), learners: [...learners].sort() };
}

describe('a change of the membership', () => {
  test('ends with the members that its steps name, or is refused as a whole', () => {
    fc.assert(
      fc.property(configurations, steps, (from, changes) => {
        const next = reconfigured(from, changes, incarnationOf);
        const meant = naive(from, changes);
        const { voters, learners } = typeof next === 'string' ? REFUSED : leaveJoint(next);
        expect({ voters, learners }).toEqual(meant ?? REFUSED);
      }),
      { numRuns: 1_000 },
    );
  });

  test('(§6) goes through both majorities if the voters change, and keeps every member until it is over', () => {
    fc.assert(
      fc.property(configurations, steps, (from, changes) => {
        const next = reconfigured(from, changes, incarnationOf);
        fc.pre(typeof next !== 'string');
        expect(isJoint(next)).toBe(leaveJoint(next).voters.join() !== from.voters.join());
        expect(isJoint(next) ? next.outgoing : from.voters).toEqual(from.voters);
        const members = membersOf(next);
        for (const id of [...membersOf(leaveJoint(next)), ...(isJoint(next) ? from.voters : [])])
          expect(members.has(id)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('keeps voters and learners apart, and forgets every node that has left', () => {
    fc.assert(
      fc.property(configurations, (configuration) => {
        const { voters, learners, addresses, incarnations } = configuration;
        expect(voters.filter((id) => learners.includes(id))).toEqual([]);
        const members = membersOf(configuration);
        expect(Object.keys(addresses).filter((id) => !members.has(id as NodeId))).toEqual([]);
        expect(Object.keys(incarnations).filter((id) => !voters.includes(id as NodeId))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is refused with the reason that `readiness` returns', () => {
    const from = { ...founding([n1]), learners: [n2] };
    expect(reconfigured(from, [{ type: 'promote', id: n2 }], () => 'n2 sleeps')).toBe('n2 sleeps');
  });
});

describe('a configuration in the log', () => {
  test('is read back as it was written, and equal members give equal bytes', () => {
    fc.assert(
      fc.property(configurations, steps, (from, changes) => {
        const next = reconfigured(from, changes, incarnationOf);
        const written = typeof next === 'string' ? from : next;
        expect(decodeConfiguration(encodeConfiguration(written))).toEqual(written);
        const turned = Object.fromEntries(Object.entries(written.addresses).reverse());
        expect(encodeConfiguration({ ...written, addresses: turned })).toEqual(encodeConfiguration(written));
      }),
    );
  });

  test('decodes to null if the bytes hold no configuration', () => {
    const json = fc.oneof(
      fc.json(),
      fc.uint8Array().map((bytes) => new TextDecoder().decode(bytes)),
    );
    fc.assert(
      fc.property(json, (text) => {
        expect(decodeConfiguration(new TextEncoder().encode(text))).toBeNull();
      }),
    );
    for (const wrong of [
      { voters: ['n2', 'n1'] },
      { voters: ['n1', 'n1'] },
      { voters: 'n1' },
      { incarnations: { n1: 0 } },
      { incarnations: { n1: 0.5 } },
      { addresses: { n1: 1 } },
      { addresses: [] },
    ]) {
      const text = JSON.stringify({ ...founding([n1]), ...wrong });
      expect(decodeConfiguration(new TextEncoder().encode(text))).toBeNull();
    }
    expect(decodeConfiguration(Uint8Array.of(0xff))).toBeNull();
  });
});
