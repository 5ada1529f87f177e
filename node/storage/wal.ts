import { join } from 'node:path';
import { ByteWriter } from '../kv/bytes.ts';
import type { HardState, LogIndex, Term } from '../raft/types.ts';
import { StorageError } from '../replica/ports.ts';
import type { Identity, LogWrite, Recovered, Snapshots, Storage, StorageOptions } from '../replica/ports.ts';
import { NODE_FILES } from './files.ts';
import type { Files } from './files.ts';
import { encodeIdentity } from './identity.ts';
import type { OpenSegment } from './open-segment.ts';
import { damaged, IDENTITY_NAME, readIdentity, recoverLog, segmentNumbers } from './recovery.ts';
import type { SegmentExtent } from './recovery.ts';
import { encodeRecord, parseSegment } from './segment.ts';
import { segmentPath, SegmentSupply } from './segment-supply.ts';
import { SnapshotFiles } from './snapshot-files.ts';

/** Size of a segment in bytes after which a new one begins. */
const SEGMENT_BYTES = 64 << 20;
/** Number of bytes after the records that are filled with zeros in the background. */
const AHEAD_BYTES = 8 << 20;
/** Used fraction of a segment at which the next one is made. */
const PREPARE_AT = 0.75;

export interface WalOptions extends StorageOptions {
  readonly segmentBytes?: number;
  readonly aheadBytes?: number;
  readonly files?: Files;
}

/**
 * Term, vote and log in a folder of segments (`segment.ts` defines their bytes), and the snapshots in the same folder.
 * One `write` is one record and one system call (the file is open with O_DSYNC, so the write returns when the data is
 * on the disk). A crash can only damage the last record of the last segment, which was not acknowledged. All other
 * damage is refused, with file and offset.
 */
export class Wal implements Storage {
  readonly #folder: string;
  readonly #fresh: Identity;
  readonly #files: Files;
  readonly #segmentBytes: number;
  readonly #supply: SegmentSupply;
  readonly #snapshots: SnapshotFiles;
  readonly #out = new ByteWriter(1 << 20);
  #unlock: (() => Promise<void>) | null = null;
  #segment: OpenSegment | null = null;
  /** Earlier segments, oldest first. The previous one is added only when the present one has a record. */
  readonly #older: SegmentExtent[] = [];
  #retired: SegmentExtent | null = null;
  /** True if the next write must begin a new segment, although the present one has room. */
  #rollDue = false;
  /** Index up to which a snapshot replaces the log. */
  #compactedTo = 0;
  #hardState: HardState = { term: 0 as Term, votedFor: null };
  /** Last index of the stored log. */
  #lastIndex = 0;
  /** Step with which the next record must begin; null: none. */
  #opening: LogWrite | null = null;
  /**
   * The reason why no write is accepted any more; null: writes are accepted. After a failed sync the content of the
   * disk is unknown, so there are no more writes.
   */
  #failed: StorageError | null = null;

  constructor(options: WalOptions) {
    const { folder, files = NODE_FILES, segmentBytes = SEGMENT_BYTES, aheadBytes = AHEAD_BYTES } = options;
    this.#folder = folder;
    this.#fresh = options.identity;
    this.#files = files;
    this.#segmentBytes = segmentBytes;
    this.#supply = new SegmentSupply({ files, folder, segmentBytes, aheadBytes });
    this.#snapshots = new SnapshotFiles({ files, folder, failed: (error) => this.#fail(error) });
  }

  get snapshots(): Snapshots {
    return this.#snapshots;
  }

  async recover(): Promise<Recovered> {
    try {
      await this.#files.makeFolder(this.#folder);
      this.#unlock = await this.#files.lock(this.#folder);
      return await this.#recover();
    } catch (error) {
      await this.close();
      throw this.#asStorageError('cannot be opened', error);
    }
  }

