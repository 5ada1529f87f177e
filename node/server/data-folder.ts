import { randomInt } from 'node:crypto';
import { StorageError } from '../replica/ports.ts';
import type { Identity, Recovered } from '../replica/ports.ts';
import type { NodeOptions } from './options.ts';

/** Incarnations are drawn from 1 up to this number, which is excluded. */
const INCARNATIONS = 2 ** 48;

/** Identity that an empty folder gets. */
export function freshIdentity({ id, peers, join, bootstrap, cluster }: NodeOptions): Identity {
  const founders = join ? [] : [id, ...peers.keys()].sort();
  return {
    node: id,
    cluster: cluster ?? founders.join(','),
    founders,
    // If the node is not new, an empty folder gets a new incarnation (see `Message.incarnation`).
    incarnation: bootstrap ? 0 : randomInt(1, INCARNATIONS),
  };
}

/** Throws `StorageError` if the folder does not fit the options. */
export function checkFolder(
  { id, cluster, bootstrap, dataFolder }: NodeOptions,
  { identity, hardState, snapshot, entries }: Recovered,
): void {
  if (identity.node !== id) {
    throw new StorageError(
      `data folder ${dataFolder} belongs to node ${identity.node}, not to ${id}; give each node a folder of its own`,
    );
  }
  if (cluster !== null && identity.cluster !== cluster) {
    throw new StorageError(
      `data folder ${dataFolder} belongs to cluster ${identity.cluster}, not to ${cluster} (--cluster)`,
    );
  }
  const used = identity.incarnation > 0 || hardState.term > 0 || snapshot !== null || entries.length > 0;
  if (bootstrap && used) {
    throw new StorageError(
      `data folder ${dataFolder} is not new (term ${hardState.term}), so this is not the first start: omit --bootstrap, now and always; with it, a node that has lost its folder could vote twice`,
    );
  }
}

/** Log line at the first start with an empty folder that is not the node's first. */
export const LOST_FOLDER =
  'the data folder is empty, but this is not the first start (no --bootstrap): the promises of this node are lost, so it receives the log, but neither votes nor counts until it is removed from the cluster and added again';
