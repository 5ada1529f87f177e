import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../harness/links/server.ts';
import { chaos, type Chaos } from '../support/chaos.ts';
import { exclusive } from '../support/exclusive.ts';
import { request, scratchDir, SERVERS, startServer } from '../support/servers.ts';

// The harness is killed (SIGKILL), which leaves it no time to end anything. What `chaos clean` must then find: paused
// nodes, servers, proxies in a server of somebody else, data and temporary folders.

const LIMIT_MS = 120_000;
const SCENARIO = `apiVersion: chaos/v1
name: killed
cluster: { nodes: 3 }
steps:
  - pause: follower
    as: still
  - wait: { for: 60s }
`;
/** Moments at which the harness is killed, by what it has just printed. */
const MOMENTS: readonly (readonly [name: string, seen: RegExp])[] = [
  ['before the nodes are up', /phase {2}starting/],
  ['when the first node is up', /node {3}n\d UP/],
  ['when a node is paused', /node {3}n\d PAUSED/],
];

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'chaos-clean-'));
  writeFileSync(join(dir, 'killed.yaml'), SCENARIO);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A run whose temporary files are in a folder of its own. */
function start(toxiproxy: string): { readonly run: Chaos; readonly temporary: string } {
  const temporary = mkdtempSync(join(dir, 'tmp-'));
  const args = ['run', join(dir, 'killed.yaml'), '--reporter', 'line', '--toxiproxy', toxiproxy];
  return { run: chaos(args, { env: { TMPDIR: temporary } }), temporary };
}

async function clean(env: Readonly<Record<string, string>> = {}): Promise<string> {
  await using command = chaos(['clean'], { env });
  const { code, stdout, stderr } = await command.ended;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
}

/** Data folders of the runs that wrote their reports to this folder. */
const dataFolders = (out: string): readonly string[] =>
  readdirSync(out)
    .filter((name) => name !== 'latest')
    .map((name) => join(out, name, 'data'))
    .filter((path) => existsSync(path));

async function proxiesOf(server: RunningServer): Promise<readonly string[]> {
  return Object.keys((await request(server, 'GET', '/proxies')).json as object);
}

for (const { name, choice, missing } of SERVERS) {
  describe.skipIf(missing !== null)(`chaos clean after a harness with ${name} was killed`, () => {
    const scratch = scratchDir();
    let server: RunningServer;
    beforeAll(async () => {
      server = await startServer(choice, scratch.path);
    });
    afterAll(async () => {
      await server?.stop();
      scratch.remove();
    });

    for (const [moment, seen] of MOMENTS) {
      it(`leaves no process and no folder: ${moment}`, { timeout: LIMIT_MS }, async () => {
        const { run, temporary } = start(choice);
        await using _run = run;
        await run.sees(seen);
        using _lock = await exclusive('clean');
        run.kill('SIGKILL');
        await run.ended;
        await clean();
        expect(await run.settles()).toEqual([]);
        expect(dataFolders(run.out)).toEqual([]);
        expect(readdirSync(temporary)).toEqual([]);
      });

      it(`leaves no proxy in a server that goes on: ${moment}`, { timeout: LIMIT_MS }, async () => {
        const own = { name: 'mine', listen: '127.0.0.1:0', upstream: '127.0.0.1:9', enabled: false };
        await request(server, 'POST', '/proxies', own);
        const { run } = start(server.url);
        await using _run = run;
        await run.sees(seen);
        expect((await proxiesOf(server)).length).toBeGreaterThan(1);
        using _lock = await exclusive('clean');
        run.kill('SIGKILL');
        await run.ended;
        const said = await clean();
        expect(said).toMatch(/removed proxy chaos-[0-9a-f]{8}-n1->n2 at http/);
        expect(await proxiesOf(server)).toEqual(['mine']);
        expect(await run.settles()).toEqual([]);
        expect(dataFolders(run.out)).toEqual([]);
      });
    }
  });
}

describe('chaos clean', () => {
  it(
    'touches nothing of a run that goes on, and cleans another one beside it',
    { timeout: LIMIT_MS },
    async () => {
      const live = start('builtin');
      await using _live = live.run;
      const dead = start('builtin');
      await using _dead = dead.run;
      await Promise.all([live.run.sees(/node {3}n\d PAUSED/), dead.run.sees(/node {3}n\d PAUSED/)]);
      const before = live.run.left;
      using _lock = await exclusive('clean');
      dead.run.kill('SIGKILL');
      await dead.run.ended;
      const said = await clean();
      expect(said).toMatch(new RegExp(`left by chaos ${dead.run.pid}\\b`));
      expect(said).not.toMatch(new RegExp(`left by chaos ${live.run.pid}\\b`));
      expect(await dead.run.settles()).toEqual([]);
      expect(live.run.left).toEqual(before);
      expect(dataFolders(live.run.out)).toHaveLength(1);
      // Its own end finds everything where it left it, and its journal too.
      live.run.kill('SIGINT');
      expect((await live.run.ended).code).toBe(130);
      expect(dataFolders(live.run.out)).toEqual([]);
      expect(await clean()).not.toMatch(new RegExp(`left by chaos ${live.run.pid}\\b`));
    },
  );

  it('keeps the data of a run that was told to keep it', { timeout: LIMIT_MS }, async () => {
    const temporary = join(dir, 'kept');
    mkdirSync(temporary);
    const args = ['run', join(dir, 'killed.yaml'), '--reporter', 'line', '--toxiproxy', 'builtin', '--keep'];
    await using run = chaos(args, { env: { TMPDIR: temporary } });
    await run.sees(/node {3}n\d PAUSED/);
    using _lock = await exclusive('clean');
    run.kill('SIGKILL');
    await run.ended;
    await clean();
    expect(await run.settles()).toEqual([]);
    expect(dataFolders(run.out)).toHaveLength(1);
  });
});