  async write(batch: readonly LogWrite[]): Promise<void> {
    if (this.#failed) throw this.#failed;
    try {
      const segment = await this.#roomySegment();
      const steps = this.#opening === null ? batch : [this.#opening, ...batch];
      const place = { salt: segment.header.salt, number: segment.records, follows: this.#lastIndex };
      await segment.append(encodeRecord(this.#out, place, steps));
      this.#opening = null;
      this.#note(segment, steps);
      if (segment.end >= PREPARE_AT * this.#segmentBytes) this.#supply.prepare(segment.header.number + 1);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  roll(): void {
    const segment = this.#segment;
    if (this.#failed || segment === null || segment.records === 0) return;
    this.#rollDue = true;
    // While one segment ends and the next begins, the next one is being taken already.
    if (this.#retired === null) this.#supply.prepare(segment.header.number + 1);
  }

  compact(index: LogIndex): void {
    this.#compactedTo = Math.max(this.#compactedTo, index);
    this.#letGo();
  }

  /** Removes the segments that a snapshot replaces. */
  #letGo(): void {
    // Until this segment has a record, the hard state is in the segment before it.
    if (this.#failed || this.#segment === null || this.#segment.records === 0) return;
    while (this.#older.length > 0 && this.#older[0]!.lastIndex <= this.#compactedTo) {
      const { number } = this.#older.shift()!;
      this.#supply.retire(number).catch((error: unknown) => this.#fail(error));
    }
  }

  async close(): Promise<void> {
    this.#failed ??= new StorageError(`data folder ${this.#folder} is closed`);
    const [segment, unlock] = [this.#segment, this.#unlock];
    this.#segment = null;
    this.#unlock = null;
    await this.#supply.close();
    await segment?.close();
    await unlock?.();
  }

  async #recover(): Promise<Recovered> {
    const names = await this.#withoutTemporary(await this.#files.list(this.#folder));
    const identity = await readIdentity(this.#files, this.#folder, names);
    if (identity === null) return this.#begin(names);
    const snapshot = await this.#snapshots.find(names);
    const found = await recoverLog(this.#files, this.#folder, names, { identity, snapshot });
    for (const stray of found.strays) await this.#files.remove(segmentPath(this.#folder, stray));
    const { current, recovered } = found;
    this.#hardState = recovered.hardState;
    this.#lastIndex = found.storedLast;
    this.#older.push(...found.older);
    if (current === null) {
      this.#segment = await this.#supply.take(found.number);
    } else {
      const { header, records, end, strayBytes } = current;
      this.#segment = await this.#supply.reopen(header, records, end, strayBytes > 0);
      this.#segment.lastIndex = found.lastIndexInCurrent;
    }
    if (found.replaced || this.#segment.records === 0)
      this.#opening = this.#stateStep(found.replaced ? snapshot : null);
    return recovered;
  }

  /** Makes the folder. The identity is written last: without it nothing was promised, and a new start begins again. */
  async #begin(names: readonly string[]): Promise<Recovered> {
    for (const number of segmentNumbers(names)) {
      const path = segmentPath(this.#folder, number);
      const bytes = await this.#files.readAll(path);
      const used = number > 1 || (bytes.length > 0 && parseSegment(bytes).records > 0);
      if (used)
        damaged(this.#folder, join(this.#folder, IDENTITY_NAME), 0, 'it is missing, but there is a log');
    }
    this.#segment = await this.#supply.take(1);
    const path = join(this.#folder, IDENTITY_NAME);
    const file = await this.#files.open(`${path}.tmp`, { fresh: true, durable: true });
    await file.write([encodeIdentity(this.#fresh)], 0);
    await file.close();
    await this.#files.rename(`${path}.tmp`, path);
    await this.#files.syncFolder(this.#folder);
    return {
      identity: this.#fresh,
      hardState: this.#hardState,
      snapshot: null,
      entries: [],
      tornBytes: 0,
    };
  }

  async #withoutTemporary(names: readonly string[]): Promise<string[]> {
    const kept: string[] = [];
    for (const name of names) {
      if (name.endsWith('.tmp')) await this.#files.remove(join(this.#folder, name));
      else kept.push(name);
    }
    return kept;
  }

  async #roomySegment(): Promise<OpenSegment> {
    const segment = this.#segment;
    if (segment === null) throw new StorageError(`data folder ${this.#folder} is not open`);
    if (segment.end < this.#segmentBytes && !this.#rollDue) return segment;
    this.#rollDue = false;
    const { number } = segment.header;
    this.#retired = { number, lastIndex: segment.lastIndex };
    await segment.close();
    this.#segment = await this.#supply.take(number + 1);
    this.#opening = this.#stateStep(this.#opening?.snapshot ?? null);
    return this.#segment;
  }

  #stateStep(snapshot: LogWrite['snapshot']): LogWrite {
    return { hardState: this.#hardState, snapshot, entries: [] };
  }

  /** Updates the state after the steps have become durable. */
  #note(segment: OpenSegment, steps: readonly LogWrite[]): void {
    if (this.#retired !== null) this.#older.push(this.#retired);
    this.#retired = null;
    for (const { hardState, snapshot, entries } of steps) {
      if (hardState !== null) this.#hardState = hardState;
      if (snapshot !== null) {
        this.#lastIndex = snapshot.index;
        // The later entries were removed from the log.
        for (const extent of [...this.#older, segment])
          extent.lastIndex = Math.min(extent.lastIndex, snapshot.index);
      }
      const last = entries.at(-1);
      if (last === undefined) continue;
      this.#lastIndex = last.index;
      segment.lastIndex = Math.max(segment.lastIndex, last.index);
    }
    // A snapshot may have been written before the first record after the entries that it covers.
    this.#letGo();
  }

  #fail(error: unknown): StorageError {
    this.#failed ??= this.#asStorageError('cannot be written', error);
    return this.#failed;
  }

  #asStorageError(what: string, error: unknown): StorageError {
    if (error instanceof StorageError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    return new StorageError(`data folder ${this.#folder} ${what}: ${reason}`);
  }
}
