import type { Removal } from '../removal.ts';

export const CLIENTS: readonly Removal[] = [
  {
    feature: 'linearizable reads by ReadIndex',
    without: 'a leader answers reads without asking a majority',
    edits: [
      {
        file: 'node/raft/raft.ts',
        find: '    state.role.reads.add(requestId);',
        replace: '    state.outbox.reads.push({ requestId, index: state.commitIndex });',
      },
    ],
  },
  {
    feature: 'lease reads, off by default',
    without: 'a leader never holds a lease',
    edits: [
      {
        file: 'node/raft/lease.ts',
        find: '    return !this.#ended && nowMs < this.#untilMs;',
        replace: '    return !this.#ended && nowMs < Math.min(0, this.#untilMs);',
      },
    ],
  },
  {
    feature: 'lease reads, off by default',
    without: 'followers vote during the promise that a lease relies on',
    edits: [
      {
        file: 'node/raft/lease-reads.ts',
        find: '  return config.leaseReads !== undefined && nowMs - heardLeaderMs < config.electionTimeoutMinMs;',
        replace:
          '  return config.leaseReads !== undefined && nowMs - heardLeaderMs < 0 * config.electionTimeoutMinMs;',
      },
    ],
  },
  {
    feature: 'lease reads, off by default',
    without: 'lease reads are on by default',
    edits: [
      {
        file: 'node/server/tuning.ts',
        find: "given['lease-reads'] ?? 'off'",
        replace: "given['lease-reads'] ?? 'on'",
      },
    ],
  },
  {
    feature: 'sessions: a retry is applied once',
    without: 'a session forgets the answers it has given',
    edits: [
      {
        file: 'node/kv/sessions.ts',
        find: '    if (seq > last.seq) return NEW;',
        replace: '    if (seq >= last.seq) return NEW;',
      },
    ],
  },
  {
    feature: 'sessions expire at the same log index on all nodes',
    without: 'an idle session stays open',
    edits: [
      {
        file: 'node/kv/sessions.ts',
        find: '    while (this.#oldest !== null && this.#clockMs - this.#oldest.usedMs > idleMs) this.#drop(this.#oldest);',
        replace: '    void idleMs;',
      },
    ],
  },
  {
    feature: 'sessions expire at the same log index on all nodes',
    without: 'each node ends sessions by its own clock',
    edits: [
      {
        file: 'node/kv/sessions.ts',
        find: '    this.#clockMs = Math.max(this.#clockMs, clockMs);',
        replace: '    this.#clockMs = Math.max(this.#clockMs, clockMs, Math.floor(performance.now()));',
      },
    ],
  },
  {
    feature: 'lease reads, off by default',
    without: 'a lease never runs out',
    edits: [
      {
        file: 'node/raft/lease.ts',
        find: '    return !this.#ended && nowMs < this.#untilMs;',
        replace: '    return !this.#ended && -nowMs < this.#untilMs;',
      },
    ],
  },
  {
    feature: 'linearizable reads by ReadIndex',
    without: 'a new leader reads before it knows what is committed',
    edits: [
      {
        file: 'node/raft/leading.ts',
        find: '  if (leader.reads.waiting === 0 || state.commitIndex < leader.firstIndex) return false;',
        replace: '  if (leader.reads.waiting === 0) return false;',
      },
      {
        file: 'node/raft/leading.ts',
        find: '  if (state.commitIndex >= leader.firstIndex) leader.reads.begin(',
        replace: '  leader.reads.begin(',
      },
    ],
  },
];
