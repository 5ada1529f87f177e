import { describe, expect, it } from 'vitest';
import {
  commitStall,
  crossedBytes,
  droppedBytes,
  roleChange,
  slowerOps,
  usedLinks,
  type Snapshot,
  type FaultSnapshots,
} from './fault-evidence.ts';

interface Sketch {
  readonly bytes?: Readonly<Record<string, readonly [received: number, sent: number]>>;
  readonly commits?: readonly number[];
  readonly changes?: readonly number[];
  readonly p50?: number | null;
  readonly okOps?: number;
}
const snapshot = ({
  bytes = {},
  commits = [0, 0, 0],
  changes = [0, 0, 0],
  p50 = null,
  okOps = 0,
}: Sketch): Snapshot => ({
  t: 0,
  traffic: new Map(
    Object.entries(bytes).map(([name, [receivedBytes, sentBytes]]) => {
      const [from, to] = name.split('->') as [string, string];
      return [name, { link: { from, to }, receivedBytes, sentBytes }];
    }),
  ),
  nodes: new Map(
    commits.map((commit, i) => [
      `n${i + 1}`,
      { life: 'up', pid: i, commit, changes: changes[i]!, reports: 0, starts: 1 },
    ]),
  ),
  leader: 'n1',
  p50,
  okOps,
});
const span = (before: Sketch, during: Sketch, after: Sketch = during): FaultSnapshots => ({
  before: snapshot(before),
  during: snapshot(during),
  after: snapshot(after),
});

describe('a cut is shown by bytes that entered a link and did not leave it', () => {
  const link = 'n1->n2';
  it('only bytes lost since the fault began count', () => {
    const early = { bytes: { [link]: [100, 90] } } as const;
    expect(droppedBytes(span(early, {}, { bytes: { [link]: [500, 490] } }), [link])).toBeNull();
    expect(droppedBytes(span(early, {}, { bytes: { [link]: [500, 200] } }), [link])).toBe(
      '290 bytes reached n1->n2 and were not delivered',
    );
  });
  it('another link does not count', () => {
    expect(droppedBytes(span({}, {}, { bytes: { 'n1->n3': [500, 0] } }), [link])).toBeNull();
  });
  it('without counters there is no evidence', () => expect(droppedBytes(span({}, {}), [link])).toBeNull());
});

describe('a cut-off node is shown by its role and its commit index', () => {
  it('a change of role counts only on the nodes that the fault is aimed at', () => {
    const seen = span({}, { changes: [0, 2, 0] });
    expect(roleChange(seen, ['n2'])).toBe('role, term or leader changed on n2');
    expect(roleChange(seen, ['n1', 'n3'])).toBeNull();
  });
  it('a commit index that stays while others advance is evidence; a whole cluster that makes no progress is not', () => {
    expect(commitStall(span({ commits: [5, 5, 5] }, { commits: [90, 90, 6] }), ['n3'])).toMatch(
      /^n3 committed 1 of 85 entries/,
    );
    expect(commitStall(span({ commits: [5, 5, 5] }, { commits: [8, 8, 5] }), ['n3'])).toBeNull();
    expect(commitStall(span({ commits: [5, 5, 5] }, { commits: [5, 5, 5] }), ['n3'])).toBeNull();
  });
});

describe('a slow link is shown by latency, or by its use', () => {
  it('the median must rise by at least a quarter of the added delay', () => {
    expect(slowerOps(span({ p50: 3 }, { p50: 4 }), 20)).toBeNull();
    expect(slowerOps(span({ p50: 3 }, { p50: 45 }), 20)).toBe('median latency went from 3.0 ms to 45.0 ms');
    expect(slowerOps(span({ p50: null }, { p50: 45 }), 20)).toBeNull();
  });
  it('bytes that crossed the link are evidence', () => {
    expect(
      crossedBytes(span({ bytes: { 'n1->n2': [5, 5] } }, {}, { bytes: { 'n1->n2': [9, 9] } }), ['n1->n2']),
    ).toMatch(/crossed n1->n2/);
    expect(crossedBytes(span({}, {}), ['n1->n2'])).toBeNull();
  });
  it('progress that needs the link is evidence: a follower that commits has received messages of its leader', () => {
    const seen = span({ okOps: 1 }, { commits: [9, 9, 0], okOps: 5 });
    expect(usedLinks(seen, ['n1->n2', 'n2->n1'])).toMatch(/crossed n1->n2, n2->n1/);
    expect(usedLinks(seen, ['n1->n3', 'n2->n3', 'clients->n2'])).toBeNull();
    expect(usedLinks(seen, ['clients->n1'])).toMatch(/clients->n1/);
  });
});
