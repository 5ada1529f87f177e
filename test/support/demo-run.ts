import type { HarnessEvent, ManualCommand } from '../../harness/event.ts';
import { nodeId, term } from '../../node/raft/types.ts';
import { randomStream } from '../../harness/random.ts';

/** An event without its time. */
type Happening = HarnessEvent extends infer E ? (E extends HarnessEvent ? Omit<E, 't'> : never) : never;

const STEPS = [
  'wait until leader',
  'partition isolate leader',
  'wait until leader not $old',
  'delay n2->n3 +200ms±20ms',
  'heal all',
  'check linearizable',
] as const;

/**
 * An invented run of three nodes as a stream of events, to try and measure the dashboard without a cluster. `advance`
 * moves its time and emits the events, and `command` does what a key asks for. The seed determines the run.
 */
export class DemoRun {
  readonly nodes = ['n1', 'n2', 'n3'] as const;
  readonly #emit: (event: HarnessEvent) => void;
  readonly #random;
  readonly #roles = new Map<string, { life: 'up' | 'paused' | 'down'; pid: number; log: number }>();
  #t = 0;
  #leader: string | null = null;
  #term = 6;
  #electAt: number | null = 700;
  #totals = { invoked: 0, ok: 0, fail: 0, info: 0 };
  #manual = 0;
  #held = false;
  readonly #done = new Set<number>();
  readonly #cut = new Set<string>();

