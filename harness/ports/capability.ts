/**
 * Actions that a system or a stage can take on its nodes and links, besides starting them. A fault names those that it
 * needs. If one is missing, the loader refuses the step and names its line.
 */
export const CAPABILITIES = {
  kill: 'end a node process at once (SIGKILL) and start it again with its data',
  stop: 'end a node process cleanly (SIGTERM) and start it again',
  pause: 'pause and resume a node process',
  wipe: 'remove the data folder of a node that is down',
  cut: 'drop or refuse all traffic of a link',
  delay: 'add latency and jitter to a link',
  bandwidth: 'limit the bandwidth of a link',
  slice: 'cut the byte stream of a link into small pieces',
  reset: 'close the open connections of a link with RST',
} as const;

export type Capability = keyof typeof CAPABILITIES;

/** Name of a system or a stage, and its capabilities (all if absent). */
export interface Able {
  readonly name: string;
  readonly capabilities?: ReadonlySet<Capability>;
}

export const ALL_CAPABILITIES: ReadonlySet<Capability> = new Set(Object.keys(CAPABILITIES) as Capability[]);
