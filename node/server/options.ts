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
  /** Other founders (or, with `join`, other nodes), and the address of the link to each, as `host:port`. */
  readonly peers: ReadonlyMap<NodeId, string>;
  /** Addresses at which other nodes are dialled, instead of those in the configuration. */
  readonly routes: ReadonlyMap<NodeId, string>;
  /** Address at which other nodes dial this node; null: the one where it listens. */
  readonly advertise: string | null;
  /** True at the first start of a founder, whose folder is empty because it is new. */
  readonly bootstrap: boolean;
  /** True if this node is not a founder and will be added to a cluster, whose leader then contacts it. */
  readonly join: boolean;
  /** The cluster's name; null: it is made from the founders' ids. */
  readonly cluster: string | null;
  readonly dataFolder: string;
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  readonly heartbeatMs: number;
  /** Seed of the election timeouts, which also depend on the node's id. */
  readonly seed: number;
  /** File descriptor for report lines; null: there are no reports. */
  readonly reportFd: number | null;
  /** Address of `/metrics` and `/healthz`; null: they are not served. */
  readonly adminListen: Address | null;
  readonly logFormat: LogFormat;
  readonly tuning: Tuning;
}

export const USAGE = `usage: node node/main.mjs --id n1 --peer-listen HOST:PORT --client-listen HOST:PORT --data DIR
  --bootstrap                          for the first start of a cluster's founder; never use it again afterwards
  [--peers n2=HOST:PORT,n3=HOST:PORT]  the other founders, and where to dial them; none: a cluster of one
  [--join]                             this node is not a founder, and will be added to a running cluster
  [--cluster NAME]                     default: the founders' ids; needed with --join
  [--routes n4=HOST:PORT]              where to dial other members, instead of the addresses that they advertise
  [--advertise HOST:PORT]              where other nodes dial this node; default: where it listens
  [--election-timeout 300..600]        range in ms; each election uses a new random timeout from it
  [--heartbeat 50]                     ms between a leader's heartbeats
  [--seed N]                           of the election timeouts; default: random
  [--report-fd N]                      file descriptor (a pipe) for report lines; default: none
  [--admin-port [HOST:]PORT]           HTTP: /metrics for Prometheus, /healthz; default: none; HOST: 127.0.0.1
  [--log-format text]                  format of stderr: text, or json (one object per line)
${TUNING_USAGE}`;

/** Throws `OptionError`. */
export function parseOptions(argv: readonly string[]): NodeOptions {
  const given = parseStrictly(argv);
  const id = parseId('--id', required(given, 'id'));
  const bootstrap = given.bootstrap !== undefined;
  const join = given.join !== undefined;
  if (bootstrap && join)
    throw new OptionError(
      '--bootstrap is for founders, --join for nodes that are added later: give one of them',
    );
  if (join && given.cluster === undefined)
    throw new OptionError(
      '--join needs --cluster with the name of the cluster (if it has none: its founders)',
    );
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
    peers: parsePlaces('--peers', given.peers ?? '', id),
    routes: parsePlaces('--routes', given.routes ?? '', id),
    advertise: given.advertise === undefined ? null : routeText('--advertise', given.advertise),
    bootstrap,
    join,
    cluster: given.cluster ?? null,
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
  'routes',
  'advertise',
  'cluster',
  'data',
  'election-timeout',
  'heartbeat',
  'seed',
  'report-fd',
  'admin-port',
  'log-format',
  ...TUNING_NAMES,
] as const;
/** Options without a value. */
const FLAGS = ['bootstrap', 'join'] as const;
type Name = (typeof NAMES)[number] | (typeof FLAGS)[number];
type Given = { readonly [Each in Name]?: string };

function parseStrictly(argv: readonly string[]): Given {
  const { tokens } = parseArgs({ args: [...argv], strict: false, tokens: true, options: KINDS });
  const given: Record<string, string> = {};
  for (const token of tokens) {
    if (token.kind === 'positional')
      throw new OptionError(`unexpected argument '${token.value}'; options begin with --`);
    if (token.kind !== 'option') continue;
    const kind = KINDS[token.name]?.type;
    if (kind === undefined) {
      const known = Object.keys(KINDS).map((name) => `--${name}`);
      throw new OptionError(`unknown option ${token.rawName}; known are ${known.join(', ')}`);
    }
    if (kind === 'string' && (token.value === undefined || token.value === ''))
      throw new OptionError(`${token.rawName} needs a value`);
    if (kind === 'boolean' && token.value !== undefined)
      throw new OptionError(`${token.rawName} takes no value; '${token.value}' is given`);
    if (given[token.name] !== undefined) throw new OptionError(`${token.rawName} is given twice`);
    given[token.name] = token.value ?? '';
  }
  return given;
}

const KINDS: Readonly<Record<string, { readonly type: 'string' | 'boolean' }>> = Object.fromEntries([
  ...NAMES.map((name) => [name, { type: 'string' }] as const),
  ...FLAGS.map((name) => [name, { type: 'boolean' }] as const),
]);

function required(given: Given, name: (typeof NAMES)[number]): string {
  const value = given[name];
  if (value === undefined) throw new OptionError(`--${name} is missing`);
  return value;
}

function parsePlaces(option: string, text: string, own: NodeId): Map<NodeId, string> {
  const places = new Map<NodeId, string>();
  for (const part of text === '' ? [] : text.split(',')) {
    const [name, address, ...rest] = part.split('=');
    if (name === undefined || address === undefined || rest.length > 0) {
      throw new OptionError(`${option} has '${part}'; each must be ID=HOST:PORT`);
    }
    const id = parseId(`${option}:`, name);
    if (id === own) throw new OptionError(`${option} names ${id}, which is this node; name only the others`);
    if (places.has(id)) throw new OptionError(`${option} names ${id} twice`);
    places.set(id, routeText(`${option}:`, address));
  }
  return places;
}

function routeText(option: string, text: string): string {
  const { host, port } = parseAddress(option, text, 1);
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
