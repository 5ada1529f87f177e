import { describe, expect, it } from 'vitest';
import { formatErrors, loadScenario, MAX_CHARACTERS } from './load.ts';
import { MOST_MISTAKES } from './position.ts';
import type { Scenario } from './schema.ts';

const head = 'apiVersion: chaos/v1\nname: x\n';

/** `line:column: message` of every mistake; empty: the text loads. */
function mistakesIn(text: string): readonly string[] {
  const loaded = loadScenario('x.yaml', text);
  return loaded.ok ? [] : loaded.errors.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}
/** All that is printed for a text that does not load. */
function printed(text: string, file = 'x.yaml'): string {
  const loaded = loadScenario(file, text);
  if (loaded.ok) throw new Error('it must not load');
  return formatErrors(loaded);
}
function load(text: string): Scenario {
  const loaded = loadScenario('x.yaml', text);
  if (!loaded.ok) throw new Error(formatErrors(loaded));
  return loaded.scenario;
}

describe('aliases', () => {
  it('repeat the value that they name, with the place of that value in mistakes', () => {
    const text = `${head}x-list: &waits\n  - wait: { for: 1 }\nsteps: *waits\n`;
    expect(mistakesIn(text)).toEqual(['4:18: a number without a unit where a duration or range is needed']);
    expect(load(text.replace('for: 1', 'for: 1s')).outline).toEqual([{ text: 'wait for 1s', line: 4 }]);
  });
  it('name the latest value with their name before them', () => {
    const text = `${head}x-a: &w { wait: { for: 1s } }\nx-b: &w { wait: { for: 2s } }\nsteps: [*w]\n`;
    expect(load(text).outline[0]!.text).toBe('wait for 2s');
  });
  it('that contain themselves are refused at their place, in a list and in a map', () => {
    expect(mistakesIn(`${head}steps: &all\n  - note: a\n  - repeat: { times: 2, steps: *all }\n`)).toEqual([
      '5:32: this alias contains itself',
    ]);
    expect(mistakesIn(`${head}steps: []\ncluster: &c { raft: *c }\n`)).toEqual([
      '4:21: this alias contains itself',
    ]);
    expect(mistakesIn(`${head}steps: []\nworkload: &w { <<: *w }\n`)).toEqual([
      '4:20: this alias contains itself',
    ]);
  });
  it('that name nothing are refused at their place', () => {
    expect(mistakesIn(`${head}workload: *fast\nsteps: []\n`)).toEqual([
      '3:11: no value before this is named `&fast`',
    ]);
  });
  it('of aliases of aliases, which would make billions of values, are refused', () => {
    const rows = Array.from({ length: 12 }, (_, i) => `x-${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]\n`);
    const text = `x-0: &a0 [note]\n${rows.join('')}${head}steps: []\n`;
    expect(mistakesIn(text)).toEqual([
      expect.stringMatching(/^7:\d+: too many values with those that aliases repeat$/),
    ]);
  });
});

describe('merge keys', () => {
  const base = 'x-base: &base { clients: 2, rate: 10/s }\nx-more: &more { clients: 3, timeout: 2s }\n';
  it('add the keys of another map, and keys of the map itself win', () => {
    const { workload } = load(`${base}${head}workload: { clients: 4, <<: *base }\nsteps: []\n`);
    expect(workload).toMatchObject({ clients: 4, ratePerSecond: 10 });
  });
  it('take a list of maps, of which the earlier ones win', () => {
    const { workload } = load(`${base}${head}workload: { <<: [*more, *base] }\nsteps: []\n`);
    expect(workload).toMatchObject({ clients: 3, ratePerSecond: 10, timeoutMs: 2_000 });
  });
  it('of anything else than maps are a mistake, and so is the quoted key `"<<"`', () => {
    expect(mistakesIn(`${head}workload: { <<: 5 }\nsteps: []\n`)).toEqual([
      '3:13: `<<` takes a map, or a list of maps',
    ]);
    expect(mistakesIn(`${base}${head}workload: { "<<": *base }\nsteps: []\n`)).toEqual([
      '5:13: unknown key `<<` in `workload`',
    ]);
  });
  it('give a mistake in a merged value the place of that value', () => {
    expect(mistakesIn(`x-a: &a { rate: 10 }\n${head}workload: { <<: *a }\nsteps: []\n`)).toEqual([
      '1:17: a number without a unit where a rate is needed',
    ]);
  });
});

