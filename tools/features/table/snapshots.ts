import type { Removal } from '../removal.ts';

export const SNAPSHOTS: readonly Removal[] = [
  {
    feature: 'snapshots, and the removal of the log that they replace',
    without: 'no snapshot is taken',
    edits: [
      {
        file: 'node/replica/snapshotter.ts',
        find: '    if (this.#taking !== null || !this.#isDue()) return;',
        replace: '    if (this.#taking !== undefined || !this.#isDue()) return;',
      },
    ],
  },
  {
    feature: 'snapshots, and the removal of the log that they replace',
    without: 'the log in memory is never cut',
    edits: [
      {
        file: 'node/replica/snapshotter.ts',
        find: '    raft.compact({ index, term, configuration }, keptFrom);',
        replace: '    raft.compact({ index, term, configuration }, 0 as LogIndex);',
      },
    ],
  },
  {
    feature: 'snapshots, and the removal of the log that they replace',
    without: 'the segments on disk are never removed',
    edits: [
      {
        file: 'node/storage/wal.ts',
        find: '    while (this.#older.length > 0 && this.#older[0]!.lastIndex <= this.#compactedTo) {',
        replace: '    while (this.#older.length > 0 && this.#older[0]!.lastIndex < 0) {',
      },
    ],
  },
  {
    feature: 'a start does not read the log that a snapshot replaces',
    without: 'no new segment starts at the end of a snapshot',
    edits: [
      {
        file: 'node/replica/snapshotter.ts',
        find: '      storage.roll();',
        replace: '      void storage;',
      },
    ],
  },
  {
    feature: 'a start does not read the log that a snapshot replaces',
    without: 'a snapshot that is faster than the next log write removes no segments',
    edits: [
      {
        file: 'node/storage/wal.ts',
        find: '    // A snapshot may have been written before the first record after the entries that it covers.\n    this.#letGo();',
        replace: '',
      },
    ],
  },
  {
    feature: 'catch-up by InstallSnapshot',
    without: 'a follower that needs a snapshot gets none',
    edits: [
      {
        file: 'node/replica/snapshot-sender.ts',
        find: '    this.#open(install, this.#o.now());',
        replace: '    void install;',
      },
    ],
  },
  {
    feature: 'snapshots are sent in chunks, at most a window ahead of the answers',
    without: 'all chunks are sent at once',
    edits: [
      {
        file: 'node/replica/snapshot-sender.ts',
        find: 'const CHUNK_BYTES = 256 << 10;',
        replace: 'const CHUNK_BYTES = 1 << 30;',
      },
      {
        file: 'node/replica/snapshot-sender.ts',
        find: 'const WINDOW_BYTES = 1 << 20;',
        replace: 'const WINDOW_BYTES = 1 << 30;',
      },
    ],
  },
  {
    feature: 'snapshots resume after a broken connection',
    without: 'a snapshot that is offered again starts from its beginning',
    edits: [
      {
        file: 'node/replica/snapshot-receiver.ts',
        find: '    } else if (incoming?.offer.snapshot.index === snapshot.index && incoming.offer.checksum === checksum) {',
        replace:
          '    } else if (incoming?.offer.snapshot.index === -1 && incoming.offer.checksum === checksum) {',
      },
    ],
  },
  {
    feature: 'snapshots are atomic on the disk',
    without: 'a snapshot is used before it is durable',
    edits: [
      {
        file: 'node/storage/snapshot-files.ts',
        find: '    await file.sync();\n',
        replace: '',
      },
    ],
  },
  {
    feature: 'snapshots are atomic on the disk',
    without: 'a snapshot is written under its final name',
    edits: [
      {
        file: 'node/storage/snapshot-files.ts',
        find: '    const path = this.#temporaryPath();\n    try {\n      const file = await this.#o.files.open(path, { fresh: true, durable: false });',
        replace:
          '    const path = this.#path(header.index);\n    try {\n      const file = await this.#o.files.open(path, { fresh: true, durable: false });',
      },
    ],
  },
  {
    feature: 'snapshots hold the sessions',
    without: 'a snapshot holds the state without the sessions',
    edits: [
      {
        file: 'node/kv/store.ts',
        find: '    const sessions = this.#sessions.records();',
        replace: '    const sessions = this.#sessions.records().slice(0, 0);',
      },
    ],
  },
];
