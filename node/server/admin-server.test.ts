import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { founding } from '../raft/configuration.ts';
import type { CoreStatus, FollowerStatus } from '../raft/ready.ts';
import { logIndex, nodeId, term } from '../raft/types.ts';
import { AdminServer, health } from './admin-server.ts';
import { Exposition } from './exposition.ts';
import { Metrics } from './metrics.ts';
import type { Vitals } from './metrics.ts';

const [n1, n2] = [nodeId('n1'), nodeId('n2')];
const leading: CoreStatus = {
  id: n1,
  role: 'leader',
  term: term(7),
  votedFor: n1,
  leader: n1,
  diskHangs: false,
  transferTo: null,
  commitIndex: logIndex(40),
  lastIndex: logIndex(42),
  lastTerm: term(7),
  durableIndex: logIndex(41),
  baseIndex: logIndex(10),
  configuration: { ...founding([n1, n2]), learners: [nodeId('n3')] },
  configurationIndex: logIndex(1),
};
const behind: FollowerStatus = {
  id: n2,
  mode: 'replicate',
  matchIndex: logIndex(39),
  nextIndex: logIndex(43),
  inflight: 2,
  inflightBytes: 700,
  pendingSnapshot: logIndex(0),
  lastContactMs: 1_000,
};

class Subject implements Vitals {
  now = leading;
  peers: readonly FollowerStatus[] = [behind];
  readonly asked = { proposals: 5, reads: 3 };
  readonly counts = (): typeof this.asked => this.asked;
  readonly status = (): CoreStatus => this.now;
  readonly followers = (): readonly FollowerStatus[] => this.peers;
  readonly nowMs = (): number => 1_250;
  readonly appliedIndex = (): number => 38;
  readonly waiting = (): number => 4;
  readonly clientConnections = (): number => 2;
  readonly sessions = (): number => 6;
}

let subject: Subject;
let metrics: Metrics;
let server: AdminServer;
beforeEach(async () => {
  subject = new Subject();
  metrics = new Metrics('n1', subject);
  server = await AdminServer.listen({
    listen: { host: '127.0.0.1', port: 0 },
    metrics,
    health: () => health(subject.now),
  });
});
afterEach(() => server.close());

const get = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, init);

/** The samples of one metric: value by labels, without the label of the node. */
async function samples(name: string): Promise<Record<string, number>> {
  const text = await (await get('/metrics')).text();
  const lines = [...text.matchAll(new RegExp(`^chaos_node_${name}\\{(.*)\\} (.*)$`, 'gm'))];
  return Object.fromEntries(
    lines.map(([, labels, value]) => [labels!.replace(/node="n1",?/, ''), Number(value)] as const),
  );
}

describe('/metrics', () => {
  test('shows the core as it is at that moment', async () => {
    expect(await samples('term')).toEqual({ '': 7 });
    expect(await samples('log_entries')).toEqual({ '': 32 });
    expect(await samples('applied_index')).toEqual({ '': 38 });
    expect(await samples('members')).toEqual({ 'kind="voter"': 2, 'kind="learner"': 1 });
    subject.now = { ...leading, term: term(8), role: 'follower', leader: null };
    expect(await samples('term')).toEqual({ '': 8 });
    expect(await samples('role')).toMatchObject({ 'role="follower"': 1, 'role="leader"': 0 });
    expect(await samples('has_leader')).toEqual({ '': 0 });
  });

  test('shows the progress of each follower, but only while the node leads', async () => {
    expect(await samples('peer_match_index')).toEqual({ 'peer="n2"': 39 });
    expect(await samples('peer_lag_entries')).toEqual({ 'peer="n2"': 3 });
    expect(await samples('peer_inflight_messages')).toEqual({ 'peer="n2"': 2 });
    expect(await samples('peer_inflight_bytes')).toEqual({ 'peer="n2"': 700 });
    expect(await samples('peer_last_contact_seconds')).toEqual({ 'peer="n2"': 0.25 });
    expect(await samples('peer_mode')).toMatchObject({ 'peer="n2",mode="replicate"': 1 });
    subject.peers = [];
    expect(await samples('peer_match_index')).toEqual({});
    expect(await samples('peer_mode')).toEqual({});
  });

  test('counts requests, writes to the disk and role changes', async () => {
    metrics.wrote(0.07);
    metrics.wrote(30);
    metrics.events([
      { type: 'BecomeLeader', term: term(7), leader: n1, reason: '' },
      { type: 'Commit', index: logIndex(1), term: term(7) },
    ]);
    subject.asked.proposals = 9;
    expect(await samples('proposals_total')).toEqual({ '': 9 });
    expect(await samples('reads_total')).toEqual({ '': 3 });
    expect(await samples('sessions')).toEqual({ '': 6 });
    expect(await samples('role_changes_total')).toEqual({ 'role="leader"': 1 });
    expect(await samples('disk_write_seconds_count')).toEqual({ '': 2 });
    expect(await samples('disk_write_seconds_bucket')).toMatchObject({
      'le="0.00005"': 0,
      'le="0.0001"': 1,
      'le="0.025"': 1,
      'le="0.05"': 2,
    });
  });

  test('has the text format of Prometheus, with metrics of the node and of the process', async () => {
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    expect(text).toMatch(/^# HELP chaos_node_term The current term\.\n# TYPE chaos_node_term gauge\n/m);
    expect(text).toMatch(/^process_cpu_seconds_total\{node="n1"\} /m);
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds\{node="n1",quantile="0.99"\} /m);
  });
});

describe('/healthz', () => {
  test('is 200 while a leader is known and the disk works, else 503 with the reason', async () => {
    const healthy = await get('/healthz');
    expect([healthy.status, await healthy.json()]).toEqual([
      200,
      { ok: true, problem: null, role: 'leader', term: 7, leader: 'n1' },
    ]);
    for (const [change, problem] of [
      [{ leader: null }, 'no leader is known'],
      [{ diskHangs: true }, 'a disk write has not ended for an election timeout'],
    ] as const) {
      subject.now = { ...leading, ...change };
      const response = await get('/healthz');
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ ok: false, problem });
    }
  });
});

test('other paths and methods are refused', async () => {
  expect((await get('/')).status).toBe(404);
  expect((await get('/metrics', { method: 'POST' })).status).toBe(405);
});

test('labels and help texts may have any characters', () => {
  const exposition = new Exposition({ node: 'n"1\\' });
  exposition.gauge('g', 'two\nlines \\', () => [[{ what: 'a\nb' }, Infinity]]);
  expect(exposition.text()).toBe(
    '# HELP g two\\nlines \\\\\n# TYPE g gauge\ng{node="n\\"1\\\\",what="a\\nb"} +Inf\n',
  );
});
