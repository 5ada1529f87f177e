import { OP_FUNCTIONS } from '../../history/op.ts';
import { SAFETY_PROPERTIES } from '../../trace.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALL_CAPABILITIES, type Able, type Capability } from '../../ports/capability.ts';
import { jsonSchema } from './json-schema.ts';
import { formatErrors, loadScenario } from './load.ts';
import type { Chosen } from './schema.ts';

const head = 'apiVersion: chaos/v1\nname: x\n';
/** `line:column: message | hint` of every error. */
function errorsOf(text: string): readonly string[] {
  const loaded = loadScenario('x.yaml', text);
  if (loaded.ok) return [];
  return loaded.errors.map(
    ({ line, column, message, hint }) => `${line}:${column}: ${message}${hint === null ? '' : ` | ${hint}`}`,
  );
}
const steps = (...lines: string[]): string => `${head}steps:\n${lines.map((line) => `  ${line}\n`).join('')}`;

describe('each mistake is reported at its token', () => {
  const cases: readonly (readonly [what: string, text: string, errors: readonly string[]])[] = [
    [
      'an empty file',
      '',
      ['1:1: the file is empty | a scenario begins with `apiVersion: chaos/v1`; see docs/scenarios.md'],
    ],
    [
      'only a comment',
      '# nothing\n',
      ['1:1: the file is empty | a scenario begins with `apiVersion: chaos/v1`; see docs/scenarios.md'],
    ],
    ['a list instead of a map', '- a\n', ['1:1: expected a map']],
    ['binary', 'api\0Version', ['1:4: not a text file | a scenario is YAML in UTF-8']],
    ['a missing version', 'name: x\nsteps: []\n', ['1:1: `apiVersion` is missing | expected `chaos/v1`']],
    ['another version', 'apiVersion: chaos/v2\nname: x\nsteps: []\n', ['1:13: expected `chaos/v1`']],
    ['no steps', head, ['1:1: `steps` is missing | expected a list of steps']],
    [
      'an unknown key',
      `${head}clutser: {}\nsteps: []\n`,
      ['3:1: unknown key `clutser` | did you mean `cluster`?'],
    ],
    [
      'an unknown key deep inside',
      steps('- partition: { isolat: leader }'),
      [
        '4:5: no form of partition | give one of `isolate`, `halves`, `bridge`, `ring`',
        '4:18: unknown key `isolat` in `partition` | did you mean `isolate`?',
      ],
    ],
    [
      'an unknown verb',
      steps('- partitoin: { isolate: leader }'),
      ['4:5: unknown key `partitoin` | did you mean `partition`?'],
    ],
    [
      'a bare number for a duration',
      steps('- wait: { for: 5 }'),
      ['4:18: a number without a unit where a duration or range is needed | write the unit: `5ms`'],
    ],
    [
      'a bare number in quotes',
      steps('- wait: { for: "5" }'),
      ['4:18: a number without a unit where a duration or range is needed | write the unit: `5ms`'],
    ],
    [
      'an unknown unit',
      steps('- wait: { for: 5h }'),
      ['4:18: unknown unit `h` | a duration or range has `us`, `ms`, `s`, `m`, such as `150ms..300ms`'],
    ],
    [
      'a range backwards',
      steps('- wait: { for: 5s..1s }'),
      ['4:18: the first value of a range must not be larger than the second'],
    ],
    [
      'a rate without its unit',
      `${head}workload: { rate: 500 }\nsteps: []\n`,
      ['3:19: a number without a unit where a rate is needed | write the unit: `500/s`, or `max`'],
    ],
    [
      'shares that do not add up',
      `${head}workload: { mix: { read: 50%, write: 40% } }\nsteps: []\n`,
      ['3:13: the shares add up to 90%, not 100%'],
    ],
    [
      'an unknown selector',
      steps('- kill: { node: leadr }'),
      ['4:19: unknown selector `leadr` | did you mean `leader`?'],
    ],
    [
      'an unknown selector in a list',
      steps('- kill: [n1, followrs]'),
      ['4:16: unknown selector `followrs` | did you mean `followers`?'],
    ],
    [
      'a short form of the wrong kind',
      steps('- kill: 5'),
      [
        '4:11: expected a selector such as `leader`, `n1` or `[n1, n2]` or a map with `node`, `restart-after`',
      ],
    ],
    [
      'a node that is not there',
      steps('- kill: n4'),
      ['4:11: there is no node `n4` | the cluster has n1 to n3'],
    ],
    [
      'a name that nothing binds',
      steps('- kill: $old'),
      ['4:11: nothing before this binds `$old` | `bind: old` on an earlier step names what it chose'],
    ],
    [
      'a name that is bound only later',
      steps('- kill: $olt', '- kill: leader', '  bind: old', '- restart: $olt'),
      [
        '4:11: nothing before this binds `$olt` | `bind: olt` on an earlier step names what it chose',
        '7:14: nothing before this binds `$olt` | did you mean `$old`?',
      ],
    ],
    [
      'a handle that nothing names',
      steps('- heal: cut'),
      ['4:11: no fault before this is named `cut` | `as: cut` on an earlier step names a fault'],
    ],
    [
      'a window that nothing names',
      `${steps('- kill: leader', '  as: crash')}expect:\n  during: [{ window: crahs, acked-ops: 0 }]\n`,
      ['7:22: no fault before this is named `crahs` | did you mean `crash`?'],
    ],
    [
      'a role in `during`, which may change during the window',
      `${steps('- kill: leader', '  as: crash')}expect:\n  during: [{ window: crash, node: leader, acked-ops: 0 }]\n`,
      [
        '7:35: `leader` may be another node at each moment of the window | name a node, or `bind:` one on the step and give its `$name`',
      ],
    ],
    [
      '`unchanged-since` a fault that nothing names',
      steps('- check: { node: n1, commit-index: unchanged-since(cut) }'),
      ['4:38: no fault before this is named `cut` | `as: cut` on an earlier step names a fault'],
    ],
    [
      'a duplicate key',
      `${head}name: y\nsteps: []\n`,
      ['3:1: the same key twice in one map | remove one of them'],
    ],
    ['a tab', `${head}steps:\n\t- note: x\n`, ['4:1: a tab in the indentation | indent with spaces']],
    [
      'a second document',
      `${head}steps: []\n---\nname: y\n`,
      ['4:1: a second document in the file | one scenario per file: end it before the `---`'],
    ],
    [
      'two verbs',
      steps('- kill: leader', '  note: x'),
      ['5:5: a second verb in one step: `note` beside `kill` | make it a step of its own'],
    ],
    [
      '`for` on a wait',
      steps('- wait: { for: 1s }', '  for: 2s'),
      ['5:5: `for` does not go with `wait` | it heals a fault by itself; to sleep: `wait: {for: 2s}`'],
    ],
    [
      '`until` without a limit',
      steps('- wait: { until: { converged: true } }'),
      ['4:5: `until` needs `within`: how long may it take?'],
    ],
    [
      'nothing to wait for',
      steps('- wait: { until: {}, within: 1s }'),
      [
        '4:13: nothing to look for | give `leader`, `progress`, `converged`, `latency`, or `node` with what it should be',
      ],
    ],
    [
      'no comparison',
      steps('- wait: { until: { leader: { term: "over 5" } }, within: 1s }'),
      ['4:38: not a comparison: `over 5` | write one such as `"> 5"` or `"> $old.term"`'],
    ],
    [
      'no link',
      steps('- delay: { add: 5ms }'),
      ['4:5: no links are given | give `links: all`, or `from` and `to`'],
    ],
    [
      'a wrong mode',
      steps('- partition: { isolate: leader, mode: refused }'),
      ['4:41: `refused` is not one of `blackhole`, `refuse` | did you mean `refuse`?'],
    ],
    [
      'a ring of three',
      steps('- partition: { ring: all }'),
      ['4:18: a ring of 3 nodes cuts nothing | give the cluster at least 4 nodes'],
    ],
    [
      'a mistake inside a repeat',
      steps('- repeat:', '    times: 2', '    steps:', '      - kill: leadr'),
      ['7:17: unknown selector `leadr` | did you mean `leader`?'],
    ],
    [
      'a mistake inside a branch',
      steps('- parallel:', '    - [{ note: x }, { wait: { for: 3 } }]'),
      ['5:38: a number without a unit where a duration or range is needed | write the unit: `3ms`'],
    ],
    [
      '`within` inside a wait',
      steps('- wait: { until: { leader: { count: 1, within: 1s } }, within: 2s }'),
      ['4:13: `within` does not belong in here | put it beside `until`'],
    ],
  ];
  it.each(cases)('%s', (_what, text, errors) => expect(errorsOf(text)).toEqual(errors));

  for (const verb of ['wipe', 'skew', 'disk', 'transfer-leader', 'membership', 'random', 'use']) {
    it(`\`${verb}\` is in the language but not in this version: an error, never skipped`, () => {
      expect(errorsOf(steps(`- ${verb}: { node: n1 }`))).toEqual([
        expect.stringMatching(`^4:5: \`${verb}\` is not built yet \\| this version has \`partition\``),
      ]);
    });
  }

  it('a syntax error is reported where the parser finds it', () => {
    expect(errorsOf(`${head}steps: [\n`)).toEqual([expect.stringMatching(/^\d:\d: not YAML: /)]);
  });
});

