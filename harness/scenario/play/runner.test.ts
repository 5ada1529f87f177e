import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../event.ts';
import { ALL_CAPABILITIES } from '../../ports/capability.ts';
import { play, type Played, type PlayOptions } from '../../stage/sim/testing/play.ts';
import { STALE_READS } from '../../stage/sim/testing/stale-parts.ts';
import type { PropertyResult, TraceMonitor } from '../../ports/system.ts';
import { raftSystem } from '../../systems/raft/system.ts';
import { SAFETY_PROPERTIES } from '../../trace.ts';
import { formatErrors, loadScenario } from '../language/load.ts';

const shipped = (name: string): string =>
  readFileSync(new URL(`../../../scenarios/${name}.yaml`, import.meta.url), 'utf8');

const scenario = (steps: string, rest = ''): string => `apiVersion: chaos/v1
name: test
seed: 3
workload: { clients: 4, rate: 200/s, keys: 3, mix: { read: 50%, write: 50% } }
steps:
${steps}
${rest}`;

/** Nothing may be left of any fault: every link clean, every node running. */
function expectHealed({ linksLeft }: Played): void {
  for (const [link, condition] of Object.entries(linksLeft)) expect([link, condition]).toEqual([link, {}]);
}
const livesAtEnd = (played: Played): Record<string, string> => {
  const lives: Record<string, string> = {};
  const end = played.events.findIndex((event) => event.type === 'phase' && event.phase === 'stopping');
  for (const event of played.events.slice(0, end)) if (event.type === 'life') lives[event.node] = event.life;
  return lives;
};
const expectationNamed = ({ outcome }: Played, name: RegExp) =>
  outcome.expectations.find((each) => name.test(each.name));

describe('a run that holds', () => {
  const names = readdirSync(new URL('../../../scenarios/', import.meta.url)).flatMap((file) =>
    file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : [],
  );
  for (const name of names) {
    it(`${name} passes on the simulated stage, and leaves nothing behind`, async () => {
      const played = await play(shipped(name));
      const bad = played.outcome.expectations.filter(({ status }) => status !== 'pass');
      expect(bad).toEqual([]);
      expect(played.outcome).toMatchObject({
        verdict: 'pass',
        exitCode: 0,
        interrupted: null,
        error: null,
        violations: [],
      });
      expectHealed(played);
      expect(new Set(Object.values(livesAtEnd(played)))).toEqual(new Set(['up']));
    });
  }

  it('a run of a system without a trace passes: its safety properties are not judged, and the run says so', async () => {
    const played = await play(shipped('partition-follower'), { system: { name: 'opaque' } });
    expect(played.outcome).toMatchObject({ verdict: 'pass', exitCode: 0 });
    const open = played.outcome.expectations.filter(({ status }) => status !== 'pass');
    expect(open.map(({ name }) => name)).toEqual(SAFETY_PROPERTIES);
    for (const { group, status, detail } of open) {
      expect([group, status]).toEqual(['always', 'not-judged']);
      expect(detail).toBe('not judged: the system opaque does not report what this takes');
    }
    expect(played.outcome.sentence).toMatch(
      /^All \d+ expectations that were judged held \(6 were not judged\), over /,
    );
    const notes = played.events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
    expect(notes).toContainEqual(expect.stringMatching(/^not judged: election-safety, .* the system opaque/));
  });

  it('a run of a system whose monitor judges one property leaves only the others not judged', async () => {
    const one = (nodes: readonly string[]): TraceMonitor => {
      const all = raftSystem().monitor!(nodes);
      const results = (): readonly PropertyResult[] =>
        all.results().filter(({ property }) => property === 'election-safety');
      return {
        feed: (t, node, trace) => all.feed(t, node, trace),
        started: (node) => all.started(node),
        hole: (t, node, reason) => all.hole(t, node, reason),
        wiped: (node) => all.wiped(node),
        results,
      };
    };
    const { outcome } = await play(shipped('partition-follower'), {
      system: { name: 'partial', monitor: one },
    });
    const open = outcome.expectations.filter(({ status }) => status === 'not-judged').map(({ name }) => name);
    expect(open).toEqual(SAFETY_PROPERTIES.filter((name) => name !== 'election-safety'));
    expect(outcome.verdict).toBe('pass');
  });

  it('goes through its phases in order', async () => {
    const { events } = await play(shipped('partition-leader'));
    const phases = events.flatMap((event) => (event.type === 'phase' ? [event.phase] : []));
    expect(phases).toEqual(['starting', 'steady', 'running', 'healing', 'checking', 'stopping']);
  });

  it('has the same events again with the same seed', async () => {
    const text = shipped('partition-follower');
    const [first, second] = [await play(text, { seed: 5 }), await play(text, { seed: 5 })];
    const timeless = (events: readonly HarnessEvent[]) => events.filter(({ type }) => type !== 'check');
    expect(timeless(first.events)).toEqual(timeless(second.events));
    expect(first.outcome.flat).toBe(second.outcome.flat);
  });

  it('counts what happened', async () => {
    const { outcome } = await play(
      scenario('  - kill: { node: leader, restart-after: 1s }\n  - wait: { for: 2s }'),
    );
    expect(outcome.counts).toMatchObject({ faults: 1, manualFaults: 0, elections: 2, nodeStarts: 4 });
    expect(outcome.counts.operations).toBe(outcome.ops.length);
    expect(outcome.firstFaultMs).toBeGreaterThan(0);
    expect(outcome.leaderGaps).toHaveLength(1);
  });
});

