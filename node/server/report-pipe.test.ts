import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { NodeReport } from '../protocol/report.ts';

const pipe = JSON.stringify(new URL('report-pipe.ts', import.meta.url).href);

/** Runs `body` in a process of its own, which has `pipe` and `report(i)`, with its reports on descriptor 3. */
function reporter(body: string): {
  child: ReturnType<typeof spawn>;
  reports: Readable;
  stderr: Promise<string>;
} {
  const program = `
    const { ReportPipe } = await import(${pipe});
    const pipe = new ReportPipe({ fd: 3, node: 'n1', onLost: (reason) => { console.error(reason); process.exit(4); } });
    const status = { type: 'status', role: 'x'.repeat(1000) };
    const commit = (index) => ({ type: 'Commit', index, term: 1 });
    const ready = { type: 'ready', pid: 1, clientPort: 1, peerPort: 1, recovered: null };
    ${body}
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  return { child, reports: child.stdio[3] as Readable, stderr: text(child.stderr!) };
}

const parse = (lines: string): NodeReport[] =>
  lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as NodeReport);

describe('the report pipe', () => {
  test('puts the ready line first, and numbers the lines', async () => {
    const { reports } = reporter(`
      pipe.log('info', 'before');
      pipe.report(commit(1));
      pipe.report(ready);
      pipe.report(commit(2));
      await pipe.close();
    `);
    const lines = parse(await text(reports));
    expect(lines.map(({ type }) => type)).toEqual(['ready', 'log', 'Commit', 'Commit']);
    expect(lines.map(({ n }) => n)).toEqual([0, 1, 2, 3]);
    expect(lines.every(({ at, node }) => Number.isSafeInteger(at) && node === 'n1')).toBe(true);
  });

  test('reports why a node could not start, although it was never ready', async () => {
    const { reports } = reporter(`pipe.log('error', 'no disk'); await pipe.close();`);
    expect(parse(await text(reports))).toMatchObject([{ n: 0, type: 'log', message: 'no disk' }]);
  });

  test('leaves out status lines if the reader is slow, but never a step', async () => {
    const { child, reports } = reporter(`
      pipe.report(ready);
      for (let i = 1; i <= 5000; i++) { pipe.report(status); pipe.report(commit(i)); pipe.flush(); }
      console.log('written');
      await pipe.close();
    `);
    await once(child.stdout!, 'data');
    const lines = parse(await text(reports));
    const steps = lines.flatMap((line) => (line.type === 'Commit' ? [line.index as number] : []));
    expect(steps).toEqual(Array.from({ length: 5_000 }, (_, i) => i + 1));
    expect(lines.map(({ n }) => n)).toEqual(lines.map((_, i) => i));
    expect(lines.filter(({ type }) => type === 'status').length).toBeLessThan(3_000);
  });

  test('ends a node if 64 MiB wait for its reader', async () => {
    const { child, stderr } = reporter(`
      pipe.report(ready);
      const big = { type: 'log', level: 'info', message: 'x'.repeat(1 << 20) };
      for (let i = 0; i < 100; i++) { pipe.report(big); pipe.flush(); }
    `);
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(4);
    child.stdio[3]!.destroy();
    expect(await stderr).toMatch(/the reader of the reports is too slow: \d+ bytes wait for it/);
  });

  test('ends a node whose reader has closed the pipe', async () => {
    const { child, reports, stderr } = reporter(`
      pipe.report(ready);
      setInterval(() => { pipe.report(commit(1)); pipe.flush(); }, 10);
    `);
    await once(reports, 'data');
    reports.destroy();
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(4);
    expect(await stderr).toMatch(/EPIPE|closed the pipe/);
  });
});