describe('all mistakes of a file are reported at once, in the order of the file', () => {
  const text = `apiVersion: chaos/v1
name: Bad Name
clutser: { nodes: 3 }
steps:
  - kill: leadr
  - heal: nothing
  - wait: { for: 5 }
`;
  it('those of the schema together with those of references', () => {
    expect(errorsOf(text).map((error) => error.split(':', 2).join(':'))).toEqual([
      '2:7',
      '3:1',
      '5:11',
      '6:11',
      '7:18',
    ]);
  });
  it('with the line, a caret under the token, and a hint', () => {
    const loaded = loadScenario('bad.yaml', text);
    if (loaded.ok) throw new Error('it must not load');
    expect(formatErrors({ errors: loaded.errors.slice(1, 3), more: 0 })).toBe(
      [
        'bad.yaml:3:1: unknown key `clutser`',
        '    3 | clutser: { nodes: 3 }',
        '      | ^^^^^^^',
        '      = did you mean `cluster`?',
        '',
        'bad.yaml:5:11: unknown selector `leadr`',
        '    5 |   - kill: leadr',
        '      |           ^^^^^',
        '      = did you mean `leader`?',
      ].join('\n'),
    );
  });
});

describe('a step that the chosen system or stage cannot do is refused at its verb', () => {
  const able = (name: string, ...missing: Capability[]): Able => ({
    name,
    capabilities: ALL_CAPABILITIES.difference(new Set(missing)),
  });
  const all = able('all');
  const refusals = (text: string, chosen: Chosen): readonly string[] => {
    const loaded = loadScenario('x.yaml', text, () => chosen);
    return loaded.ok ? [] : loaded.errors.map(({ line, column, message }) => `${line}:${column}: ${message}`);
  };
  const shippedText = (name: string): string =>
    readFileSync(new URL(`../../../scenarios/${name}.yaml`, import.meta.url), 'utf8');

  it('pause-leader.yaml, by a system without `pause`: the error has the line and what the system can do', () => {
    const text = shippedText('pause-leader');
    const loaded = loadScenario('pause-leader.yaml', text, () => ({
      system: { name: 'etcd', capabilities: new Set(['kill', 'cut']) },
      stage: all,
    }));
    if (loaded.ok) throw new Error('it must not load');
    const line = text.split('\n').findIndex((each) => each.includes('- pause:')) + 1;
    expect(formatErrors(loaded)).toBe(
      [
        `pause-leader.yaml:${line}:11: \`pause\` needs \`pause\` (pause and resume a node process), which the system \`etcd\` cannot do`,
        `${String(line).padStart(5)} |         - pause: { node: leader }`,
        '      |           ^^^^^',
        '      = the system `etcd` can do: kill, cut',
      ].join('\n'),
    );
  });
  it('inside `parallel` and `repeat`', () => {
    const text = steps(
      '- parallel:',
      '    - - kill: n1',
      '      - repeat: { times: 2, steps: [{ pause: n2 }] }',
    );
    expect(refusals(text, { system: all, stage: able('remote', 'pause', 'kill') })).toEqual([
      expect.stringMatching(/^5:11: `kill` needs `kill` .* which the stage `remote` cannot do$/),
      expect.stringMatching(/^6:41: `pause` needs `pause` .* which the stage `remote` cannot do$/),
    ]);
  });
  it('by what its fields ask for: a rolling restart kills only with `mode: kill`', () => {
    const chosen = { system: able('etcd', 'kill'), stage: all };
    expect(refusals(steps('- rolling-restart: { within: 5s }'), chosen)).toEqual([]);
    expect(refusals(steps('- rolling-restart: { within: 5s, mode: kill }'), chosen)).toHaveLength(1);
  });
  it('once for the system and once for the stage, if neither can do it', () => {
    const chosen = { system: able('etcd', 'cut'), stage: able('remote', 'cut') };
    expect(refusals(steps('- partition: { isolate: n1 }'), chosen)).toHaveLength(2);
  });
  it('the capabilities are those of the system that the file names, and a system that lists none can do everything', () => {
    const chosen = { system: able('raft', 'kill'), stage: all };
    const asked: string[] = [];
    const load = (text: string) =>
      loadScenario('x.yaml', text, (system) => {
        asked.push(system);
        return system === 'raft' ? chosen : { system: { name: system }, stage: all };
      });
    expect(load(steps('- kill: n1')).ok).toBe(false);
    expect(load(steps('- pause: n1')).ok).toBe(true);
    expect(asked).toEqual(['raft', 'raft']);
    expect(refusals(steps('- kill: n1'), { system: { name: 'other' }, stage: all })).toEqual([]);
  });
});