  constructor(options: { readonly seed: number; readonly emit: (event: HarnessEvent) => void }) {
    this.#random = randomStream(options.seed, 'workload');
    this.#emit = options.emit;
    const out = 'reports/7f3a';
    this.#say({
      type: 'run',
      run: out,
      scenario: 'partition-leader',
      file: 'scenarios/partition-leader.yaml',
      seed: options.seed,
      nodes: this.nodes,
      links: { kind: 'toxiproxy', version: '2.12.0', url: 'http://127.0.0.1:8474' },
      out,
      steps: STEPS.map((text, index) => ({ text, line: 8 + index })),
      startedAt: '2026-01-01T00:00:00.000Z',
    });
    this.#say({ type: 'phase', phase: 'running' });
    for (const [index, node] of this.nodes.entries()) {
      this.#roles.set(node, { life: 'up', pid: 41_822 + index, log: 0 });
      this.#say({ type: 'life', node, life: 'up', pid: 41_822 + index });
    }
  }

  /** Moves the time by `ms`, in steps of 50 ms. */
  advance(ms: number): void {
    const until = this.#t + ms;
    while (this.#t < until) {
      this.#t = Math.min(until, this.#t + 50);
      this.#tick();
    }
  }

  command(command: ManualCommand): void {
    switch (command.type) {
      case 'inject':
        this.#manual++;
        this.#inject(command.step);
        break;
      case 'hold':
        this.#held = !this.#held;
        this.#say({ type: 'hold', held: this.#held });
        break;
      case 'undo':
      case 'next':
        this.#say({ type: 'note', level: 'info', text: command.type });
        break;
      case 'stop':
      case 'abort':
        this.#say({ type: 'phase', phase: 'stopping' });
        this.#say({
          type: 'verdict',
          verdict: 'pass',
          exitCode: 0,
          sentence: 'Every check passed.',
          report: 'reports/7f3a/report.html',
        });
        break;
      default:
        command satisfies never;
    }
  }

  #tick(): void {
    if (this.#electAt !== null && this.#t >= this.#electAt) this.#elect();
    if (this.#t % 250 === 0) this.#load();
    if (this.#t % 100 === 0) this.#report();
    if (!this.#held) this.#scenario();
  }

  #elect(): void {
    const able = this.nodes.filter((node) => this.#roles.get(node)!.life === 'up' && !this.#isolated(node));
    if (able.length < 2) return;
    this.#leader = this.#random.pick(able);
    this.#term++;
    this.#electAt = null;
    const trace = {
      type: 'BecomeLeader',
      term: term(this.#term),
      leader: nodeId(this.#leader),
      reason: 'votes of a majority',
    } as const;
    this.#say({ type: 'trace', node: this.#leader, trace });
    this.#report();
  }

  #report(): void {
    for (const node of this.nodes) {
      const { life, log } = this.#roles.get(node)!;
      if (life !== 'up') continue;
      const leads = node === this.#leader;
      this.#say({
        type: 'status',
        node,
        role: leads
          ? 'leader'
          : this.#electAt !== null && this.#random.float() < 0.1
            ? 'candidate'
            : 'follower',
        term: this.#term,
        votedFor: null,
        leader: this.#leader,
        commit: log,
        applied: Math.max(0, log - 2),
        lastIndex: log + 9,
        lastTerm: this.#term,
        durable: log,
        appliedDigest: 0,
        rssBytes: 80_000_000,
      });
    }
  }

  #load(): void {
    const leads = this.#leader !== null;
    const ok = leads ? this.#random.int(90, 112) : 0;
    const info = leads ? this.#random.int(0, 1) : 6;
    const fail = this.#random.int(0, 1);
    const { invoked, ...was } = this.#totals;
    this.#totals = {
      invoked: invoked + ok + info + fail,
      ok: was.ok + ok,
      info: was.info + info,
      fail: was.fail + fail,
    };
    for (const node of this.#roles.values()) if (node.life === 'up') node.log += Math.round(ok / 2);
    const p50 = leads ? 2 + this.#random.float() * 2 : null;
    const p99 = p50 === null ? null : p50 * (4 + this.#random.float() * 9);
    const okByFunction = { read: this.#totals.ok >> 1, write: this.#totals.ok >> 1 };
    this.#say({ type: 'checked', to: this.#t, keys: 20, undecided: 0 });
    this.#say({
      type: 'ops',
      windowMs: 250,
      ok,
      fail,
      info,
      p50,
      p99,
      max: p99,
      total: { ...this.#totals, invoked: this.#totals.invoked + 5 },
      okByFunction,
    });
    if (!leads)
      this.#say({
        type: 'op',
        node: 'n1',
        text: `read k${this.#random.int(0, 9)}: unknown (timeout)`,
        outcome: 'info',
      });
  }

  #scenario(): void {
    this.#step(0, 0, () => undefined, 900);
    this.#step(1, 5_000, () => this.#partition('old', this.#leader ?? 'n1', 'scenario'));
    this.#step(2, 5_100, () => undefined, 1_400);
    this.#step(3, 20_000, () => this.#delay('n2->n3', 200));
    this.#step(4, 40_000, () => this.#healAll());
    this.#step(5, 60_000, () =>
      this.#say({ type: 'check', name: 'linearizable', state: 'pass', detail: 'keys=20', tookMs: 1_800 }),
    );
  }

  #step(index: number, at: number, act: () => void, takesMs = 100): void {
    const text = STEPS[index]!;
    if (this.#t >= at && !this.#done.has(index)) {
      this.#done.add(index);
      this.#say({ type: 'step', index, state: 'running', text });
      act();
    }
    if (this.#t >= at + takesMs && !this.#done.has(index + 100)) {
      this.#done.add(index + 100);
      this.#say({ type: 'step', index, state: 'ok', text });
    }
  }

  #partition(id: string, node: string, by: 'scenario' | 'manual', step?: unknown): void {
    const links = this.nodes
      .filter((other) => other !== node)
      .flatMap((other) => [`${node}->${other}`, `${other}->${node}`]);
    const fault = {
      type: 'fault',
      id,
      verb: 'partition',
      lasting: true,
      by,
      text: `cut ${node}<->*`,
      nodes: [node],
      links,
      step,
    } as const;
    this.#say({ ...fault, state: 'requested' });
    for (const link of links) {
      this.#cut.add(link);
      this.#say({ type: 'link', link, pending: false, cut: 'blackhole' });
    }
    this.#say({ ...fault, state: 'confirmed', tookMs: 4 });
    if (node === this.#leader) this.#loseLeader();
  }

  #delay(link: string, latencyMs: number): void {
    this.#say({ type: 'link', link, pending: true, delay: { latencyMs, jitterMs: 20 } });
    this.#say({
      type: 'fault',
      id: 'slow',
      verb: 'delay',
      lasting: true,
      by: 'scenario',
      text: `delay ${link} ${latencyMs}±20ms`,
      nodes: [],
      links: [link],
      state: 'confirmed',
      tookMs: 3,
    });
    this.#say({ type: 'link', link, pending: false, delay: { latencyMs, jitterMs: 20 } });
  }

  #healAll(): void {
    for (const link of this.#cut) this.#say({ type: 'link', link, pending: false });
    this.#cut.clear();
    this.#say({ type: 'link', link: 'n2->n3', pending: false });
    for (const id of [
      'old',
      'slow',
      ...Array.from({ length: this.#manual }, (_, index) => `m${index + 1}`),
    ]) {
      this.#say({
        type: 'fault',
        id,
        verb: 'heal',
        lasting: false,
        by: 'scenario',
        text: `heal ${id}`,
        nodes: [],
        links: [],
        state: 'healed',
        tookMs: 2,
      });
    }
  }

  #inject(step: Readonly<Record<string, unknown>>): void {
    const [verb = '', spec] = Object.entries(step)[0] ?? [];
    const named =
      (spec as { node?: string; isolate?: string }).node ?? (spec as { isolate?: string }).isolate ?? 'n1';
    const node = named === 'leader' ? (this.#leader ?? 'n1') : named;
    const state = this.#roles.get(node);
    if (verb === 'heal') return this.#healAll();
    if (verb === 'partition') return this.#partition(`m${this.#manual}`, node, 'manual', step);
    const fault = {
      type: 'fault',
      id: `m${this.#manual}`,
      verb,
      by: 'manual',
      lasting: verb !== 'restart' && verb !== 'resume',
      text: `${verb} ${node}`,
      nodes: [node],
      links: [],
      step,
    } as const;
    this.#say({ ...fault, state: 'requested' });
    if (state !== undefined && ['kill', 'stop', 'pause', 'restart', 'resume'].includes(verb)) {
      state.life = verb === 'pause' ? 'paused' : verb === 'restart' || verb === 'resume' ? 'up' : 'down';
      if (verb === 'restart') state.pid += 10;
      const exit = { code: null, signal: 'SIGKILL', expected: true, stderr: '' };
      this.#say({
        type: 'life',
        node,
        life: state.life,
        pid: state.life === 'down' ? null : state.pid,
        ...(state.life === 'down' ? { exit } : {}),
      });
      if (state.life !== 'up' && node === this.#leader) this.#loseLeader();
    }
    this.#say({ ...fault, state: 'confirmed', tookMs: 3 });
  }

  #loseLeader(): void {
    this.#leader = null;
    this.#electAt = this.#t + 1_200;
  }

  #isolated(node: string): boolean {
    return this.nodes.filter((other) => other !== node && this.#cut.has(`${node}->${other}`)).length === 2;
  }

  #say(happening: Happening): void {
    this.#emit({ t: this.#t, ...happening });
  }
}
