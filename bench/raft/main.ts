// npm run bench:raft: measures our nodes and those of etcd, in turns in one run. See bench/README.md.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Target } from './compared-cluster.ts';
import { table } from './figures.ts';
import type { Collected } from './figures.ts';
import { CATCH_UP, RESTART } from './rows/catch-up.ts';
import { BOTH } from './rows/row.ts';
import type { Row } from './rows/row.ts';
import { FAILOVER, SILENCE } from './rows/failover.ts';
import { TERMS } from './rows/disruption.ts';
import { MATRIX } from './rows/matrix.ts';
import { MEMORY, ONE_DOWN } from './rows/memory.ts';
import { PUTS, READS } from './rows/steady.ts';
import { TRANSFER } from './rows/transfer.ts';
import { findPrograms, ROOT } from './sides.ts';

const ROWS: readonly Row[] = [
  PUTS,
  READS,
  FAILOVER,
  SILENCE,
  TRANSFER,
  RESTART,
  CATCH_UP,
  MEMORY,
  ONE_DOWN,
  TERMS,
  MATRIX,
];

const rounds = Number(process.env['ROUNDS'] ?? 3);
const seconds = Number(process.env['SECONDS'] ?? 5);
const names = chosen(
  'ROWS',
  ROWS.map(({ name }) => name),
);
const sides = chosen('SIDES', BOTH);

const programs = findPrograms();
if (programs.etcd === null)
  console.log('there is no etcd on PATH, and no Go to build it: only our nodes are measured');
else
  console.log(
    `etcd ${programs.etcdVersion}; Node.js ${process.version}; ${cpus().length} × ${cpus()[0]!.model}`,
  );

const collected: Collected = { chaos: {}, etcd: {} };
for (let round = 0; round < rounds; round++) {
  for (const row of ROWS.filter(({ name, once }) => names.includes(name) && (round === 0 || once !== true))) {
    // The sides take turns in going first, so that a warm or busy disk affects both equally.
    const present = row.sides.filter(
      (side) => sides.includes(side) && (side === 'chaos' || programs.etcd !== null),
    );
    for (const side of round % 2 === 0 ? present : [...present].reverse()) await measure(row, side, round);
    save();
  }
}
console.log(`\nmedians of ${rounds} interleaved rounds, ${seconds} s each\n\n${table(collected)}`);

/** Returns the items of `all` that an environment variable names, or all if it is not set. */
function chosen(variable: string, all: readonly string[]): readonly string[] {
  const named = process.env[variable]?.split(',') ?? all;
  const unknown = named.find((name) => !all.includes(name));
  if (unknown !== undefined)
    throw new Error(`${variable}: there is no ${unknown}; there are ${all.join(', ')}`);
  return named;
}

async function measure(row: Row, side: Target, round: number): Promise<void> {
  process.stderr.write(`round ${round + 1}: ${row.name}, ${side}\n`);
  for (const [figure, value] of Object.entries(await row.measure(side, { programs, seconds }))) {
    (collected[side][figure] ??= []).push(value);
  }
}

function save(): void {
  const { etcdVersion } = programs;
  const about = {
    date: new Date().toISOString(),
    etcdVersion,
    node: process.version,
    cpu: cpus()[0]!.model,
    seconds,
  };
  writeFileSync(
    join(ROOT, 'reports', 'bench-raft.json'),
    `${JSON.stringify({ about, collected }, null, 2)}\n`,
  );
}
