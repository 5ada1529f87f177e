import { join } from 'node:path';
import type { realClock } from '../clock.ts';
import { requireDescriptors } from '../cluster/descriptors.ts';
import { localCluster } from '../cluster/local.ts';
import { missingJournal, recordPid } from '../links/journal.ts';
import { allocateNodePorts, openLinks } from '../links/open.ts';
import { ALL_CAPABILITIES } from '../ports/capability.ts';
import type { Stage, StageSetup } from '../ports/stage.ts';
import type { System } from '../ports/system.ts';
import { threadedWorkload } from '../workload/threaded.ts';

export interface LocalSetup extends StageSetup {
  readonly system: System;
  readonly clock: ReturnType<typeof realClock>;
  /** `builtin`, a path or a URL; if absent, the first Toxiproxy server that is found. */
  readonly toxiproxy?: string;
  /** Folder for data that is kept after a run: installed servers, and the journal of started processes. */
  readonly cacheDir: string;
}

/** Name and capabilities of this stage. */
export const LOCAL = { name: 'local', capabilities: ALL_CAPABILITIES } as const;

/**
 * Port `Stage`: real processes of the system on this machine, behind a real Toxiproxy, with the load in a separate
 * thread. The parts start in the order of their dependencies and end in the reverse order.
 */
export async function localStage(setup: LocalSetup): Promise<Stage> {
  const { system, clock, cacheDir, seed, dir, onNote, onFailure } = setup;
  const { originMs } = clock;
  const unrecorded = await missingJournal(cacheDir);
  if (unrecorded !== null) onNote('warn', unrecorded);
  requireDescriptors({ nodes: setup.nodes, clients: setup.workload.clients });
  await using parts = new AsyncDisposableStack();
  const nodes = await allocateNodePorts(setup.nodes);
  const links = parts.use(
    await openLinks({
      nodes,
      ...(setup.toxiproxy === undefined ? {} : { toxiproxy: setup.toxiproxy }),
      cacheDir,
      signal: setup.signal,
      onServerExit: (detail) => {
        onNote('error', `Toxiproxy cannot go on: ${detail}`);
        onFailure(new Error(`the Toxiproxy server failed during the run: ${detail}`));
      },
      onNote: (text) => onNote('warn', text),
    }),
  );
  const cluster = parts.use(
    localCluster({
      nodes,
      links,
      originMs,
      seed,
      system,
      dir: join(dir, 'data'),
      logsDir: join(dir, 'logs'),
      electionTimeoutMs: setup.electionTimeoutMs,
      heartbeatMs: setup.heartbeatMs,
      journal: (pid, what) => recordPid(cacheDir, pid, what),
    }),
  );
  const workload = parts.use(
    threadedWorkload({
      plan: setup.workload,
      client: system.client,
      addresses: Object.fromEntries(
        cluster.nodes.map((id) => [id, links.address({ from: 'clients', to: id })]),
      ),
      originMs,
      historyPath: join(dir, 'history.jsonl'),
      live: setup.live,
    }),
  );
  const started = parts.move();
  return {
    ...LOCAL,
    system,
    clock,
    cluster,
    links,
    workload,
    play: (work) => work(),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
