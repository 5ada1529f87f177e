import type { Removal } from '../removal.ts';

export const REPLICATION: readonly Removal[] = [
  {
    feature: 'replication: the logs of followers become equal to the leader’s',
    without: 'entries that conflict with the leader’s log stay',
    edits: [
      {
        file: 'node/raft/replication.ts',
        find: '  while (at < entries.length && log.matches(entries[at]!.index, entries[at]!.term)) at++;',
        replace: '  while (at < entries.length && log.termAt(entries[at]!.index) !== undefined) at++;',
      },
    ],
  },
  {
    feature: 'a conflict of logs is skipped one term per message',
    without: 'the leader goes back one entry at a time',
    edits: [
      {
        file: 'node/raft/leading.ts',
        find: '  if (m.conflictTerm === (0 as Term)) return m.conflictIndex;',
        replace: '  return m.matchIndex;',
      },
    ],
  },
  {
    feature: 'the commit rule of §5.4.2',
    without: 'entries of older terms are committed by counting replicas',
    edits: [
      {
        file: 'node/raft/leading.ts',
        find: '  if (index <= state.commitIndex || log.termAt(index) !== state.currentTerm) return;',
        replace: '  if (index <= state.commitIndex) return;',
      },
    ],
  },
  {
    feature: 'probe, then pipelining',
    without: 'one message is sent at a time, as while probing',
    edits: [
      {
        file: 'node/raft/sending.ts',
        find: '  return inflight < maxInflightMessages && inflightBytes',
        replace: '  return inflight < 1 && inflightBytes',
      },
    ],
  },
  {
    feature: 'probe, then pipelining',
    without: 'entries are streamed without asking where the logs agree',
    edits: [
      {
        file: 'node/raft/progress.ts',
        find: "  mode: 'probe' | 'replicate' | 'snapshot' = 'probe';",
        replace: "  mode: 'probe' | 'replicate' | 'snapshot' = 'replicate';",
      },
    ],
  },
  {
    feature: 'flow control by messages and bytes',
    without: 'any number of messages may be in flight',
    edits: [
      {
        file: 'node/raft/sending.ts',
        find: '  return inflight < maxInflightMessages && inflightBytes',
        replace: '  return inflight >= 0 && inflightBytes',
      },
    ],
  },
  {
    feature: 'flow control by messages and bytes',
    without: 'any number of bytes may be in flight',
    edits: [
      {
        file: 'node/raft/sending.ts',
        find: ' && inflightBytes < maxInflightMessages * maxMessageBytes;',
        replace: ' && inflightBytes < Infinity * maxMessageBytes;',
      },
    ],
  },
  {
    feature: 'batching: commands share messages and disk writes',
    without: 'a message holds one entry',
    edits: [
      {
        file: 'node/raft/sending.ts',
        find: '  const to = Math.max(from, log.lastWithin(from, config.maxMessageBytes));',
        replace: '  const to = Math.min(from, log.lastWithin(from, config.maxMessageBytes));',
      },
    ],
  },
  {
    feature: 'batching: commands share messages and disk writes',
    without: 'each command has its own turn and disk write',
    edits: [
      {
        file: 'node/replica/replica.ts',
        find: '    if (!this.#proposals.gather(data, requester, requestId)) requester.answer(requestId, BUSY);\n    this.wake();',
        replace:
          '    if (!this.#proposals.gather(data, requester, requestId)) requester.answer(requestId, BUSY);\n' +
          '    const { raft, now } = this.#o;\n' +
          '    this.#proposeGathered(now());\n' +
          '    if (raft.hasReady()) this.#carryOut(raft.takeReady(now()));\n' +
          '    this.wake();',
      },
      {
        file: 'node/replica/log-writer.ts',
        find: '    while (taken < this.#waiting.length && bytes < this.#maxBatchBytes) {',
        replace: '    while (taken < 1 && bytes < this.#maxBatchBytes) {',
      },
    ],
  },
  {
    feature: 'a slow or dead peer never makes memory grow',
    without: 'any number of bytes may wait for a peer',
    edits: [
      {
        file: 'node/transport/peer-link.ts',
        find: '    if (this.#socket.writableLength + this.#out.length > MAX_WAITING_BYTES[channel]) {',
        replace:
          '    if (this.#socket.writableLength + this.#out.length > Infinity * MAX_WAITING_BYTES[channel]) {',
      },
    ],
  },
  {
    feature: 'busy instead of unbounded queues',
    without: 'a leader accepts any number of proposals',
    edits: [
      {
        file: 'node/raft/raft.ts',
        find: '    if (role.uncommittedBytes > 0 && role.uncommittedBytes + cost > config.maxUncommittedBytes) {',
        replace:
          '    if (role.uncommittedBytes < 0 && role.uncommittedBytes + cost > config.maxUncommittedBytes) {',
      },
    ],
  },
  {
    feature: 'a write is acknowledged when it is durable on a majority',
    without: 'votes and acknowledgements are sent before the disk write is done',
    edits: [
      {
        file: 'node/replica/replica.ts',
        find: '    for (const message of ready.messages) this.#send(message);',
        replace:
          '    for (const message of ready.messages) this.#send(message);\n    for (const message of ready.messagesAfterPersist.splice(0)) this.#send(message);',
      },
    ],
  },
  {
    feature: 'replication: the logs of followers become equal to the leader’s',
    without: 'the term of the entry before is not compared',
    edits: [
      {
        file: 'node/raft/replication.ts',
        find: '  if (!log.matches(m.prevLogIndex, m.prevLogTerm)) {',
        replace: '  if (log.lastIndex < m.prevLogIndex) {',
      },
    ],
  },
  {
    feature: 'a write is acknowledged when it is durable on a majority',
    without: 'a leader counts itself before its own disk write is done',
    edits: [
      {
        file: 'node/raft/leading.ts',
        find: 'reached(state, leader, log.durableIndex, (progress) => progress.matchIndex)',
        replace: 'reached(state, leader, log.lastIndex, (progress) => progress.matchIndex)',
      },
    ],
  },
  {
    feature: 'a write is acknowledged when it is durable on a majority',
    without: 'the leader’s own disk is enough',
    edits: [
      {
        file: 'node/raft/leading.ts',
        find: 'reached(state, leader, log.durableIndex, (progress) => progress.matchIndex)',
        replace: 'log.durableIndex',
      },
    ],
  },
];
