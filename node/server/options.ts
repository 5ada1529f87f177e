import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { NodeId } from '../raft/types.ts';
import { LOG_FORMATS } from './log-format.ts';
import type { LogFormat } from './log-format.ts';
import {
  OptionError,
  parseAddress,
  parseChoice,
  parseId,
  parsePlace,
  parseRange,
  parseWhole,
} from './option-values.ts';
import type { Address } from './option-values.ts';
import { parseTuning, TUNING_NAMES, TUNING_USAGE } from './tuning.ts';
import type { Tuning } from './tuning.ts';

export interface NodeOptions {
  readonly id: NodeId;
  readonly peerListen: Address;
  readonly clientListen: Address;
  /** Where to dial each peer (its link), `host:port`; without this node. */
  readonly peers: ReadonlyMap<NodeId, string>;
  readonly dataFolder: string;
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  readonly heartbeatMs: number;
  /** Of the election timeouts; with the node's id. */
  readonly seed: number;
  /** Where the report lines go; null: nowhere. */
  readonly reportFd: number | null;
  /** Where `/metrics` and `/healthz` are; null: nowhere. */
  readonly adminListen: Address | null;
  readonly logFormat: LogFormat;
  readonly tuning: Tuning;
}

export const USAGE = `usage: node node/main.ts --id n1 --peer-listen HOST:PORT --client-listen HOST:PORT --data DIR
  [--peers n2=HOST:PORT,n3=HOST:PORT]  the other members; none: a cluster of one
  [--election-timeout 300..600]        ms; drawn anew from this range for each election
  [--heartbeat 50]                     ms between a leader's heartbeats
  [--seed N]                           of the election timeouts; default: random
  [--report-fd N]                      file descriptor (a pipe) for report lines; default: none
  [--admin-port [HOST:]PORT]           HTTP: /metrics for Prometheus, /healthz; default: none; HOST: 127.0.0.1
  [--log-format text]                  of stderr: text, or json: one object a line
${TUNING_USAGE}`;

/** Throws `OptionError`. */
export function parseOptions(argv: readonly string[]): NodeOptions {
  const given = parseStrictly(argv);
  const id = parseId('--id', required(given, 'id'));
  const election = parseRange('--election-timeout', given['election-timeout'] ?? '300..600');
  const heartbeatMs = parseWhole('--heartbeat', given.heartbeat ?? '50', 1, 60_000);
  if (heartbeatMs * 2 > election.min) {
    throw new OptionError(
      `--heartbeat ${heartbeatMs} is more than half of the shortest election timeout, ${election.min}: one late heartbeat would depose a leader`,
    );
  }
  return {
    id,
    peerListen: parseAddress('--peer-listen', required(given, 'peer-listen'), 0),
    clientListen: parseAddress('--client-listen', required(given, 'client-listen'), 0),
    peers: parsePeers(given.peers ?? '', id),
    dataFolder: required(given, 'data'),
    electionTimeoutMinMs: election.min,
    electionTimeoutMaxMs: election.max,
    heartbeatMs,
    seed:
      given.seed === undefined
        ? randomInt(2 ** 32)
        : parseWhole('--seed', given.seed, 0, Number.MAX_SAFE_INTEGER),
    reportFd:
      given['report-fd'] === undefined ? null : parseWhole('--report-fd', given['report-fd'], 1, 1_024),
    adminListen: given['admin-port'] === undefined ? null : parsePlace('--admin-port', given['admin-port']),
    logFormat: parseChoice('--log-format', given['log-format'] ?? 'text', LOG_FORMATS),
    tuning: parseTuning(given),
  };
}

const NAMES = [
  'id',
  'peer-listen',
  'client-listen',
  'peers',
  'data',
  'election-timeout',
  'heartbeat',
  'seed',
  'report-fd',
  'admin-port',
  'log-format',
  ...TUNING_NAMES,
] as const;
type Given = { readonly [Name in (typeof NAMES)[number]]?: string };

function parseStrictly(argv: readonly string[]): Given {
  const { tokens } = parseArgs({ args: [...argv], strict: false, tokens: true, options: stringOptions });
  const given: Record<string, string> = {};
  for (const token of tokens) {
    if (token.kind === 'positional')
      throw new OptionError(`unexpected argument '${token.value}'; options begin with --`);
    if (token.kind !== 'option') continue;
    if (!NAMES.some((name) => name === token.name)) {
      throw new OptionError(
        `unknown option ${token.rawName}; known are ${NAMES.map((name) => `--${name}`).join(', ')}`,
      );
    }
    if (token.value === undefined || token.value === '')
      throw new OptionError(`${token.rawName} needs a value`);
    if (given[token.name] !== undefined) throw new OptionError(`${token.rawName} is given twice`);
    given[token.name] = token.value;
  }
  return given;
}

const stringOptions = Object.fromEntries(NAMES.map((name) => [name, { type: 'string' as const }]));

function required(given: Given, name: (typeof NAMES)[number]): string {
  const value = given[name];
  if (value === undefined) throw new OptionError(`--${name} is missing`);
  return value;
}

function parsePeers(text: string, own: NodeId): Map<NodeId, string> {
  const peers = new Map<NodeId, string>();
  for (const part of text === '' ? [] : text.split(',')) {
    const [name, address, ...rest] = part.split('=');
    if (name === undefined || address === undefined || rest.length > 0) {
      throw new OptionError(`--peers has '${part}'; each must be ID=HOST:PORT`);
    }
    const id = parseId('--peers:', name);
    if (id === own) throw new OptionError(`--peers names ${id}, which is this node; name only the others`);
    if (peers.has(id)) throw new OptionError(`--peers names ${id} twice`);
    const { host, port } = parseAddress('--peers:', address, 1);
    peers.set(id, `${host}:${port}`);
  }
  return peers;
}