describe('a run that fails', () => {
  it('a wait that expires is a failed expectation: exit 1, with what was seen', async () => {
    const played = await play(
      scenario('  - wait: { until: { leader: { term: "> 50" } }, within: 1s }\n  - note: never'),
    );
    expect(played.outcome).toMatchObject({ verdict: 'violation', exitCode: 1, violations: [] });
    expect(expectationNamed(played, /term > 50/)).toMatchObject({
      status: 'fail',
      line: 6,
      detail: expect.stringMatching(/not within 1s: n2 leads term 1, wanted > 50/) as string,
    });
    expect(played.events.some((event) => event.type === 'note' && event.text === 'never')).toBe(false);
  });
  it('a check that fails is a failed expectation too, and the steps go on', async () => {
    const played = await play(scenario('  - check: { leader: { is: n3 } }\n  - note: still'));
    expect(played.outcome).toMatchObject({ verdict: 'violation', exitCode: 1 });
    expect(played.events.some((event) => event.type === 'note' && event.text === 'still')).toBe(true);
  });
  it('a run that never reaches its steady state is inconclusive: exit 4', async () => {
    const text = `${scenario('  - note: never')}steady: [{ leader: { is: n3 }, within: 1s }]\n`;
    const { outcome, events } = await play(text);
    expect(outcome).toMatchObject({ verdict: 'inconclusive', exitCode: 4 });
    expect(outcome.sentence).toMatch(/steady state was never reached/);
    expect(events.some((event) => event.type === 'step')).toBe(false);
  });
  it('a selector that matches nothing is inconclusive, unless the step says skip', async () => {
    const noLeaderLeft = '  - kill: all\n  - kill: { node: leader }';
    expect((await play(scenario(noLeaderLeft))).outcome).toMatchObject({
      verdict: 'inconclusive',
      exitCode: 4,
      sentence: expect.stringMatching(/`leader` matches no node/) as string,
    });
    expect((await play(scenario(`${noLeaderLeft}\n    on-empty: skip`))).outcome).toMatchObject({
      verdict: 'pass',
      exitCode: 0,
    });
  });
  it('a run in which no fault was seen to take effect is inconclusive', async () => {
    // Two followers, which have nothing to say to each other.
    const steps = '  - delay: { from: n3, to: n1, add: 1ms }\n    for: 1ms\n  - wait: { for: 20ms }';
    const { outcome } = await play(scenario(steps, 'expect: { not-vacuous: { faults-observed: all } }'));
    expect(outcome).toMatchObject({
      verdict: 'inconclusive',
      exitCode: 4,
      sentence: expect.stringMatching(/nothing shows that delay/) as string,
    });
  });
  it('a run with too few operations is inconclusive', async () => {
    const { outcome } = await play(scenario('  - note: x', 'expect: { not-vacuous: { ops: 100000 } }'));
    expect(outcome).toMatchObject({ verdict: 'inconclusive', exitCode: 4 });
  });
  it('stale reads are a violation, proven by operations', async () => {
    const steps =
      '  - partition: { isolate: n2 }\n    as: cut\n    bind: old\n  - wait: { for: 5s }\n  - heal: cut';
    const rest = 'expect: { during: [{ window: cut, node: $old, stale-reads: 0 }] }';
    const played = await play(scenario(steps, rest), { parts: STALE_READS });
    expect(played.outcome).toMatchObject({ verdict: 'violation', exitCode: 1 });
    expect(played.outcome.violations[0]).toMatchObject({ property: 'linearizability' });
    expect(expectationNamed(played, /^linearizable$/)).toMatchObject({ status: 'fail' });
    expect(expectationNamed(played, /stale-reads/)).toMatchObject({ status: 'fail' });
  });
});

