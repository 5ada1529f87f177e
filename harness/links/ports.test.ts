import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { releasePorts, takePorts } from './ports.ts';
import { allocateListenPorts, allocateNodePorts } from './standard.ts';

test('ports are below what the kernel gives to outgoing connections, each is given once, and can be listened on', async () => {
  const taken = await Promise.all(Array.from({ length: 8 }, () => takePorts(20)));
  const ports = taken.flat();
  expect(new Set(ports).size).toBe(160);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000);
  expect(Math.max(...ports)).toBeLessThan(32_768);
  for (const port of ports.slice(0, 20)) {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
  }
  releasePorts(ports);
});

test('a port that another program listens on is not given', async () => {
  const [first] = await takePorts(1);
  const other = createServer().listen(first! + 1, '127.0.0.1');
  await once(other, 'listening');
  const more = await takePorts(3);
  expect(more).not.toContain(first);
  expect(more).not.toContain(first! + 1);
  releasePorts([first!, ...more]);
  other.close();
  await once(other, 'close');
});

test('three nodes get the ports of toxiproxy.json, and a second cluster at the same time gets others', async () => {
  const first = await allocateNodePorts(3);
  const second = await allocateNodePorts(3);
  expect(first.map(({ id }) => id)).toEqual(['n1', 'n2', 'n3']);
  const ports = [...first, ...second].flatMap(({ peerPort, clientPort }) => [peerPort, clientPort]);
  expect(new Set(ports).size).toBe(12);
  const listen = await allocateListenPorts(first);
  const others = await allocateListenPorts(second);
  expect([...listen.keys()]).toEqual([...others.keys()]);
  expect(new Set([...listen.values(), ...others.values()]).size).toBe(18);
  releasePorts([...ports, ...listen.values(), ...others.values()]);
});