describe('keys', () => {
  it('that begin with `x-` are free at the top, and only there', () => {
    expect(load(`${head}x-anything: [1, {a: b}]\nsteps: []\n`).source).not.toHaveProperty('x-anything');
    expect(mistakesIn(`${head}cluster: { x-nodes: 3 }\nsteps: []\n`)).toEqual([
      '3:12: unknown key `x-nodes` in `cluster`',
    ]);
  });
  it('that are lists, maps or aliases are refused at their place', () => {
    expect(mistakesIn(`${head}steps: []\n? { a: b }\n: 1\n`)).toEqual(['4:3: a map as a key']);
    expect(mistakesIn(`${head}? [a]\n: 1\nsteps: []\n`)).toEqual(['3:3: a list as a key']);
    expect(mistakesIn(`x-a: &a b\n${head}*a : 1\nsteps: []\n`)).toEqual(['4:1: an alias as a key']);
  });
  it('that are the same as text are one key, written as a number or as text', () => {
    expect(mistakesIn(`${head}x-a: { 1: a, "1": b }\nsteps: []\n`)).toEqual([
      '3:14: the same key twice in one map',
    ]);
  });
  it('named as parts of every JavaScript object are keys like others', () => {
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const found = mistakesIn(
        `${head}${key}: 1\nsteps: [{ ${key}: 2 }, { kill: { node: { ${key}: 3 } } }]\n`,
      );
      expect(found).toContain(`3:1: unknown key \`${key}\``);
      expect(found).toContain(`4:11: unknown key \`${key}\``);
      expect(found).toContainEqual(expect.stringMatching(/^4:\d+: expected a selector/));
    }
  });
});

describe('what YAML has and scenarios do not', () => {
  it('tags that are not known, or do not fit, are refused; those of the core schema work', () => {
    expect(mistakesIn(`${head}steps: !plan []\n`)).toEqual([
      '3:8: this tag is unknown, or does not fit its value: `!plan`',
    ]);
    for (const value of ['!!set { a }', '!!binary aGk=', '!!timestamp 2001-01-01', '!!int five'])
      expect(mistakesIn(`${head}x-a: ${value}\nsteps: []\n`)).toEqual([
        expect.stringContaining('3:6: this tag'),
      ]);
    expect(load(`apiVersion: chaos/v1\nname: !!str 7\nsteps: !!seq []\n`).name).toBe('7');
  });
  it('directives are refused, because `%YAML 1.1` would change the meaning of words', () => {
    expect(mistakesIn(`%YAML 1.1\n---\n${head}steps: []\n`)).toEqual([
      '1:1: scenarios may not have this YAML directive: `%YAML 1.1`',
    ]);
    expect(mistakesIn(`%YAML 1.2\n---\n${head}steps: []\n`)).toEqual([]);
  });
  it('nesting of hundreds of levels is refused where it becomes too deep, in every style', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{a: ', '}'],
      ['- ', ''],
      ['? ', ''],
      ['[{a: ', '}]'],
    ] as const) {
      const text = `${head}steps:\n  ${open.repeat(20_000 / open.length)}${close.repeat(5_000)}\n`;
      expect(mistakesIn(text)).toEqual([expect.stringMatching(/^4:\d{2,3}: nested too deep$/)]);
    }
    const aliases = Array.from({ length: 60 }, (_, i) => `x-${i + 1}: &a${i + 1} [[*a${i}]]\n`);
    expect(mistakesIn(`x-0: &a0 []\n${aliases.join('')}${head}steps: []\n`)).toContainEqual(
      expect.stringMatching(/^5\d:\d+: nested too deep$/),
    );
  });
  it('`no`, `yes`, `on` and `off` are text, which the hint says where a truth value is needed', () => {
    const text = printed(`${head}expect: { always: { linearizable: off } }\nsteps: []\n`);
    expect(text).toContain('x.yaml:3:35: expected `true` or `false` or a map with `limit`\n');
    expect(text).toContain('= `off` is text in YAML 1.2: write `false`');
  });
});

