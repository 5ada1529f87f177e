import { randomInt } from 'node:crypto';
import { StorageError } from '../replica/ports.ts';
import type { Identity, Recovered } from '../replica/ports.ts';
import type { NodeOptions } from './options.ts';

/** Incarnations are drawn from 1 up to this, excluded. */
const INCARNATIONS = 2 ** 48;

/** Identity that an empty folder gets. */
export function freshIdentity({ id, peers, join, bootstrap, cluster }: NodeOptions): Identity {
  const founders = join ? [] : [id, ...peers.keys()].sort();
  return {
    node: id,
    cluster: cluster ?? founders.join(','),
    founders,
    // An empty folder of a node that is not new belongs to no incarnation yet: see `Message.incarnation`.
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
      `data folder ${dataFolder} is ${identity.node}'s, not ${id}'s; give each node a folder of its own`,
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
      `data folder ${dataFolder} is not new (term ${hardState.term}), so this is no first start: leave --bootstrap away, now and always; a node that had lost its folder could vote twice with it`,
    );
  }
}

/** Log line at the first start with an empty folder that is not the node's first. */
export const LOST_FOLDER =
  'the data folder is empty, and this is no first start (no --bootstrap): what this node had promised is lost, so it gets the log, but neither votes nor counts until it is removed from the cluster and added again';
