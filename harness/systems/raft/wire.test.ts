import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { TcpWire } from './wire.ts';
import type { WireEnd } from './answers.ts';

const WIRE = fileURLToPath(new URL('wire.ts', import.meta.url));

test('an address on which nothing listens refuses, and this machine is able to connect', async () => {
  const reasons: string[] = [];
  const wire = new TcpWire('127.0.0.1:1', (reason) => reasons.push(reason));
  const end = await new Promise<WireEnd>((resolve) => wire.ask({ type: 'read', key: 'k' }, resolve));
  wire.close();
  expect(end).toEqual({ type: 'unsent', error: 'refused' });
  expect(reasons).toEqual([]);
});

test.skipIf(process.platform !== 'linux')(
  'without a free file descriptor, no connection can be opened, which is not the failure of a node',
  async () => {
    const program = `
      import { openSync } from 'node:fs';
      import { TcpWire } from ${JSON.stringify(WIRE)};
      try { for (;;) openSync('/dev/null'); } catch {}
      const wire = new TcpWire('127.0.0.1:1', (reason) => console.log(reason));
      wire.ask({ type: 'read', key: 'k' }, () => wire.close());
    `;
    const { stdout } = await execa(
      'bash',
      ['-c', 'ulimit -n 40; exec "$0" --input-type=module -e "$1"', process.execPath, program],
      { reject: false },
    );
    expect(stdout).toBe(
      'no connection can be opened: connect EMFILE 127.0.0.1:1 - Local (undefined:undefined): ' +
        'this process has no free file descriptors; raise the limit (ulimit -n)',
    );
  },
);
