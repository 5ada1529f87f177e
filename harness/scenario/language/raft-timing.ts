import { formatDuration } from '../../duration.ts';
import { strict } from '../../nemesis/fields.ts';
import { report } from '../../nemesis/mistake.ts';
import { duration, durationRange, type Range } from '../../nemesis/quantity.ts';

/** Default timing of a cluster. */
export const DEFAULT_TIMING = { electionTimeoutMs: { min: 300, max: 600 }, heartbeatMs: 50 } as const;

/** Limits of the node's own options, in ms. A test compares them with the node. */
const LONGEST_ELECTION_MS = 600_000;
const LONGEST_HEARTBEAT_MS = 60_000;

/** `cluster.raft`: with the rules that the node checks when it starts. */
export const raftTiming = strict({
  'election-timeout': durationRange.optional().meta({ description: '300ms..600ms by default' }),
  heartbeat: duration.optional().meta({ description: '50ms by default' }),
}).superRefine((spec, context) => {
  const wrong = (key: 'election-timeout' | 'heartbeat', what: string, hint: string): void =>
    report(context, { what, hint }, [spec[key] === undefined ? 'heartbeat' : key]);
  const { 'election-timeout': election = DEFAULT_TIMING.electionTimeoutMs } = spec;
  const { heartbeat = DEFAULT_TIMING.heartbeatMs } = spec;
  const range = rangeMistake(election);
  if (range !== null) wrong('election-timeout', range, 'write a range such as `300ms..600ms`');
  if (!isWholeWithin(heartbeat, LONGEST_HEARTBEAT_MS))
    return wrong(
      'heartbeat',
      `a heartbeat is a whole number of ms, 1ms to ${shown(LONGEST_HEARTBEAT_MS)}`,
      'such as `50ms`',
    );
  if (range !== null || heartbeat * 2 <= election.min) return;
  wrong(
    spec.heartbeat === undefined ? 'election-timeout' : 'heartbeat',
    `a heartbeat of ${shown(heartbeat)} is more than half of the shortest election timeout, ${shown(election.min)}`,
    'one late heartbeat would depose a leader: make the heartbeat shorter or the timeout longer',
  );
});

function rangeMistake({ min, max }: Range): string | null {
  if (!isWholeWithin(min, LONGEST_ELECTION_MS) || !isWholeWithin(max, LONGEST_ELECTION_MS))
    return `an election timeout is a whole number of ms, 1ms to ${shown(LONGEST_ELECTION_MS)}`;
  return min < max
    ? null
    : 'an election timeout is a range: with one value for all, candidates split the votes';
}

const isWholeWithin = (ms: number, longest: number): boolean =>
  Number.isInteger(ms) && ms >= 1 && ms <= longest;
const shown = (ms: number): string => formatDuration(ms);
