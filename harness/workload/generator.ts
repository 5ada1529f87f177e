import type { OpFunction, RegisterValue } from '../history/op.ts';
import type { Task } from '../ports/client.ts';
import { randomStream, type Random } from '../random.ts';
import type { WorkloadPlan } from '../ports/workload.ts';

/** Number of appends per append key. After them the next key is used, because reads of a longer value cost more. */
const APPENDS_PER_KEY = 100;
/**
 * Share of the reads of an append key that read the previous key instead, because its last appends would not be seen
 * otherwise.
 */
const LOOK_BACK = 0.15;
/** Number of latest values of a key from which a cas chooses its `from`, and the share of cas that take the latest. */
const RECENT_VALUES = 4;
const CAS_FROM_LATEST = 0.8;

/**
 * Draws operations. Every written value is unique over the run, so that a read shows which operation it saw:
 *
 * - Register keys `k0`, `k1`… take reads, writes (`c3.17`: client 3's 17th operation), cas and deletes (tombstone
 * `t3.17`).
 * - Append keys `a0.0`, `a1.0`… take reads and appends (token `c3.17;`) only. Their value is the list of its tokens,
 *   each once, so a read of an append key shows the order of all appends before it, and a retry that was applied twice.
 *   They get no writes, because a write would erase that evidence. After 100 appends `a0.1` replaces `a0.0`.
 */
export class Generator {
  readonly #plan: WorkloadPlan;
  readonly #random: Random;
  readonly #functions: readonly (readonly [OpFunction, number])[];
  /** Cumulated probability of each key number. */
  readonly #keyShares: readonly number[];
  /** Share of the reads that go to append keys; it is the share of appends among the mutations. */
  readonly #appendReads: number;
  readonly #recent = new Map<string, RegisterValue[]>();
  readonly #appends: number[];
  readonly #sequence: number[] = [];

  constructor(plan: WorkloadPlan) {
    this.#plan = plan;
    this.#random = randomStream(plan.seed, 'workload');
    this.#functions = (Object.entries(plan.mix) as [OpFunction, number][]).filter(([, share]) => share > 0);
    this.#keyShares = keyShares(plan.keys, plan.skew);
    this.#appends = Array.from({ length: plan.keys }, () => 0);
    const { write, cas, delete: del, append } = plan.mix;
    const mutations = write + cas + del + append;
    this.#appendReads = mutations > 0 ? append / mutations : 0;
  }

  /** The next task of `client`. If `mayMutate` is false, it is a read, or null if the mix has no reads. */
  next(client: number, mayMutate: boolean): Task | null {
    if (!mayMutate && this.#plan.mix.read <= 0) return null;
    const f = mayMutate ? this.#pickFunction() : 'read';
    const key = this.#pickKey();
    switch (f) {
      case 'read':
        return { f, key: this.#readKey(key), input: null };
      case 'write':
        return { f, key: `k${key}`, input: `c${this.#unique(client)}` };
      case 'delete':
        return { f, key: `k${key}`, input: `t${this.#unique(client)}` };
      case 'cas':
        return { f, key: `k${key}`, input: [this.#expected(`k${key}`), `c${this.#unique(client)}`] };
      case 'append':
        return { f, key: this.#appendKey(key, this.#appends[key]!++), input: `c${this.#unique(client)};` };
      default:
        return f satisfies never;
    }
  }

  /** Records a value of a register key, which a later cas can expect. */
  observe(key: string, value: RegisterValue): void {
    if (!key.startsWith('k')) return;
    const recent = this.#recent.get(key);
    if (recent === undefined) return void this.#recent.set(key, [value]);
    if (recent.at(-1) === value) return;
    recent.push(value);
    if (recent.length > RECENT_VALUES) recent.shift();
  }

  #pickFunction(): OpFunction {
    let left = this.#random.float() * this.#functions.reduce((sum, [, share]) => sum + share, 0);
    for (const [f, share] of this.#functions) {
      left -= share;
      if (left < 0) return f;
    }
    return this.#functions.at(-1)![0];
  }

  #pickKey(): number {
    const at = this.#random.float();
    const found = this.#keyShares.findIndex((share) => at < share);
    return found < 0 ? this.#keyShares.length - 1 : found;
  }

  #readKey(key: number): string {
    if (this.#random.float() >= this.#appendReads) return `k${key}`;
    const newest = Math.max(0, this.#appends[key]! - 1);
    const back = this.#random.float() < LOOK_BACK ? APPENDS_PER_KEY : 0;
    return this.#appendKey(key, Math.max(0, newest - back));
  }

  #appendKey(key: number, appends: number): string {
    return `a${key}.${Math.floor(appends / APPENDS_PER_KEY)}`;
  }

  #expected(key: string): RegisterValue {
    const recent = this.#recent.get(key);
    if (recent === undefined) return null;
    return this.#random.float() < CAS_FROM_LATEST ? recent.at(-1)! : this.#random.pick(recent);
  }

  #unique(client: number): string {
    const sequence = this.#sequence[client] ?? 0;
    this.#sequence[client] = sequence + 1;
    return `${client}.${sequence}`;
  }
}

function keyShares(keys: number, skew: WorkloadPlan['skew']): readonly number[] {
  const weights = Array.from({ length: keys }, (_, i) => (skew === 'uniform' ? 1 : (i + 1) ** -skew.zipf));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight) => (sum += weight) / total);
}
