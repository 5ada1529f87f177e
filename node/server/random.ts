/** Makes a different seed for each node of a cluster with one seed: FNV-1a over the id and the seed. */
export function nodeSeed(seed: number, id: string): number {
  let hash = 0x811c9dc5;
  for (const char of `${id}/${seed}`) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  return hash >>> 0;
}

/** Mulberry32: uniform in [0, 1); 32 bits of state are enough for election timeouts. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