describe('linearizability while the run goes on', () => {
  const steps =
    '  - partition: { isolate: n2 }\n    as: cut\n  - wait: { for: 5s }\n  - heal: cut\n  - wait: { for: 3s }';

  it('a violation is reported during the steps, with key and operations, and the final check confirms it', async () => {
    const { events, outcome } = await play(scenario(steps), { parts: STALE_READS });
    const at = (match: (event: HarnessEvent) => boolean): number => events.findIndex(match);
    const first = at((event) => event.type === 'violation');
    expect(events[first]).toMatchObject({ property: 'linearizability', live: true });
    expect(first).toBeLessThan(at((event) => event.type === 'phase' && event.phase === 'healing'));
    const found = (live: true | undefined): ReadonlySet<unknown> =>
      new Set(
        events.flatMap((event) => (event.type === 'violation' && event.live === live ? [event.key] : [])),
      );
    expect(found(true)).toEqual(found(undefined));
    expect(outcome).toMatchObject({ verdict: 'violation', exitCode: 1, error: null });
  });

  it('the progress of the live check is reported during the run', async () => {
    const { events } = await play(scenario(steps));
    const progress = events.filter((event) => event.type === 'checked');
    expect(progress.length).toBeGreaterThan(10);
    expect(progress.at(-1)).toMatchObject({ to: progress.at(-1)!.t, undecided: 0 });
  });

  it('stop-on-violation ends the steps at the first one, heals and judges', async () => {
    const { events, outcome } = await play(scenario(steps), { parts: STALE_READS, stopOnViolation: true });
    const ended = events.filter((event) => event.type === 'step' && event.state === 'ok');
    expect(ended.length).toBeLessThan(4);
    expect(outcome).toMatchObject({ verdict: 'violation', exitCode: 1, error: null });
    expect(outcome.violations.length).toBeGreaterThan(0);
    expect(events.filter((event) => event.type === 'fault' && event.state === 'healed')).toHaveLength(1);
  });

  it('a violation that the final check denies is an error of the harness, never a pass', async () => {
    const { outcome } = await play(scenario('  - wait: { for: 1s }\n  - note: now\n  - wait: { for: 1s }'), {
      onEvent: (event, { workload }) =>
        event.type === 'note' && event.text === 'now' && workload.accuse('k0'),
    });
    expect(outcome).toMatchObject({ verdict: 'error', exitCode: 3 });
    expect(outcome.error).toMatch(/the checkers disagree: key k0 was found not to be linearizable/);
  });

  it('a run that is aborted before the final check has the live result as its verdict', async () => {
    const { outcome } = await play(scenario(steps), {
      parts: STALE_READS,
      onEvent: (event, { press }) => event.type === 'violation' && press({ type: 'abort' }),
    });
    expect(outcome).toMatchObject({ verdict: 'violation', exitCode: 130 });
    expect(outcome.violations[0]).toMatchObject({ property: 'linearizability' });
  });
});

