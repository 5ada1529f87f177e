import type { Op, OpFunction, OpOutcome, RegisterValue } from '../../history/op.ts';
import type { Random } from '../../random.ts';

export interface GeneratorOptions {
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Relative frequency of each function; the sum need not be 1. */
  readonly mix: Readonly<Record<OpFunction, number>>;
  /** Probability that an operation's outcome is unknown; half of these operations take effect, some of them late. */
  readonly unknown: number;
  /** Probability that an operation definitely fails without an effect. */
  readonly failed: number;
  /** True if every written value is unique; false for a few values that are written many times. */
  readonly uniqueValues: boolean;
  /** Probability that a failed CAS does not say what it found. */
  readonly opaque: number;
}

interface PlannedOperation {
  op: Op;
  /** Time at which it takes effect; null if it never does. */
  effectAt: number | null;
}

/**
 * The operations of clients on real, atomic registers with random latencies: the history of a correct system,
 * linearizable by construction. The operations are in order of invocation.
 */
export function generateHistory(random: Random, options: GeneratorOptions): Op[] {
  const drafts = invocations(random, options);
  const effects = drafts.filter((draft) => draft.effectAt !== null).sort((a, b) => a.effectAt! - b.effectAt!);
  const registers = new Map<string, RegisterValue>();
  // The expected value of a CAS is chosen when it takes effect, so that some CAS succeed.
  for (const draft of effects) {
    const state = registers.get(draft.op.key) ?? null;
    const { op, after } = takeEffect(draft.op, state, random, options);
    draft.op = op;
    registers.set(op.key, after);
  }
  return drafts.map((draft) => draft.op);
}

function invocations(random: Random, options: GeneratorOptions): PlannedOperation[] {
  const free = Array.from({ length: options.clients }, (_, client) => ({
    process: client,
    at: random.float(),
  }));
  const drafts: PlannedOperation[] = [];
  for (let id = 0; id < options.operations; id++) {
    const client = free.reduce((first, other) => (other.at < first.at ? other : first));
    const call = client.at;
    const took = random.float() * 4;
    const end = call + took;
    const outcome: OpOutcome =
      random.float() < options.unknown ? 'info' : random.float() < options.failed ? 'fail' : 'ok';
    const late = outcome === 'info' && random.float() < 0.3 ? random.float() * 40 : 0;
    const happens = outcome === 'ok' || (outcome === 'info' && random.float() < 0.5);
    const f = pickFunction(random, options.mix);
    const op: Op = {
      id,
      process: client.process,
      key: `k${random.int(0, options.keys - 1)}`,
      f,
      input: inputOf(f, id, random, options),
      call,
      return: outcome === 'info' ? Infinity : end,
      outcome,
      node: `n${1 + (client.process % 3)}`,
      attempts: 1,
      ...(outcome === 'fail' ? { error: 'busy' } : {}),
      ...(outcome === 'info' ? { error: 'timeout', gaveUp: end } : {}),
    };
    drafts.push({ op, effectAt: happens ? call + random.float() * took + late : null });
    client.at = end + random.float();
    if (outcome === 'info') client.process += options.clients;
  }
  return drafts;
}

function pickFunction(random: Random, mix: GeneratorOptions['mix']): OpFunction {
  const entries = Object.entries(mix) as [OpFunction, number][];
  let at = random.float() * entries.reduce((sum, [, share]) => sum + share, 0);
  for (const [f, share] of entries) {
    at -= share;
    if (at < 0) return f;
  }
  return entries.at(-1)![0];
}

function inputOf(f: OpFunction, id: number, random: Random, { uniqueValues }: GeneratorOptions): Op['input'] {
  if (f === 'read') return null;
  const value = uniqueValues ? `v${id};` : `${random.int(0, 2)}`;
  // The expected value of a CAS is chosen when it takes effect; before that, and if it never does, it is the value of
  // some earlier operation.
  if (f === 'cas' && uniqueValues) return [id === 0 ? null : `v${random.int(0, id - 1)};`, value];
  if (f === 'cas') return [`${random.int(0, 2)}`, value];
  return value;
}

/** Half of the CAS that take effect expect the value that they find. */
function takeEffect(
  op: Op,
  state: RegisterValue,
  random: Random,
  options: GeneratorOptions,
): { op: Op; after: RegisterValue } {
  switch (op.f) {
    case 'read':
      return { op: op.outcome === 'ok' ? { ...op, output: state } : op, after: state };
    case 'append':
      return { op, after: (state ?? '') + String(op.input) };
    case 'cas': {
      const [from, to] = op.input as readonly [RegisterValue, string];
      if (from === state || random.float() < 0.5) return { op: { ...op, input: [state, to] }, after: to };
      if (op.outcome === 'info') return { op, after: state };
      const failed: Op = { ...op, outcome: 'fail', error: 'cas-mismatch' };
      return { op: random.float() < options.opaque ? failed : { ...failed, output: state }, after: state };
    }
    case 'write':
    case 'delete':
      return { op, after: String(op.input) };
    default:
      return op.f satisfies never;
  }
}
