import type { Entry } from '../raft/types.ts';
import { StorageError } from '../replica/ports.ts';
import type { LogWrite, Recovered, Storage } from '../replica/ports.ts';
import { replay } from './replay.ts';

/** What a `MemoryStorage` keeps from one life of its node to the next: a disk of its own. */
export interface MemoryDisk {
  steps: LogWrite[];
  inUse: boolean;
}

export const memoryDisk = (): MemoryDisk => ({ steps: [], inUse: false });

/** The write-ahead log's twin in memory, under the same contract; for simulation and tests. */
export class MemoryStorage implements Storage {
  readonly #disk: MemoryDisk;
  #open = false;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  recover(): Promise<Recovered> {
    if (this.#disk.inUse) return Promise.reject(new StorageError('data folder (in memory) is in use'));
    this.#disk.inUse = true;
    this.#open = true;
    const log = { hardState: { term: 0, votedFor: null } as Recovered['hardState'], entries: [] as Entry[] };
    const problem = replay(log, this.#disk.steps);
    return problem === null
      ? Promise.resolve({ ...log, tornBytes: 0 })
      : Promise.reject(new StorageError(problem));
  }

  write(batch: readonly LogWrite[]): Promise<void> {
    if (!this.#open) return Promise.reject(new StorageError('data folder (in memory) is closed'));
    for (const { hardState, entries } of batch) this.#disk.steps.push({ hardState, entries: [...entries] });
    return Promise.resolve();
  }

  close(): Promise<void> {
    if (this.#open) this.#disk.inUse = false;
    this.#open = false;
    return Promise.resolve();
  }
}
