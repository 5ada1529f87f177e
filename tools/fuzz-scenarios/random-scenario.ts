import { readdirSync, readFileSync } from 'node:fs';
import { randomStream, type Random } from '../../harness/random.ts';
import { VERBS } from '../../harness/scenario/language/step-keys.ts';
import { MAX_CHARACTERS } from '../../harness/scenario/language/load.ts';

const FOLDER = new URL('../../scenarios/', import.meta.url);
const SHIPPED: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));

/** The file of one case: a shipped scenario with damage, a random tree, or noise. The same for the same numbers. */
export function randomScenario(seed: number, number: number): Uint8Array {
  const random = randomStream(seed, 'workload', `scenario/${number}`);
  const text = new Generator(random).text();
  const bytes = new TextEncoder().encode(text);
  if (random.float() > 0.02 || bytes.length === 0) return bytes;
  // Bytes that are not UTF-8.
  for (let i = random.int(1, 3); i > 0; i--) bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
  return bytes;
}

const KEYS = [
  'apiVersion', 'name', 'seed', 'cluster', 'nodes', 'system', 'raft', 'election-timeout', 'heartbeat', 'workload',
  'clients', 'rate', 'keys', 'count', 'skew', 'mix', 'read', 'write', 'timeout', 'routing', 'steady', 'steps', 'expect',
  'always', 'linearizable', 'limit', 'invariants', 'during', 'window', 'node', 'acked-ops', 'recovery', 'leader-within',
  'not-vacuous', 'ops', 'ops-during-faults', 'faults-observed', 'at', 'for', 'as', 'bind', 'on-empty', 'by', 'resolved',
  'times', 'until', 'within', 'leader', 'progress', 'converged', 'latency', 'p50', 'term', 'role', 'life', 'links',
  'from', 'to', 'isolate', 'halves', 'bridge', 'ring', 'mode', 'add', 'jitter', 'down', 'up', 'size', 'vary', 'x-a',
  '<<', '__proto__', 'constructor', 'toString', 'then', 'length', ...VERBS,
] as const; // prettier-ignore

const VALUES = [
  'chaos/v1', 'x', 'leader', 'follower', 'followers', 'n1', 'n9', 'n99999999999999999999', 'not(n1)', 'not(not(leader))',
  '$old', 'not($old)', 'all', 'rest', 'majority', 'last-killed', 'n1->n2', 'n1->n1', 'clients->n1', 'clients', 'peers',
  '0ms', '1ms', '5s', '1m', '999m', '1e9s', '5', '-5', '1ms..2s', '2s..1ms', '..', '500/s', 'max', '0/s', '35%', '101%',
  '64KB/s', '0B', '4KB', '> 5', '"> $old.term"', '"<= $x.commit-index"', 'unchanged-since(cut)', '"< 2s"', 'true', 'no',
  'null', '~', '.nan', '.inf', '-.inf', '0x1F', '0o17', '1e400', '9007199254740993', '-0', '""', "''", 'raft', 'uniform',
  'zipf(1.1)', 'zipf(1e999)', 'blackhole', 'manual', 'skip', '[]', '{}', '[n1, n1]', '|', '>-', '!!str 5', '!foo a',
  '!!binary aGk=', '!!set {a, b}', '&a x', '*a', '*nothing', '&b', '? x', '- x', '# c', '@x', '`x`', '%x', 'a: b: c',
  '"\\e[2J\\a"', '"\\x9b\\u202e"', '"\\ud800"', '"\\q"', '\u001b[31m', '\u202e', '\u0085', '\u2028', '\ufeff', '日本', '🙂',
] as const; // prettier-ignore

const SNIPPETS = [
  '\t', '\n', ' ', '  ', ': ', '- ', ', ', '[', ']', '{', '}', '&a ', '*a', '<<: *a', '!x ', '"', "'", '#', '|\n', '---\n',
  '...\n', '%YAML 1.1\n', '%TAG ! !\n', '? ', '\r', '\r\n', '\0', '\u001b[0m', '\u202e', '\u009b', '\ufeff', '\\',
  'repeat: { times: 10000, steps: [', 'parallel: [', '&c [*c]', '<<: [*a, *b]',
] as const; // prettier-ignore

/** Texts that are repeated up to the maximum size, now and then. */
const BULK = [
  '[',
  '{a: ',
  '- ',
  '? ',
  '- {}\n',
  'k: 1\n',
  '{}',
  '*a ',
  '&a ',
  '"\\x',
  '- kill: x\n',
  '- kill: n1\n',
  '!a ',
  "''",
];

