import { describe, expect, test } from 'vitest';
import { nodeId } from '../raft/types.ts';
import { OptionError } from './option-values.ts';
import { parseOptions } from './options.ts';

const base = [
  '--id',
  'n1',
  '--peer-listen',
  '127.0.0.1:7001',
  '--client-listen',
  '[::1]:8001',
  '--data',
  'd',
];
const all = [
  ...base,
  '--peers=n2=127.0.0.1:7002,n3=localhost:7003',
  '--bootstrap',
  '--routes=n4=[::1]:7004',
  '--advertise',
  'example.org:7001',
  '--cluster=blue',
  '--election-timeout=150..301',
  '--heartbeat=25',
  '--seed=7',
  '--report-fd=3',
  '--admin-port=0.0.0.0:9101',
  '--log-format=json',
  '--max-inflight-messages=64',
  '--max-message-bytes=128KiB',
  '--max-uncommitted-bytes=1GiB',
  '--max-batch-bytes=100000',
  '--session-cap=50',
  '--lease-reads=on',
  '--max-clock-drift=5',
  '--snapshot-entries=1000',
  '--snapshot-bytes=8MiB',
  '--keep-entries=10',
  '--session-idle=60',
];

describe('the options', () => {
  test('are read, with = or without', () => {
    expect(parseOptions(all)).toEqual({
      id: 'n1',
      peerListen: { host: '127.0.0.1', port: 7001 },
      clientListen: { host: '::1', port: 8001 },
      peers: new Map([
        [nodeId('n2'), '127.0.0.1:7002'],
        [nodeId('n3'), 'localhost:7003'],
      ]),
      routes: new Map([[nodeId('n4'), '[::1]:7004']]),
      advertise: 'example.org:7001',
      bootstrap: true,
      join: false,
      cluster: 'blue',
      dataFolder: 'd',
      electionTimeoutMinMs: 150,
      electionTimeoutMaxMs: 301,
      heartbeatMs: 25,
      seed: 7,
      reportFd: 3,
      adminListen: { host: '0.0.0.0', port: 9101 },
      logFormat: 'json',
      tuning: {
        maxInflightMessages: 64,
        maxMessageBytes: 128 << 10,
        maxUncommittedBytes: 1 << 30,
        maxBatchBytes: 100_000,
        sessionCap: 50,
        fastFailover: false,
        leaseReads: { maxClockDrift: 0.05 },
        snapshots: { everyEntries: 1_000, everyBytes: 8 << 20, keepEntries: 10 },
        sessionIdleMs: 60_000,
      },
    });
  });

  test('options have defaults: 300..600 ms, a heartbeat of 50 ms, a random seed, no reports, no peers', () => {
    expect(parseOptions(base)).toMatchObject({
      electionTimeoutMinMs: 300,
      electionTimeoutMaxMs: 600,
      heartbeatMs: 50,
      reportFd: null,
      adminListen: null,
      logFormat: 'text',
      peers: new Map(),
      tuning: {
        maxInflightMessages: 32,
        maxMessageBytes: 256 << 10,
        maxUncommittedBytes: 64 << 20,
        maxBatchBytes: 4 << 20,
        sessionCap: 10_000,
        fastFailover: true,
        leaseReads: null,
      },
    });
    expect(new Set(Array.from({ length: 5 }, () => parseOptions(base).seed)).size).toBeGreaterThan(1);
  });

  test.each([
    ['--id', 'n 1', /'n 1' is not a node id/],
    ['--id', 'n1,n2', /is not a node id/],
    ['--peer-listen', '7001', /not a HOST:PORT/],
    ['--peer-listen', '127.0.0.1:65536', /not a HOST:PORT with a port of 0 to 65535/],
    ['--client-listen', ':8001', /not a HOST:PORT/],
    ['--peers', 'n1=127.0.0.1:1', /names n1, which is this node/],
    ['--peers', 'n2=127.0.0.1:1,n2=127.0.0.1:2', /names n2 twice/],
    ['--peers', 'n2=127.0.0.1:0', /a port of 1 to 65535/],
    ['--peers', 'n2', /has 'n2'; each must be ID=HOST:PORT/],
    ['--peers', 'n2=127.0.0.1:1,', /has ''/],
    ['--election-timeout', '300', /is not a range/],
    ['--election-timeout', '300..300', /300 is not below 300/],
    ['--election-timeout', '-300..600', /not a whole number/],
    ['--election-timeout', '80..600', /--heartbeat 50 is more than half/],
    ['--heartbeat', '0', /not a whole number from 1 to/],
    ['--heartbeat', '5e1', /not a whole number/],
    ['--seed', '-1', /not a whole number/],
    ['--report-fd', '0', /not a whole number from 1 to/],
    ['--admin-port', '65536', /not a HOST:PORT with a port of 0 to 65535/],
    ['--admin-port', ':9101', /not a HOST:PORT/],
    ['--log-format', 'xml', /'xml' must be one of text, json/],
    ['--max-inflight-messages', '0', /not a whole number from 1 to 4096/],
    ['--max-inflight-messages', '65', /65 of --max-message-bytes 256KiB is more than 16MiB/],
    ['--max-message-bytes', '256KB', /'256KB' is not a size from 1KiB to 4MiB, such as 4MiB/],
    ['--max-message-bytes', '5MiB', /not a size from 1KiB to 4MiB/],
    ['--max-uncommitted-bytes', '1', /not a size from 1MiB to 1GiB/],
    ['--session-cap', '0', /not a whole number from 1 to 10000000/],
    ['--max-batch-bytes', '1e6', /not a size from 4KiB to 64MiB/],
    ['--fast-failover', 'yes', /'yes' must be on or off/],
    ['--lease-reads', 'true', /must be on or off/],
    ['--max-clock-drift', '5', /needs --lease-reads on/],
  ])('refuse %s %s in one line', (option, value, message) => {
    const error = errorOf([
      ...base.filter((_, i) => base[i] !== option && base[i - 1] !== option),
      `${option}=${value}`,
    ]);
    expect(error).toMatch(message);
    expect(error).not.toContain('\n');
  });

  test.each([
    [base.slice(2), /--id is missing/],
    [base.slice(0, 6), /--data is missing/],
    [[...base, '--id', 'n2'], /--id is given twice/],
    [[...base, '--data='], /--data needs a value/],
    [[...base, '--seed'], /--seed needs a value/],
    [[...base, '--lease-reads=on', '--max-clock-drift=0'], /not a whole number from 1 to 50/],
    [[...base, '--lease-reads=on', '--fast-failover=on'], /exclude each other/],
    [[...base, 'extra'], /unexpected argument 'extra'/],
    [[...base, '--verbose'], /unknown option --verbose; known are --id/],
    [[...base, '-v'], /unknown option -v/],
  ])('refuse %j', (argv, message) => {
    expect(errorOf(argv)).toMatch(message);
  });
});

function errorOf(argv: readonly string[]): string {
  try {
    parseOptions(argv);
    return 'accepted';
  } catch (error) {
    return error instanceof OptionError ? error.message : `not an OptionError: ${String(error)}`;
  }
}
