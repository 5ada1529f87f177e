import { median } from '../median.ts';
import type { Target } from './compared-cluster.ts';

/** Results of one measurement, by the name of the figure. */
export type Figures = Readonly<Record<string, number>>;

/** All values by the name of the figure, in the order of the rounds. */
export type Collected = Record<Target, Record<string, number[]>>;

/** Value that our side must reach: a share of etcd's median, or a bound in the figure's unit. */
interface Floor {
  readonly figure: RegExp;
  readonly ratioAtLeast?: number;
  readonly ratioAtMost?: number;
  readonly atMost?: number;
}

const FLOORS: readonly Floor[] = [
  { figure: /^puts\/s, 1 client$/, ratioAtLeast: 1.5 },
  { figure: /^puts\/s, 64 clients$/, ratioAtLeast: 5 },
  { figure: /^puts\/s, (256|1000) clients$/, ratioAtLeast: 6 },
  { figure: /^p99 of puts, 1000 clients/, ratioAtMost: 0.25 },
  { figure: /^server CPU per put, (64|1000) clients/, ratioAtMost: 0.2 },
  { figure: /^reads\/s, 64 clients$/, ratioAtLeast: 5 },
  { figure: /^reads\/s, 1000 clients$/, ratioAtLeast: 8 },
  { figure: /^failover, kill -9, median/, atMost: 150 },
  { figure: /^failover, kill -9, worst/, atMost: 1_200 },
  { figure: /^failover, silence, median/, atMost: 1_350 },
  { figure: /^transfer, longest gap/, atMost: 30 },
  { figure: /^restart/, ratioAtMost: 0.75 },
  { figure: /^catch-up .* by entries(, with the start)?, ms$/, ratioAtMost: 0.5 },
  { figure: /^memory/, ratioAtMost: 1.2 },
  { figure: /term changes$/, atMost: 0 },
  { figure: /^one node down .* last tenth \/ second tenth/, atMost: 1.1 },
];

/** Returns a Markdown table of medians, ratios and required values, with the ratio of each round in brackets. */
export function table(collected: Collected): string {
  const lines = ['| | ours | etcd | ours / etcd (rounds) | floor | |', '|---|---:|---:|---:|---:|---|'];
  for (const [figure, ours] of Object.entries(collected.chaos)) {
    const theirs = collected.etcd[figure] ?? [];
    const own = median(ours);
    const ratio = theirs.length === 0 ? null : own / median(theirs);
    const rounds = ours.slice(0, theirs.length).map((value, i) => short(value / theirs[i]!));
    const floor = FLOORS.find((each) => each.figure.test(figure));
    lines.push(
      `| ${figure} | ${short(own)} | ${theirs.length === 0 ? '' : short(median(theirs))} | ` +
        `${ratio === null ? '' : `**${short(ratio)}** (${rounds.join(', ')})`} | ${bound(floor)} | ${verdict(floor, own, ratio)} |`,
    );
  }
  return lines.join('\n');
}

function bound(floor: Floor | undefined): string {
  if (floor?.ratioAtLeast !== undefined) return `≥ ${floor.ratioAtLeast}×`;
  if (floor?.ratioAtMost !== undefined) return `≤ ${floor.ratioAtMost}×`;
  return floor?.atMost === undefined ? '' : `≤ ${floor.atMost}`;
}

function verdict(floor: Floor | undefined, own: number, ratio: number | null): string {
  if (floor === undefined) return '';
  if (floor.atMost !== undefined) return own <= floor.atMost ? 'reached' : 'missed';
  if (ratio === null) return 'no rival';
  const reached =
    floor.ratioAtLeast === undefined ? ratio <= floor.ratioAtMost! : ratio >= floor.ratioAtLeast;
  return reached ? 'reached' : 'missed';
}

/** Formats a value with three significant digits. */
function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