describe('a run whose environment fails', () => {
  it('a node that exits by itself fails the run; the message has its name, exit code and last stderr lines', async () => {
    const { outcome } = await play(scenario('  - wait: { for: 5s }'), {
      onEvent: (event, { cluster }) => {
        if (event.type === 'step' && event.state === 'running')
          cluster.crash('n2', 134, 'assertion failed: commit <= last');
      },
    });
    expect(outcome).toMatchObject({ verdict: 'violation', exitCode: 1 });
    expect(outcome.sentence).toMatch(/n2 exited by itself with code 134: assertion failed: commit <= last/);
  });
  it('a node that says its disk failed (exit 3) is an error of the environment', async () => {
    const { outcome } = await play(scenario('  - wait: { for: 5s }'), {
      onEvent: (event, { cluster }) => {
        if (event.type === 'step' && event.state === 'running') cluster.crash('n2', 3, 'no space left');
      },
    });
    expect(outcome).toMatchObject({
      verdict: 'error',
      exitCode: 3,
      error: expect.stringMatching(/n2 .*code 3: no space left/) as string,
    });
  });
  it('the end of the proxy server in mid-run is an error: exit 3', async () => {
    const { outcome } = await play(scenario('  - partition: { isolate: n1 }\n  - wait: { for: 5s }'), {
      onEvent: (event, { links, abort }) => {
        if (event.type !== 'fault' || event.state !== 'confirmed') return;
        links.gone = new Error('connect ECONNREFUSED');
        abort(new Error('the Toxiproxy server ended in mid-run'));
      },
    });
    expect(outcome).toMatchObject({
      verdict: 'error',
      exitCode: 3,
      error: 'the Toxiproxy server ended in mid-run',
    });
  });
  it('an internal error of the load is an error of the run: exit 3', async () => {
    const { outcome } = await play(scenario('  - wait: { for: 5s }'), {
      onEvent: (event, { workload }) =>
        event.type === 'step' && event.state === 'running' && workload.break('out of memory'),
    });
    expect(outcome).toMatchObject({
      verdict: 'error',
      exitCode: 3,
      error: 'the load generator failed: out of memory',
    });
  });
  it('a proven violation is reported even if the environment fails afterwards', async () => {
    const steps =
      '  - partition: { isolate: n2 }\n    as: cut\n  - wait: { for: 5s }\n  - heal: cut\n  - note: now\n  - wait: { for: 1s }';
    const { outcome } = await play(scenario(steps), {
      parts: STALE_READS,
      onEvent: (event, { abort }) =>
        event.type === 'note' && event.text === 'now' && abort(new Error('the proxy died')),
    });
    expect(outcome).toMatchObject({ verdict: 'violation', exitCode: 1, error: 'the proxy died' });
  });
});