describe('a file without mistakes becomes a scenario', () => {
  const load = (text: string) => {
    const loaded = loadScenario('x.yaml', text);
    if (!loaded.ok) throw new Error(formatErrors(loaded));
    return loaded.scenario;
  };
  it('with every default filled in', () => {
    const { cluster, workload, steady, expect: wanted, seed } = load(`${head}steps: []\n`);
    expect({ cluster, workload, seed }).toEqual({
      cluster: { nodes: 3, system: 'raft', electionTimeoutMs: [300, 600], heartbeatMs: 50 },
      workload: {
        clients: 6,
        ratePerSecond: 300,
        keys: 5,
        skew: 'uniform',
        timeoutMs: 1_000,
        routing: 'mixed',
        mix: { read: 0.5, write: 0.35, cas: 0.15, delete: 0, append: 0 },
      },
      seed: null,
    });
    expect(steady).toHaveLength(2);
    expect(wanted.always).toMatchObject({ linearizableMs: 60_000, invariants: 'all' });
  });
  it('with quantities in one unit', () => {
    const text = `${head}cluster: { nodes: 5, raft: { election-timeout: 1s..1.5s, heartbeat: 20ms } }\nworkload: { rate: max, keys: { count: 4, skew: zipf(1.1) }, timeout: 2m }\nsteps: []\n`;
    const { cluster, workload } = load(text);
    expect(cluster).toEqual({ nodes: 5, system: 'raft', electionTimeoutMs: [1_000, 1_500], heartbeatMs: 20 });
    expect(workload).toMatchObject({ ratePerSecond: null, keys: 4, skew: { zipf: 1.1 }, timeoutMs: 120_000 });
  });
  it('with an outline that says each step and its line', () => {
    const text = steps(
      '- partition: { isolate: leader }',
      '  as: cut',
      '- repeat: { times: 3, steps: [{ note: hi }] }',
      '- heal: cut',
    );
    expect(load(text).outline).toEqual([
      { text: 'partition isolate leader as cut', line: 4 },
      { text: 'repeat 3 times: 1 step', line: 6 },
      { text: 'heal cut', line: 7 },
    ]);
  });
});

describe('what is shipped', () => {
  const folder = new URL('../../../scenarios/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  for (const file of files) {
    const text = readFileSync(new URL(file, folder), 'utf8');
    it(`${file} has no mistakes, has the name of its file, and says what it shows`, () => {
      const loaded = loadScenario(file, text);
      expect(loaded.ok ? '' : formatErrors(loaded)).toBe('');
      expect(loaded.ok && loaded.scenario.name).toBe(file.replace('.yaml', ''));
      expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/schema\/scenario\.v1\.json\n# [A-Z]/);
    });
  }
  it('the written JSON Schema is the one that the loader has (else: chaos schema > scenarios/schema/scenario.v1.json)', () => {
    const written: unknown = JSON.parse(readFileSync(new URL('schema/scenario.v1.json', folder), 'utf8'));
    expect(written).toEqual(jsonSchema());
  });
});

it('docs/scenarios.md names every operation and every safety property', () => {
  const page = readFileSync(new URL('../../../docs/scenarios.md', import.meta.url), 'utf8');
  const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
  expect(page).toContain(list(SAFETY_PROPERTIES));
  for (const f of OP_FUNCTIONS) expect(page).toContain(`\`${f}\``);
});
