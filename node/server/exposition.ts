/**
 * Prometheus' text exposition format 0.0.4. Series are read on request; only a histogram collects values in between.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;
/** A value, or several that differ in their labels. */
export type Reading = number | readonly (readonly [Labels, number])[];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** Samples: suffix of the name, labels, value. */
  readonly read: () => readonly (readonly [suffix: string, Labels, number])[];
}

export class Exposition {
  readonly #labels: Labels;
  readonly #families: Family[] = [];

  /** `labels` are added to every sample. */
  constructor(labels: Labels) {
    this.#labels = labels;
  }

  gauge(name: string, help: string, read: () => Reading): void {
    this.#families.push({ name, help, type: 'gauge', read: () => samplesOf(read()) });
  }

  /** The value of `read` must never fall. */
  counter(name: string, help: string, read: () => Reading): void {
    this.#families.push({ name, help, type: 'counter', read: () => samplesOf(read()) });
  }

  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    const histogram = new Histogram(buckets);
    this.#families.push({ name, help, type: 'histogram', read: () => histogram.samples() });
    return histogram;
  }

  text(): string {
    const lines: string[] = [];
    for (const { name, help, type, read } of this.#families) {
      lines.push(
        `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
        `# TYPE ${name} ${type}`,
      );
      for (const [suffix, labels, value] of read())
        lines.push(`${name}${suffix}${labelText({ ...this.#labels, ...labels })} ${valueText(value)}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

/** Counts the values up to each bound. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** Number of values between a bound and the one before; the last is for values above all bounds. */
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` ascend. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > this.#bounds[at]!) at++;
    this.#counts[at]!++;
    this.#sum += value;
  }

  samples(): [suffix: string, Labels, number][] {
    let count = 0;
    const buckets = this.#counts.map((more, at): [string, Labels, number] => {
      count += more;
      return ['_bucket', { le: valueText(this.#bounds[at] ?? Infinity) }, count];
    });
    return [...buckets, ['_sum', {}, this.#sum], ['_count', {}, count]];
  }
}

function samplesOf(reading: Reading): [suffix: string, Labels, number][] {
  if (typeof reading === 'number') return [['', {}, reading]];
  return reading.map(([labels, value]) => ['', labels, value]);
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const valueText = (value: number): string =>
  value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
