import type { LogIndex, NodeId, Term } from './types.ts';

/**
 * The members of the cluster (§6, dissertation chapter 4). While `outgoing` is not empty the configuration is joint
 * (C_old,new): every decision needs a majority of `voters` and one of `outgoing`. A server uses the latest
 * configuration in its log, committed or not. Every list is sorted and has no duplicates.
 */
export interface Configuration {
  /** The servers that vote; in a joint configuration, those of C_new. Empty on a server that has yet to join. */
  readonly voters: readonly NodeId[];
  /** The voters of C_old in a joint configuration; else empty. */
  readonly outgoing: readonly NodeId[];
  /** Servers that receive the log, but do not vote and do not count for a majority. */
  readonly learners: readonly NodeId[];
  /** The voters of C_old that become learners with C_new, in a joint configuration; else empty. */
  readonly learnersNext: readonly NodeId[];
  /** Address of each member, unchanged from the request; the core does not read it. */
  readonly addresses: Readonly<Record<string, string>>;
  /** The incarnation of each voter that counts. Founders are not listed, because theirs is 0. */
  readonly incarnations: Readonly<Record<string, number>>;
}

/** What the core knows about a snapshot: the part of the log that it covers, but not its data. */
export interface SnapshotMeta {
  /** Index and term of the last entry that the snapshot replaces. */
  readonly index: LogIndex;
  readonly term: Term;
  /** The configuration in force at `index`. */
  readonly configuration: Configuration;
}

/**
 * One step of a change. A server joins as a learner, and is promoted after the leader has heard from it, because only
 * then is it known which incarnation of it will vote.
 */
export type MemberChange =
  | { readonly type: 'add-learner'; readonly id: NodeId; readonly address: string }
  /** A learner becomes a voter. */
  | { readonly type: 'promote'; readonly id: NodeId }
  /** A voter becomes a learner. */
  | { readonly type: 'demote'; readonly id: NodeId }
  | { readonly type: 'remove'; readonly id: NodeId };

/** The configuration before the first one in the log: that of the founders. */
export function founding(voters: readonly NodeId[]): Configuration {
  return {
    voters: [...voters].sort(),
    outgoing: [],
    learners: [],
    learnersNext: [],
    addresses: {},
    incarnations: {},
  };
}

/** The data of a `config` entry: JSON, with the fields in the order of `Configuration`. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const { voters, outgoing, learners, learnersNext, addresses, incarnations } = configuration;
  const ordered = {
    voters,
    outgoing,
    learners,
    learnersNext,
    addresses: sorted(addresses),
    incarnations: sorted(incarnations),
  };
  return new TextEncoder().encode(JSON.stringify(ordered));
}

/** Returns null if the bytes are not a configuration. */
export function decodeConfiguration(data: Uint8Array): Configuration | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { voters, outgoing, learners, learnersNext, addresses, incarnations } = value as Record<
    string,
    unknown
  >;
  if (!isSet(voters) || !isSet(outgoing) || !isSet(learners) || !isSet(learnersNext)) return null;
  if (!isRecordOf(addresses, (address) => typeof address === 'string')) return null;
  if (!isRecordOf(incarnations, isIncarnation)) return null;
  return { voters, outgoing, learners, learnersNext, addresses, incarnations } as Configuration;
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isSet(value: unknown): value is readonly NodeId[] {
  if (!Array.isArray(value)) return false;
  return value.every(
    (id: unknown, at) => typeof id === 'string' && (at === 0 || (value[at - 1] as string) < id),
  );
}

function isRecordOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(is)
  );
}

const isIncarnation = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;
