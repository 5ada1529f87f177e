import type { NodeId } from '../../../node/raft/types.ts';
import type { Storage } from '../../../node/replica/ports.ts';
import { memoryDisk, MemoryStorage } from '../../../node/storage/memory.ts';
import type { Random } from '../../random.ts';

/** A node's data folder: crashes do not affect it, but it can be lost. */
export class SimFolder {
  readonly #id: NodeId;
  /** Founders of the cluster if this node is one of them, else an empty list. */
  readonly #founders: readonly NodeId[];
  readonly #random: Random;
  #disk = memoryDisk();
  #incarnation: number;

  constructor(id: NodeId, founders: readonly NodeId[], random: Random) {
    this.#id = id;
    this.#random = random;
    this.#founders = founders.includes(id) ? founders : [];
    this.#incarnation = this.#founders.length > 0 ? 0 : this.#draw();
  }

  /** A new storage over the same bytes: one per life of the node. */
  storage(): Storage {
    return new MemoryStorage(this.#disk, {
      node: this.#id,
      cluster: 'sim',
      founders: this.#founders,
      incarnation: this.#incarnation,
    });
  }

  /** The next start finds an empty folder although the node is not new: it is another incarnation. */
  lose(): void {
    this.#disk = memoryDisk();
    this.#incarnation = this.#draw();
  }

  #draw(): number {
    return this.#random.int(1, 2 ** 31 - 1);
  }
}
