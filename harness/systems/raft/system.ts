import { fileURLToPath } from 'node:url';
import { SafetyMonitor } from '../../invariants/monitor.ts';
import type { HostCommand } from '../../ports/host.ts';
import type { NodeSetup, System } from '../../ports/system.ts';
import { membership } from './membership.ts';
import { NODE_FLAGS } from './node-flags.ts';
import { ReportReader } from './report-lines.ts';

const NODE_MAIN = fileURLToPath(new URL('../../../node/main.mjs', import.meta.url));
const REPORT_FD = 3;

/** Our own Raft node. `program`: path of its main module, if it is another build of it. */
export function raftSystem(program: string = NODE_MAIN): System {
  // One set for all nodes, because a node may hear from a member before it has the configuration that names it.
  const nodes = new Set<string>();
  const reader = ({ id, peers }: NodeSetup): ReportReader => {
    for (const known of [id, ...peers.map((peer) => peer.id)]) nodes.add(known);
    return new ReportReader({ node: id, nodes });
  };
  return {
    name: 'raft',
    command: (node) => command(program, node),
    client: { module: new URL('./clients.ts', import.meta.url).href },
    reports: { fd: REPORT_FD, reader },
    monitor: (ids) => new SafetyMonitor(ids),
    membership,
  };
}

function command(program: string, node: NodeSetup): HostCommand {
  const values = {
    id: node.id,
    'peer-listen': node.peerListen,
    'client-listen': node.clientListen,
    peers: node.peers.map(({ id, address }) => `${id}=${address}`).join(','),
    data: node.dataDir,
    'election-timeout': node.electionTimeoutMs.join('..'),
    heartbeat: String(node.heartbeatMs),
    seed: String(node.seed),
    'report-fd': String(REPORT_FD),
  };
  const options = Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
  return nodeCommand(program, node.first ? ['--bootstrap', ...options] : options);
}

/** The command that runs a node's main module. */
export const nodeCommand = (program: string, args: readonly string[]): HostCommand => ({
  program: process.execPath,
  args: [...NODE_FLAGS, program, ...args],
  // Options of the harness's own Node.js (an inspector, a test runner's loader) are not the node's.
  env: { NODE_OPTIONS: undefined },
});
