import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { Exposition } from './exposition.ts';

/** Interval in ms of the timer that measures the event loop's delay. */
const LOOP_RESOLUTION_MS = 10;
const GC_KIND: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** Adds metrics of the process, with the names that Prometheus' client libraries use. */
export function addProcessMetrics(to: Exposition): void {
  const startedAt = Date.now() / 1_000 - process.uptime();
  to.gauge('process_start_time_seconds', 'Since the Unix epoch.', () => startedAt);
  to.counter('process_cpu_seconds_total', 'Of all threads.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  to.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  to.gauge('nodejs_heap_size_used_bytes', 'Of the JavaScript heap.', () => process.memoryUsage().heapUsed);
  to.gauge('nodejs_external_memory_bytes', 'Buffers and other memory outside of the heap.', () => {
    const { external } = process.memoryUsage();
    return external;
  });
  to.gauge('nodejs_active_resources', 'Number of active resources: sockets, timers, requests.', () => {
    const counts = new Map<string, number>();
    for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
    return Array.from(counts, ([type, count]) => [{ type }, count] as const);
  });
  addEventLoopDelay(to);
  addGarbageCollection(to);
}

function addEventLoopDelay(to: Exposition): void {
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  delay.enable();
  to.gauge('nodejs_eventloop_lag_seconds', 'Delay of timers since the last scrape.', () => {
    const quantiles = [50, 90, 99].map(
      (p) => [{ quantile: String(p / 100) }, lagOf(delay.percentile(p))] as const,
    );
    const most = [{ quantile: '1' }, lagOf(delay.max)] as const;
    delay.reset();
    return [...quantiles, most];
  });
}

/** Delay without the interval of the timer itself. */
const lagOf = (ns: number): number => Math.max(0, ns / 1e9 - LOOP_RESOLUTION_MS / 1_000);

function addGarbageCollection(to: Exposition): void {
  const seconds = new Map<string, number>();
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // Node.js documents `detail` for entries of type `gc`, but its types do not have it.
      const { detail } = entry as unknown as { detail: { kind: number } };
      const kind = GC_KIND[detail.kind] ?? 'other';
      seconds.set(kind, (seconds.get(kind) ?? 0) + entry.duration / 1_000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  to.counter('nodejs_gc_seconds_total', 'Time in garbage collection.', () =>
    Array.from(seconds, ([kind, total]) => [{ kind }, total] as const),
  );
}