describe('a value that may have several forms', () => {
  it('is explained by all of them if it has none', () => {
    expect(mistakesIn(`${head}workload: { rate: [1] }\nsteps: []\n`)).toEqual([
      '3:13: expected `max` or a rate such as `500/s`',
    ]);
    expect(mistakesIn(`${head}expect: { always: { invariants: 5 } }\nsteps: []\n`)).toEqual([
      '3:33: expected `all` or `none` or a list',
    ]);
    expect(mistakesIn(`${head}steps: [{ parallel: [5] }]\n`)).toEqual(['3:22: expected a map or a list']);
  });
  it('is explained by the form that it nearly has, and the words that may stand there', () => {
    expect(printed(`${head}workload: { rate: mxa }\nsteps: []\n`)).toContain('= did you mean `max`?');
    expect(printed(`${head}steps: [{ cut: { from: cleints, to: n1 } }]\n`)).toContain(
      '= did you mean `clients`?',
    );
  });
});

describe('what is printed about a wrong file', () => {
  it('has no character that a terminal obeys, neither from the text nor from the name of the file', () => {
    const text = printed(
      `${head}"\\e[2J\\x9b": 1\nsteps: [{ kill: "l\u001b]0;t\u0007\u202e" }]\n`,
      'a\u001b[31m\n.yaml',
    );
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(text).toContain('a␛[31m␊.yaml:3:1: unknown key `␛[2J⟨U+009B⟩`');
  });
  it('has the caret under the token after characters that take more room when they are shown', () => {
    const lines = printed(`${head}steps: [{ note: "\u202e", kill: leadr }]\n`).split('\n');
    const [source, caret] = lines.slice(-3);
    expect(source!.slice(caret!.indexOf('^'), caret!.lastIndexOf('^') + 1)).toBe('leadr');
  });
  it('shows the part of a long line around the caret, and the beginning of a long value', () => {
    const text = printed(
      `${head}description: "${'d'.repeat(50_000)}"\nsteps: [{ note: ${'a'.repeat(9_000)}, kil: "${'b'.repeat(90_000)}" }]\n`,
    );
    expect(text.length).toBeLessThan(1_000);
    expect(text.split('\n').every((line) => line.length < 400)).toBe(true);
    expect(text).toMatch(/\^\^\^$/m);
    expect(printed(`${head}steps: [{ kill: ${'x'.repeat(100_000)} }]\n`).length).toBeLessThan(1_500);
  });
  it('is limited to the first fifty mistakes and the number of the others', () => {
    const wrong = Array.from({ length: 5_000 }, (_, i) => `  - kill: no-node-${i}\n`).join('');
    const text = printed(`${head}steps:\n${wrong}`);
    expect(text.match(/unknown selector/g)).toHaveLength(MOST_MISTAKES);
    expect(text).toContain('x.yaml:4:11: unknown selector `no-node-0`');
    expect(text.endsWith('\n\n… and 4950 more mistakes in this file')).toBe(true);
    expect(printed(`${head}steps: ${']'.repeat(50_000)}\n`)).toMatch(
      /… and 49\d\d\d more mistakes in this file$/,
    );
  });
  it('is short for a file of the maximum size that is wrong everywhere', () => {
    for (const piece of ['{}', '"\\x', 'k: 1\n'])
      expect(printed(piece.repeat(MAX_CHARACTERS / piece.length)).length).toBeLessThan(100_000);
  });
});
