import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { systemReason } from '../system-reason.ts';

/**
 * Ports come in blocks, below the range (32768 and up on Linux, 49152 on macOS) that the kernel gives to outgoing
 * connections. A node that is down, or a link that refuses connections, leaves its port unbound for seconds; in the
 * kernel's range any outgoing connection could take it meanwhile, and the node could not come back.
 */
const FIRST_PORT = 20_000;
const BLOCK_SIZE = 128;
const BLOCKS = 99;
/** Block 0 holds the ports of `toxiproxy.json`. */
export const STANDARD_BLOCK = 0;

/**
 * A block of ports that no other chaos run on this machine uses. The process that listens on the block's first port
 * owns it, so the lease ends with the process, in any case. Other programs may still use a port, so each port is tried
 * before it is handed out.
 */
class PortBlock {
  readonly index: number;
  readonly #lock: Server;
  readonly #taken = new Set<number>();

  private constructor(index: number, lock: Server) {
    this.index = index;
    this.#lock = lock;
  }

  /** Null: another process has it. */
  static async lease(index: number): Promise<PortBlock | null> {
    const lock = await listen(FIRST_PORT + index * BLOCK_SIZE);
    return lock === null ? null : new PortBlock(index, lock.unref());
  }

  get idle(): boolean {
    return this.#taken.size === 0;
  }

  owns(port: number): boolean {
    const first = FIRST_PORT + this.index * BLOCK_SIZE;
    return port > first && port < first + BLOCK_SIZE;
  }

  /** Takes exactly this port, if it is free. */
  async take(port: number): Promise<boolean> {
    if (this.#taken.has(port)) return false;
    // Taken before it is tried: the trial awaits, and two callers must not be given one port.
    this.#taken.add(port);
    if (await isFree(port)) return true;
    this.#taken.delete(port);
    return false;
  }

  /** Any free port of the block. */
  async takeAny(): Promise<number | null> {
    const first = FIRST_PORT + this.index * BLOCK_SIZE;
    for (let port = first + 1; port < first + BLOCK_SIZE; port++) if (await this.take(port)) return port;
    return null;
  }

  release(port: number): void {
    this.#taken.delete(port);
  }

  close(): void {
    this.#lock.close();
  }
}

/** Error codes that say something about one port: it is in use, or reserved. Every other one is about the machine. */
const TAKEN = new Set(['EADDRINUSE', 'EACCES']);

/** The blocks that this process leases now. */
const leased = new Map<number, PortBlock>();

/**
 * `count` free ports of 127.0.0.1, for this process alone until `releasePorts`.
 * @throws when no block is left, which takes about a hundred runs at once, or when nothing can listen on 127.0.0.1.
 */
export async function takePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (const block of leased.values()) {
    if (block.index !== STANDARD_BLOCK) await fill(block, ports, count);
  }
  const start = randomInt(1, BLOCKS);
  for (let i = 0; i < BLOCKS - 1 && ports.length < count; i++) {
    const block = await leaseBlock(1 + ((start + i) % (BLOCKS - 1)));
    if (block !== null) await fill(block, ports, count);
  }
  if (ports.length < count) {
    releasePorts(ports);
    throw new Error(
      `no ${count} free ports on 127.0.0.1 in ${FIRST_PORT}–${FIRST_PORT + BLOCKS * BLOCK_SIZE - 1}: ` +
        `too many chaos runs at once, or another program holds the range`,
    );
  }
  return ports;
}

async function fill(block: PortBlock, ports: number[], count: number): Promise<void> {
  while (ports.length < count) {
    const port = await block.takeAny();
    if (port === null) return;
    ports.push(port);
  }
}

/** These ports of the standard block, or null if one of them, or the block, is in use. */
export async function takeStandardPorts(wanted: readonly number[]): Promise<readonly number[] | null> {
  const block = await leaseBlock(STANDARD_BLOCK);
  if (block === null) return null;
  const got: number[] = [];
  for (const port of wanted) {
    if (!block.owns(port))
      throw new Error(
        `toxiproxy.json: port ${port} is not within ${FIRST_PORT + 1}–${FIRST_PORT + BLOCK_SIZE - 1}`,
      );
    if (await block.take(port)) got.push(port);
    else {
      for (const taken of got) block.release(taken);
      closeIfIdle(block);
      return null;
    }
  }
  return got;
}

/** Gives ports back; a block without taken ports is given back too. Ports that were never taken are ignored. */
export function releasePorts(ports: readonly number[]): void {
  for (const block of leased.values()) {
    const its = ports.filter((port) => block.owns(port));
    for (const port of its) block.release(port);
    if (its.length > 0) closeIfIdle(block);
  }
}

function closeIfIdle(block: PortBlock): void {
  if (!block.idle) return;
  block.close();
  leased.delete(block.index);
}

async function leaseBlock(index: number): Promise<PortBlock | null> {
  const mine = leased.get(index);
  if (mine !== undefined) return mine;
  const block = await PortBlock.lease(index);
  if (block !== null) leased.set(index, block);
  return block;
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server === null) return false;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return true;
}

/** Null if another program has the port. @throws Error with the reason if no port can be listened on at all. */
function listen(port: number): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (TAKEN.has(error.code ?? '')) resolve(null);
      else reject(new Error(`cannot listen on 127.0.0.1: ${systemReason(error)}`, { cause: error }));
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}
