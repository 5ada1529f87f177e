/**
 * Actions of a system or a stage on its nodes and links, beyond starting them. A fault names those that it needs, and
 * the loader refuses a step that needs a missing one, at the step's line.
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

/** A system or a stage by its name. `capabilities`: its actions; absent: all. */
export interface Able {
  readonly name: string;
  readonly capabilities?: ReadonlySet<Capability>;
}

export const ALL_CAPABILITIES: ReadonlySet<Capability> = new Set(Object.keys(CAPABILITIES) as Capability[]);
