import type { LogIndex, NodeId, Term } from './types.ts';

/**
 * Who is in the cluster (§6, dissertation chapter 4). While `outgoing` holds anyone the configuration is joint
 * (C_old,new): every decision needs a majority of `voters` and one of `outgoing`. A server uses the latest
 * configuration in its log, committed or not. Every list is sorted and repeats no one.
 */
export interface Configuration {
  /** Those who vote and count; of a joint configuration: in C_new. A server that has yet to join knows of none. */
  readonly voters: readonly NodeId[];
  /** Joint only, else empty: the voters of C_old. */
  readonly outgoing: readonly NodeId[];
  /** They get the log, but neither vote nor count. */
  readonly learners: readonly NodeId[];
  /** Joint only, else empty: voters of C_old that become learners with C_new. */
  readonly learnersNext: readonly NodeId[];
  /** Where each member was said to listen, as it was said; the core does not look at it. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Which incarnation of a voter counts; a founder, incarnation 0, is not listed. */
  readonly incarnations: Readonly<Record<string, number>>;
}

/** A snapshot as the core knows it: what it stands for, never its data. */
export interface SnapshotMeta {
  /** The last entry that it replaces, and that entry's term. */
  readonly index: LogIndex;
  readonly term: Term;
  /** In force at `index`. */
  readonly configuration: Configuration;
}

/**
 * One step of a change. A server joins as a learner, and is promoted once the leader has heard from it: only then is
 * it known which incarnation of it is to vote.
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

/** Null for bytes that are no configuration. */
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
