import { describe, expect, it } from 'vitest';
import { ReportReader, type ReportLine } from './report-lines.ts';

const NOW_MS = 10;
const read = (fields: object): ReportLine => {
  const reader = new ReportReader({ node: 'n1', nodes: new Set(['n1', 'n2']), nowMs: () => NOW_MS });
  const line = { n: 0, at: NOW_MS * 1_000, node: 'n1', ...fields };
  const lines = reader.push(Buffer.from(`${JSON.stringify(line)}\n`));
  expect(lines).toHaveLength(1);
  return lines[0]!;
};

const point = { index: 3, term: 2, digest: 0xffff_ffff, state: 1 };
const entries = { first: 4, terms: [2, 2], digests: [7, 8] };
const RIGHT = {
  ready: {
    pid: 1,
    clientPort: 8_001,
    peerPort: 7_001,
    adminPort: null,
    recovered: { term: 0, votedFor: null, lastIndex: 0, snapshotIndex: 0, tornBytes: 0 },
  },
  status: {
    role: 'leader', term: 1, votedFor: 'n1', leader: 'n2', commit: 1, applied: 1, lastIndex: 1, lastTerm: 1,
    durable: 1, appliedDigest: 0xffff_ffff, rssBytes: 1,
  },
  log: { level: 'warn', message: 'text' },
  BecomeFollower: { term: 1, leader: null, reason: '' },
  BecomePreCandidate: { term: 1, leader: null, reason: '' },
  BecomeCandidate: { term: 1, leader: null, reason: '' },
  BecomeLeader: { term: 1, leader: 'n1', reason: '' },
  GrantVote: { term: 1, candidate: 'n2' },
  Replicate: { ...entries, truncated: false },
  Commit: { index: 1, term: 1 },
  Apply: { index: 1, digest: 0 },
  TakeSnapshot: point,
  InstallSnapshot: point,
  ChangeConf: { index: 0, voters: ['n1', 'n2'], outgoing: [], learners: ['n4'] },
  ApplyConfChange: { index: 0, voters: ['n1', 'n2'], outgoing: [], learners: ['n4'] },
  Recover: { term: 2, votedFor: 'n2', snapshot: point, ...entries },
} as const; // prettier-ignore

const STEPS = Object.keys(RIGHT).filter((type) => !['ready', 'status', 'log'].includes(type));