class Generator {
  readonly #random: Random;
  readonly #anchors: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  text(): string {
    const kind = this.#random.float();
    if (kind < 0.4) return this.#damaged(this.#random.pick(SHIPPED));
    if (kind < 0.75) return this.#tree();
    if (kind < 0.85) return this.#damaged(this.#tree());
    if (kind < 0.997) return this.#noise();
    return this.#bulk();
  }

  #damaged(text: string): string {
    let damaged = text;
    for (let i = this.#random.int(1, 6); i > 0; i--) damaged = this.#damage(damaged);
    return damaged;
  }

  #damage(text: string): string {
    const { int, pick } = this.#random;
    const at = int(0, text.length);
    const to = Math.min(text.length, at + int(0, 30));
    const lines = text.split('\n');
    const line = int(0, lines.length - 1);
    switch (int(0, 8)) {
      case 0:
        return text.slice(0, at) + text.slice(to);
      case 1:
        return text.slice(0, at) + pick(SNIPPETS) + text.slice(at);
      case 2:
        return text.slice(0, at) + this.#value(2) + text.slice(to);
      case 3:
        return text.slice(0, at) + text.slice(at, to).repeat(int(2, 4)) + text.slice(to);
      case 4:
        return lines.with(line, `${' '.repeat(int(0, 3))}${lines[line]}`).join('\n');
      case 5:
        return lines.toSpliced(int(0, lines.length), 0, ...lines.slice(line, line + int(1, 8))).join('\n');
      case 6:
        return lines.toSpliced(line, 1).join('\n');
      case 7: {
        const words = [...text.matchAll(/[\w$>-]+/g)];
        if (words.length === 0) return text;
        const word = pick(words);
        const other = pick<string>([pick(KEYS), pick(VALUES)]);
        return text.slice(0, word.index) + other + text.slice(word.index + word[0].length);
      }
      default:
        return lines
          .with(line, `${lines[line]}${pick(['x', ' ', '"', '\u001b']).repeat(int(1, 5_000))}`)
          .join('\n');
    }
  }

  /** A map with the keys that a scenario needs, and others, as YAML in block or flow style. */
  #tree(): string {
    const { float, int, pick } = this.#random;
    const entries = ['apiVersion: chaos/v1', 'name: x', `steps: ${this.#steps(3)}`];
    for (let i = int(0, 4); i > 0; i--) {
      const key = float() < 0.3 ? `x-${int(0, 3)}` : pick(KEYS);
      entries.splice(int(0, entries.length), float() < 0.1 ? 1 : 0, `${key}: ${this.#value(int(0, 6))}`);
    }
    return `${entries.join('\n')}\n`;
  }

  #steps(depth: number): string {
    const { float, int, pick } = this.#random;
    const steps = Array.from({ length: int(0, 4) }, () => {
      if (depth > 0 && float() < 0.2)
        return `{ repeat: { times: ${int(1, 300)}, steps: ${this.#steps(depth - 1)} } }`;
      if (depth > 0 && float() < 0.2) return `{ parallel: ${this.#steps(depth - 1)} }`;
      const more = float() < 0.3 ? `, ${pick(KEYS)}: ${this.#value(1)}` : '';
      return `{ ${pick(VERBS)}: ${this.#value(3)}${more} }`;
    });
    return `[${steps.join(', ')}]`;
  }

  #value(depth: number): string {
    const { float, int, pick } = this.#random;
    const kind = float();
    if (kind < 0.05) return this.#anchored(depth);
    if (kind < 0.12 && this.#anchors.length > 0) return `*${pick(this.#anchors)} `;
    if (kind < 0.14) return `${'['.repeat(int(1, 150))}${']'.repeat(int(1, 150))}`;
    if (kind < 0.15) return `"${pick(['a', '\\e', '日', '\\n']).repeat(int(1, 20_000))}"`;
    if (depth === 0 || kind < 0.55) return pick(VALUES);
    const items = Array.from({ length: int(0, 4) }, () => this.#value(depth - 1));
    if (kind < 0.7) return `[${items.join(', ')}]`;
    return `{${items.map((item) => ` ${float() < 0.05 ? item : pick(KEYS)}: ${item}`).join(',')} }`;
  }

  #anchored(depth: number): string {
    const name = this.#random.pick(['a', 'b', 'c']);
    // Known before its value, so that the value may contain itself.
    this.#anchors.push(name);
    return `&${name} ${this.#value(Math.max(0, depth - 1))}`;
  }

  #noise(): string {
    const { float, int, pick } = this.#random;
    const piece = (): string => pick<string>(float() < 0.5 ? SNIPPETS : float() < 0.5 ? KEYS : VALUES);
    return Array.from({ length: int(0, 80) }, piece).join(float() < 0.5 ? '' : ' ');
  }

  #bulk(): string {
    const { float, pick } = this.#random;
    const piece = pick(BULK);
    const head = float() < 0.5 ? 'apiVersion: chaos/v1\nname: x\nsteps:\n' : '';
    return `${head}${piece.repeat(MAX_CHARACTERS / piece.length)}`.slice(0, MAX_CHARACTERS);
  }
}