describe('an interrupted run heals, checks what there is, and says so', () => {
  const steps = `  - partition: { isolate: leader }
    as: cut
  - pause: follower
    as: frost
  - delay: { links: clients, add: 5ms }
  - kill: any
  - wait: { for: 1s }
  - heal: cut
  - wait: { for: 5s }`;
  const rest = 'expect:\n  recovery: { caught-up-within: 5s }\n  not-vacuous: { ops: 1000000 }';
  const moments: readonly (readonly [string, (event: HarnessEvent) => boolean])[] = [
    ['while the nodes start', (event) => event.type === 'life' && event.life === 'starting'],
    ['in the steady phase', (event) => event.type === 'phase' && event.phase === 'steady'],
    ['as a fault is asked for', (event) => event.type === 'fault' && event.state === 'requested'],
    [
      'as a fault is confirmed',
      (event) => event.type === 'fault' && event.verb === 'kill' && event.state === 'confirmed',
    ],
    ['while a step waits', (event) => event.type === 'step' && event.index === 4],
    ['as a fault is healed', (event) => event.type === 'fault' && event.state === 'healing'],
    ['while everything is healed', (event) => event.type === 'phase' && event.phase === 'healing'],
    ['while it is checked', (event) => event.type === 'phase' && event.phase === 'checking'],
  ];
  it.each(moments)('%s', async (_when, is) => {
    let done = false;
    const played = await play(scenario(steps, rest), {
      onEvent: (event, { abort }) => {
        if (!done && is(event)) abort('SIGINT');
        done ||= is(event);
      },
    });
    expect(done).toBe(true);
    expect(played.outcome).toMatchObject({ exitCode: 130, interrupted: 'SIGINT' });
    expect(played.outcome.verdict).toBe('inconclusive');
    expectHealed(played);
    expect(Object.values(livesAtEnd(played))).not.toContain('paused');
  });
  it.each(['note: x', 'check: { leader: { count: 1 } }', 'heal: all'])(
    'at once in a loop of steps that take no time: %s',
    async (step) => {
      const loop = `  - repeat: { times: 1000, steps: [{ repeat: { times: 100, steps: [{ ${step} }] } }] }`;
      let aborted = false;
      const { events, outcome } = await play(scenario(loop), {
        onEvent: (event, { abort }) => {
          if (event.type === 'step' && event.path !== undefined && !aborted) abort('SIGINT');
          aborted ||= event.type === 'step' && event.path !== undefined;
        },
      });
      expect(outcome).toMatchObject({ exitCode: 130, interrupted: 'SIGINT', verdict: 'inconclusive' });
      expect(events.filter((event) => event.type === 'step').length).toBeLessThan(20);
    },
  );
  it('exit codes are those that shells expect', async () => {
    const onStep = (reason: string): PlayOptions => ({
      onEvent: (event, { abort }) => event.type === 'step' && abort(reason),
    });
    expect((await play(scenario(steps), onStep('SIGTERM'))).outcome.exitCode).toBe(143);
    expect((await play(scenario(steps), onStep('SIGHUP'))).outcome.exitCode).toBe(129);
  });
  it('abort heals, and checks nothing', async () => {
    const played = await play(scenario(steps), {
      onEvent: (event, { press }) => event.type === 'step' && event.index === 4 && press({ type: 'abort' }),
    });
    expect(played.outcome).toMatchObject({ exitCode: 130, interrupted: 'abort', verdict: 'inconclusive' });
    expect(expectationNamed(played, /^linearizable$/)).toMatchObject({ status: 'skipped' });
    expectHealed(played);
  });
});