describe('the fields of a report line', () => {
  it.each(Object.entries(RIGHT))('of type %s are read if they are right', (type, fields) => {
    expect(read({ type, ...fields }).type).not.toBe('problem');
  });

  it.each(Object.entries(RIGHT))('of type %s must all be there', (type, fields) => {
    for (const field of Object.keys(fields)) {
      const found = read({ type, ...fields, [field]: undefined });
      expect(found).toMatchObject({ type: 'problem', traceHole: STEPS.includes(type) });
      expect((found as { message: string }).message).toMatch(
        new RegExp(
          `^report line 1 has a wrong field: "${field}" must be .+, but is absent; the line: \\{"n":0,`,
        ),
      );
    }
  });

  const wrong: readonly (readonly [type: keyof typeof RIGHT, fields: object, says: string])[] = [
    [
      'status',
      { role: 'emperor' },
      '"role" must be one of follower, pre-candidate, candidate, leader, but is "emperor"',
    ],
    ['status', { term: 'NaN' }, '"term" must be an integer from 0 to 4294967295, but is "NaN"'],
    ['status', { term: -1 }, '"term" must be an integer from 0 to 4294967295, but is -1'],
    ['status', { term: 2 ** 32 }, '"term" must be an integer from 0 to 4294967295, but is 4294967296'],
    ['status', { leader: 5 }, '"leader" must be null or the id of a node of this cluster, but is 5'],
    [
      'status',
      { votedFor: 'n9' },
      '"votedFor" must be null or the id of a node of this cluster, but is "n9"',
    ],
    ['ready', { recovered: null }, '"recovered" must be an object, but is null'],
    ['ready', { recovered: { ...RIGHT.ready.recovered, term: 0.5 } }, '"recovered.term" must be an integer'],
    ['log', { level: 'fatal' }, '"level" must be one of debug, info, warn, error, but is "fatal"'],
    ['GrantVote', { candidate: '__proto__' }, '"candidate" must be the id of a node of this cluster'],
    ['Replicate', { terms: 1 }, '"terms" must be a list, but is 1'],
    ['Replicate', { terms: [1, 'x'] }, '"terms[1]" must be an integer from 0 to 4294967295, but is "x"'],
    ['Replicate', { digests: [1] }, '"digests" must be a list of 2, as many as "terms", but is a list of 1'],
    ['Replicate', { first: 0 }, '"first" must be an integer from 1 to 9007199254740991, but is 0'],
    [
      'Replicate',
      { first: Number.MAX_SAFE_INTEGER },
      '"first" must be such that every index is an exact integer',
    ],
    ['Replicate', { truncated: 'no' }, '"truncated" must be true or false, but is "no"'],
    ['Commit', { index: 1.5 }, '"index" must be an integer from 0 to 9007199254740991, but is 1.5'],
    ['Apply', { digest: -1 }, '"digest" must be an integer from 0 to 4294967295, but is -1'],
    ['ChangeConf', { voters: ['n1', {}] }, '"voters[1]" must be a node id, but is {}'],
    [
      'Recover',
      { snapshot: { ...point, state: null } },
      '"snapshot.state" must be an integer from 0 to 4294967295',
    ],
    ['Recover', { snapshot: 4 }, '"snapshot" must be null or an object, but is 4'],
    ['Recover', { snapshot: null }, '"first" must be 1, the index after the snapshot, but is 4'],
  ];
  it.each(wrong)('of type %s with %j are told as the mistake of the node', (type, fields, says) => {
    const found = read({ type, ...RIGHT[type], ...fields });
    expect(found).toMatchObject({ type: 'problem', traceHole: STEPS.includes(type) });
    expect((found as { message: string }).message).toContain(says);
  });

  const envelopes: readonly (readonly [fields: object, says: string])[] = [
    [{ node: 'n2' }, '"node" must be "n1", whose process wrote it, but is "n2"'],
    [{ at: 1e308 }, '"at" must be an integer, in microseconds, but is 1e+308'],
    [{ at: -1 }, '"at" must be at least 5000, the time of the line before or of the start, but is -1'],
    [{ at: 60_000_000 }, '"at" must be at most 15000, the time of its reader, but is 60000000'],
  ];
  it.each(envelopes)('with %j are wrong, whatever the type of the line', (fields, says) => {
    for (const [type, right] of Object.entries(RIGHT)) {
      const found = read({ type, ...right, ...fields });
      expect((found as { message: string }).message).toContain(says);
    }
  });

  it.each(['nope', '__proto__', 'constructor', 'toString', 7, null])(
    'of the unknown type %j may be a step',
    (type) => {
      const found = read({ type });
      expect(found).toMatchObject({ type: 'problem', traceHole: true });
      expect((found as { message: string }).message).toContain('"type" must be a type of report line');
    },
  );

  it('may name a member that a configuration has added', () => {
    const reader = new ReportReader({ node: 'n1', nodes: new Set(['n1', 'n2']), nowMs: () => NOW_MS });
    const lines = [
      { type: 'GrantVote', term: 1, candidate: 'n4' },
      { type: 'ChangeConf', ...RIGHT.ChangeConf },
      { type: 'GrantVote', term: 2, candidate: 'n4' },
    ].map((fields, n) => JSON.stringify({ n, at: NOW_MS * 1_000, node: 'n1', ...fields }));
    const read = reader.push(Buffer.from(`${lines.join('\n')}\n`));
    expect(read.map(({ type }) => type)).toEqual(['problem', 'trace', 'trace']);
  });
});
