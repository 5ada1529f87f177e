import type { Removal } from '../removal.ts';

export const STORAGE: readonly Removal[] = [
  {
    feature: 'nothing acknowledged is lost by crashes',
    without: 'a write is reported as durable when it starts',
    edits: [
      {
        file: 'node/storage/open-segment.ts',
        find: '    await this.#o.file.write(record, this.end);',
        replace:
          '    setTimeout(() => void this.#o.file.write(record, end - lengthOf(record)).catch(() => {}), 400);',
      },
    ],
  },
  {
    feature: 'nothing acknowledged is lost by crashes',
    without: 'the vote is not stored',
    edits: [
      {
        file: 'node/storage/segment.ts',
        find: '      out.nullableString(hardState.votedFor);',
        replace: '      out.nullableString(null);',
      },
    ],
  },
  {
    feature: 'the log is in segments',
    without: 'the log is one file',
    edits: [
      {
        file: 'node/storage/wal.ts',
        find: '    if (segment.end < this.#segmentBytes && !this.#rollDue) return segment;',
        replace: '    if (segment.end < Infinity * this.#segmentBytes && !this.#rollDue) return segment;',
      },
    ],
  },
  {
    feature: 'every record and snapshot has a checksum',
    without: 'the checksum of a record is not compared',
    edits: [
      {
        file: 'node/storage/segment.ts',
        find: "  if (recordCrc(record, salt) !== file.readUInt32BE(at + 12)) return 'the CRC-32 of a record is wrong';",
        replace: '',
      },
    ],
  },
  {
    feature: 'a torn tail is repaired',
    without: 'a torn tail is refused like other damage',
    edits: [
      {
        file: 'node/storage/recovery.ts',
        find: '  if (parsed.damage !== null && (!last || parsed.goodRecordAfter)) {',
        replace: '  if (parsed.damage !== null) {',
      },
    ],
  },
  {
    feature: 'other damage is refused, with its position',
    without: 'the log is cut at the damage',
    edits: [
      {
        file: 'node/storage/recovery.ts',
        find: '  if (parsed.damage !== null && (!last || parsed.goodRecordAfter)) {',
        replace: '  if (parsed.damage !== null && !last && !parsed.goodRecordAfter) {',
      },
    ],
  },
  {
    feature: 'a full or failing disk: the node stops, and acknowledges nothing that is not durable',
    without: 'a failed write is treated as done',
    edits: [
      {
        file: 'node/replica/log-writer.ts',
        find: '      (error: unknown) => {\n        this.#waiting = [];\n        this.#onFailure(error);\n      },',
        replace:
          '      () => {\n        this.#writing = null;\n        this.#onDurable(steps);\n        this.#next();\n      },',
      },
    ],
  },
  {
    feature: 'a leader whose disk hangs steps down',
    without: 'the leader waits for a write that never ends',
    edits: [
      {
        file: 'node/raft/disk.ts',
        find: '  return diskBusySinceMs !== null && nowMs - diskBusySinceMs >= config.electionTimeoutMaxMs;',
        replace:
          '  return diskBusySinceMs !== null && nowMs - diskBusySinceMs >= Infinity * config.electionTimeoutMaxMs;',
      },
    ],
  },
  {
    feature: 'every record and snapshot has a checksum',
    without: 'the checksum of a snapshot is not compared',
    edits: [
      {
        file: 'node/storage/snapshot-format.ts',
        find: "    if (crc !== rest.readUInt32BE(4)) this.#damaged('the CRC-32 of a block is wrong');\n",
        replace: '',
      },
    ],
  },
  {
    feature: 'a data folder belongs to one node at a time',
    without: 'a second node may use the folder',
    edits: [
      {
        file: 'node/storage/files.ts',
        find: '    const lock = await FolderLock.take(folder);\n    return () => lock.release();',
        replace: '    void FolderLock;\n    void folder;\n    return () => Promise.resolve();',
      },
    ],
  },
];