describe('faults by hand', () => {
  const quiet = '  - wait: { for: 3s }';
  const atStep = (
    ...commands: Parameters<Parameters<NonNullable<PlayOptions['onEvent']>>[1]['press']>[0][]
  ): PlayOptions => {
    let done = false;
    return {
      onEvent: (event, { press }) => {
        if (done || event.type !== 'step') return;
        done = true;
        for (const command of commands) press(command);
      },
    };
  };

  it('are injected, counted, and recorded in a file that has no mistakes and runs again', async () => {
    const first = await play(
      scenario(quiet),
      atStep(
        { type: 'inject', step: { kill: { node: 'leader' } } },
        { type: 'inject', step: { delay: { links: 'all', add: '5ms' } } },
      ),
    );
    expect(first.outcome).toMatchObject({ exitCode: 0, counts: { faults: 2, manualFaults: 2 } });
    const loaded = loadScenario('run.scenario.yaml', first.outcome.flat);
    expect(loaded.ok ? '' : formatErrors(loaded)).toBe('');
    expect(first.outcome.flat).toMatch(
      /kill: \{node: leader\}, by: manual, as: manual-1, resolved: \[n2\]\}\n/,
    );
    const again = await play(first.outcome.flat);
    expect(again.outcome).toMatchObject({ exitCode: 0, counts: { faults: 2, manualFaults: 2 } });
  });
  it('a person is shown each step by hand exactly as the line that is recorded', async () => {
    const played = await play(
      scenario(quiet),
      atStep(
        { type: 'inject', step: { kill: { node: 'leader' } } },
        { type: 'inject', step: { heal: 'all' } },
      ),
    );
    const shown = played.events.flatMap((event) =>
      event.type === 'note' && event.by === 'manual' ? [event.text] : [],
    );
    expect(shown).toHaveLength(2);
    const recorded = played.outcome.flat.split('\n').filter((line) => line.includes('by: manual'));
    expect(recorded).toEqual(shown.map((line) => `  - ${line}`));
  });
  it('one that the system cannot do results in a note that says what is missing, and the run goes on', async () => {
    const system = { name: 'raft', capabilities: ALL_CAPABILITIES.difference(new Set(['pause'])) };
    const played = await play(scenario(quiet), {
      ...atStep({ type: 'inject', step: { pause: { node: 'n1' } } }),
      system,
    });
    expect(played.events).toContainEqual({
      t: expect.any(Number) as number,
      type: 'note',
      level: 'warn',
      by: 'manual',
      text: expect.stringMatching(
        /^not done: `pause` needs `pause` \(pause and resume a node process\), which the system `raft` cannot do/,
      ) as string,
    });
    expect(played.outcome).toMatchObject({ exitCode: 0, counts: { faults: 0 } });
  });
  it('are lifted by undo one at a time, the last one first', async () => {
    const played = await play(
      scenario('  - cut: { from: n1, to: n2 }\n    as: mine\n  - wait: { for: 3s }'),
      {
        onEvent: (event, { press, clock }) => {
          if (event.type !== 'step' || event.index !== 1 || event.state !== 'running') return;
          press({ type: 'inject', step: { partition: { isolate: 'n2' } } });
          void clock.sleep(500).then(() => press({ type: 'undo' }));
        },
      },
    );
    const cutStates = played.events.flatMap((event) =>
      event.type === 'link' && event.link === 'n1->n2' && !event.pending ? [event.cut ?? 'clean'] : [],
    );
    expect(cutStates).toEqual(['blackhole', 'clean']);
    const back = played.events.flatMap((event) =>
      event.type === 'link' && event.link === 'n2->n1' && !event.pending ? [event.cut ?? 'clean'] : [],
    );
    expect(back).toEqual(['blackhole', 'clean']);
    expect(played.outcome.flat).toMatch(/heal: manual-1/);
  });
  it('end with heal all, which also ends a step that is still running, and the run goes on', async () => {
    const played = await play(
      scenario(
        '  - rolling-restart: { down: 1s, within: 5s }\n  - wait: { until: { converged: true }, within: 5s }',
      ),
      {
        onEvent: (event, { press, clock }) => {
          if (event.type !== 'step' || event.index !== 0 || event.state !== 'running') return;
          void clock.sleep(500).then(() => press({ type: 'inject', step: { heal: 'all' } }));
        },
      },
    );
    const ends = played.events.flatMap((event) =>
      event.type === 'step' && event.index === 0 && event.state !== 'running' ? [event.state] : [],
    );
    expect(ends).toEqual(['ok']);
    // The person has ended the restart before all nodes were new, so that nothing shows that it took effect.
    expect(played.outcome).toMatchObject({ exitCode: 4, error: null });
    expect(new Set(Object.values(livesAtEnd(played)))).toEqual(new Set(['up']));
    expectHealed(played);
  });
  it('one with a mistake results in a note that says why, and the run goes on', async () => {
    const { outcome, events } = await play(
      scenario(quiet),
      atStep(
        { type: 'inject', step: { kill: { node: 'n9' } } },
        { type: 'inject', step: { wait: { for: '1s' } } },
      ),
    );
    expect(outcome.exitCode).toBe(0);
    const notes = events.flatMap((event) =>
      event.type === 'note' && event.level === 'warn' ? [event.text] : [],
    );
    expect(notes).toEqual([
      expect.stringMatching(/there is no node `n9`/),
      expect.stringMatching(/`by` does not go with `wait`/),
    ]);
  });
  it('hold stops the scenario clock until it is released, and next lets one step begin', async () => {
    const { events, outcome } = await play(scenario('  - note: one\n  - note: two\n  - note: three'), {
      onEvent: (event, { press, clock }) => {
        if (event.type === 'phase' && event.phase === 'steady') press({ type: 'hold' });
        if (event.type !== 'phase' || event.phase !== 'running') return;
        void clock.sleep(1_000).then(() => press({ type: 'next' }));
        void clock.sleep(5_000).then(() => press({ type: 'hold' }));
      },
    });
    const begun = events.flatMap((event) =>
      event.type === 'phase' && event.phase === 'running' ? [event.t] : [],
    )[0]!;
    const notes = events.flatMap((event) => (event.type === 'note' ? [[event.text, event.t - begun]] : []));
    expect(notes).toEqual([['one', 1_000], ['two', 5_000], ['three', 5_000]]); // prettier-ignore
    expect(outcome.exitCode).toBe(0);
  });
  it('stop ends the run as Ctrl+C does: everything is healed and checked', async () => {
    const played = await play(
      scenario('  - cut: { from: n1, to: n2 }\n  - wait: { for: 60s }'),
      atStep({ type: 'stop' }),
    );
    expect(played.outcome).toMatchObject({ exitCode: 130, interrupted: 'stop' });
    expectHealed(played);
  });
});

