import { NODE_ID } from '../../../node/protocol/node-id.ts';
import type { NodeReport } from '../../../node/protocol/report.ts';

/** A field of a report line that is not what the format says. */
export interface Mistake {
  /** `term`, `terms[2]`, `recovered.term`. */
  readonly field: string;
  /** Description of a correct value; messages write it after "must be". */
  readonly must: string;
  readonly value: unknown;
}

type Fields = Readonly<Record<string, unknown>>;
/** Returns the first mistake in `value`, which is the value of the field `field`; null if there is none. */
type Check = (value: unknown, field: string) => Mistake | null;
/** One check per field of a line. A new field of the format without a check does not compile. */
type Checks<T> = { readonly [K in Exclude<keyof T, 'n' | 'at' | 'node' | 'type'>]-?: Check };
type Kind = NodeReport['type'];
/** The members of a union whose type is, or may be, K. */
type Line<R, K> = R extends { readonly type: infer T } ? (K extends T ? R : never) : never;

type Entries = Line<NodeReport, 'Replicate'> | Line<NodeReport, 'Recover'>;

/**
 * Maximum value of terms and digests. They are compared as 32-bit numbers (`LogMirror`), so greater ones could be
 * confused with others.
 */
const MAX_UINT32 = 0xffff_ffff;

const check =
  (must: string, fits: (value: unknown) => boolean): Check =>
  (value, field) =>
    fits(value) ? null : { field, must, value };
const isInteger = (value: unknown, from: number, to: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to;
const integer = (from: number, to: number): Check =>
  check(`an integer from ${from} to ${to}`, (value) => isInteger(value, from, to));
const oneOf = (...texts: readonly string[]): Check =>
  check(`one of ${texts.join(', ')}`, (value) => texts.includes(value as string));
const orNull =
  (inner: Check): Check =>
  (value, field) => {
    const mistake = value === null ? null : inner(value, field);
    return mistake === null || mistake.field !== field
      ? mistake
      : { ...mistake, must: `null or ${mistake.must}` };
  };

const TERM = integer(0, MAX_UINT32);
const INDEX = integer(0, Number.MAX_SAFE_INTEGER);
const DIGEST = integer(0, MAX_UINT32);
const PORT = integer(0, 65_535);
const TEXT = check('a text', (value) => typeof value === 'string');
const FLAG = check('true or false', (value) => typeof value === 'boolean');
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listOf =
  (item: Check): Check =>
  (value, field) => {
    if (!Array.isArray(value)) return { field, must: 'a list', value };
    for (let i = 0; i < value.length; i++) {
      const mistake = item(value[i], `${field}[${i}]`);
      if (mistake !== null) return mistake;
    }
    return null;
  };
const fieldsOf =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, field) =>
    isFields(value) ? firstMistake(value, checks, `${field}.`) : { field, must: 'an object', value };

function firstMistake(line: Fields, checks: Readonly<Record<string, Check>>, prefix: string): Mistake | null {
  for (const [name, its] of Object.entries(checks)) {
    const mistake = its(Object.hasOwn(line, name) ? line[name] : undefined, prefix + name);
    if (mistake !== null) return mistake;
  }
  return null;
}

/** Checks the fields of a report line, except those that all lines have (`n`, `at`, `node`, `type`). */
export class FieldChecks {
  readonly #knows: (id: string) => boolean;
  readonly #checks: { readonly [K in Kind]: Checks<Line<NodeReport, K>> };

  /** `knows` returns true if a node has this id. */
  constructor(knows: (id: string) => boolean) {
    this.#knows = knows;
    const NODE = check('the id of a node of this cluster', (value) => isId(value) && this.#knows(value));
    const IDS = listOf(check('a node id', isId));
    const point = { index: INDEX, term: TERM, digest: DIGEST, state: DIGEST };
    const role = { term: TERM, leader: orNull(NODE), reason: TEXT };
    const members = { index: INDEX, voters: IDS, outgoing: IDS, learners: IDS };
    const entries = {
      first: integer(1, Number.MAX_SAFE_INTEGER),
      terms: listOf(TERM),
      digests: listOf(DIGEST),
    };
    this.#checks = {
      ready: {
        pid: integer(1, Number.MAX_SAFE_INTEGER),
        clientPort: PORT,
        peerPort: PORT,
        adminPort: orNull(PORT),
        recovered: fieldsOf({
          term: TERM,
          votedFor: orNull(NODE),
          lastIndex: INDEX,
          snapshotIndex: INDEX,
          tornBytes: INDEX,
        }),
      },
      status: {
        role: oneOf('follower', 'pre-candidate', 'candidate', 'leader'),
        term: TERM,
        votedFor: orNull(NODE),
        leader: orNull(NODE),
        commit: INDEX,
        applied: INDEX,
        lastIndex: INDEX,
        lastTerm: TERM,
        durable: INDEX,
        appliedDigest: DIGEST,
        rssBytes: INDEX,
      },
      log: { level: oneOf('debug', 'info', 'warn', 'error'), message: TEXT },
      BecomeFollower: role,
      BecomePreCandidate: role,
      BecomeCandidate: role,
      BecomeLeader: role,
      GrantVote: { term: TERM, candidate: NODE },
      Replicate: { ...entries, truncated: FLAG },
      Commit: { index: INDEX, term: TERM },
      Apply: { index: INDEX, digest: DIGEST },
      TakeSnapshot: point,
      InstallSnapshot: point,
      ChangeConf: members,
      ApplyConfChange: members,
      Recover: { term: TERM, votedFor: orNull(NODE), snapshot: orNull(fieldsOf(point)), ...entries },
    };
  }

  isKind(type: unknown): type is Kind {
    return typeof type === 'string' && Object.hasOwn(this.#checks, type);
  }

  /** The first mistake in the fields of a line of this type; null: there is none. */
  mistakeIn(type: Kind, line: Fields): Mistake | null {
    const mistake = firstMistake(line, this.#checks[type], '');
    if (mistake !== null || (type !== 'Replicate' && type !== 'Recover')) return mistake;
    return mistakeInEntries(line as unknown as Entries);
  }
}

const isId = (value: unknown): value is string => typeof value === 'string' && NODE_ID.test(value);

/** The rules of `Replicate` and `Recover` that bind several fields together. */
function mistakeInEntries(line: Entries): Mistake | null {
  const { first, terms, digests } = line;
  if (digests.length !== terms.length)
    return { field: 'digests', must: `a list of ${terms.length}, as many as "terms"`, value: digests };
  if (!Number.isSafeInteger(first + terms.length))
    return { field: 'first', must: 'such that every index is an exact integer', value: first };
  if (line.type !== 'Recover') return null;
  const begin = (line.snapshot?.index ?? 0) + 1;
  if (first === begin) return null;
  return { field: 'first', must: `${begin}, the index after the snapshot`, value: first };
}