describe('steps', () => {
  it('healing one handle never lifts another on the same link', async () => {
    const steps = `  - delay: { links: all, add: 20ms }
    as: weather
  - partition: { isolate: n2 }
    as: cut
  - heal: cut
  - note: looked`;
    const seen: unknown[] = [];
    await play(scenario(steps), {
      onEvent: (event, { links }) =>
        event.type === 'note' && seen.push(links.condition({ from: 'n1', to: 'n2' })),
    });
    expect(seen).toEqual([{ delay: { latencyMs: 20, jitterMs: 0 } }]);
  });
  it('a node that two faults hold runs again only when both are lifted', async () => {
    const steps = `  - pause: n2
    as: one
  - pause: n2
    as: two
  - heal: one
  - check: { node: n2, life: paused }
  - heal: two
  - check: { node: n2, life: up }`;
    expect((await play(scenario(steps))).outcome.exitCode).toBe(0);
  });
  it('`for` heals by itself and does not block', async () => {
    const { events } = await play(
      scenario('  - cut: { from: n1, to: n2 }\n    for: 1s\n  - note: at once\n  - wait: { for: 3s }'),
    );
    const at = (is: (event: HarnessEvent) => boolean): number => events.find(is)!.t;
    const confirmed = at((event) => event.type === 'fault' && event.state === 'confirmed');
    expect(at((event) => event.type === 'note')).toBe(confirmed);
    expect(at((event) => event.type === 'fault' && event.state === 'healing')).toBe(confirmed + 1_000);
  });
  it('`at` waits for its offset from the first step, and a late one runs at once', async () => {
    const { events } = await play(scenario('  - note: a\n    at: 1s\n  - note: b\n    at: 500ms'));
    const begun = events.find((event) => event.type === 'phase' && event.phase === 'running')!.t;
    expect(events.flatMap((event) => (event.type === 'note' ? [event.t - begun] : []))).toEqual([
      1_000, 1_000,
    ]);
  });
  it('parallel branches run at once; a failure ends the others', async () => {
    const steps = `  - parallel:
      - [{ wait: { for: 1s } }, { note: one }]
      - [{ wait: { for: 1s } }, { note: two }]
  - parallel:
      - { wait: { until: { leader: { is: n3 } }, within: 1s } }
      - { wait: { for: 60s } }`;
    const { outcome, events } = await play(scenario(steps));
    const times = events.flatMap((event) =>
      event.type === 'note' && event.level === 'info' ? [event.t] : [],
    );
    expect(times[0]).toBe(times[1]);
    expect(outcome).toMatchObject({ verdict: 'violation', exitCode: 1 });
    expect(events.at(-1)!.t).toBeLessThan(20_000);
  });
  it('a repeat is recorded step by step, with the drawn durations, and the recording runs again', async () => {
    const steps = `  - repeat:
      times: 3
      steps:
        - kill: follower
          bind: dead
          as: crash
        - wait: { for: 100ms..900ms }
        - heal: crash
        - wait: { until: { converged: true }, within: 5s }`;
    const rest = 'expect: { during: [{ window: crash, node: $dead, acked-ops: 0 }] }';
    const first = await play(scenario(steps, rest));
    expect(first.outcome.exitCode).toBe(0);
    expect(first.outcome.flat.match(/kill: follower/g)).toHaveLength(3);
    expect(first.outcome.flat).not.toMatch(/repeat|\.\./);
    const again = await play(first.outcome.flat);
    expect(again.outcome).toMatchObject({ exitCode: 0, counts: { faults: 3 } });
    const killed = ({ events }: Played): unknown[] =>
      events.flatMap((event) => (event.type === 'fault' && event.state === 'confirmed' ? [event.nodes] : []));
    expect(killed(again)).toEqual(killed(first));
  });
});
