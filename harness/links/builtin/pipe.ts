import type { Socket } from 'node:net';
import type { ByteCount } from './byte-counters.ts';
import { Stage, type Chunk, type Sink } from './stage.ts';
import type { Toxic } from './toxic-list.ts';

/** Size of the real server's reads, in bytes. It matters because some toxics (latency, limits) act on whole chunks. */
const CHUNK_BYTES = 32 * 1_024;

export interface PipeOptions {
  readonly source: Socket;
  readonly dest: Socket;
  readonly toxics: readonly Toxic[];
  readonly count: ByteCount;
  /** Closes `dest` after everything that was written to it has been sent. */
  readonly closeDest: () => void;
}

interface Placed {
  readonly toxic: Toxic;
  readonly stage: Stage;
  /** True if the toxic acts on this connection; drawn at random with its toxicity. */
  active: boolean;
}

/**
 * One stream of one connection: source → toxics → dest. Without an active toxic, bytes go from socket to socket. When
 * the source ends, the end also passes through the toxics, and then dest is closed in both directions, as in the real
 * server.
 */
export class Pipe {
  readonly #options: PipeOptions;
  readonly #out: SocketSink;
  readonly #placed: Placed[] = [];
  #head: Sink;
  #ended = false;

  constructor(options: PipeOptions) {
    this.#options = options;
    this.#out = new SocketSink(options);
    this.#head = this.#out;
    for (const toxic of options.toxics) this.#place(toxic);
    this.#connect();
    for (const { stage, active } of this.#placed) if (active) stage.begin();

    const { source, dest } = options;
    source.on('data', (data: Buffer) => this.#take(data));
    source.once('end', () => this.#end());
    source.once('close', () => this.#end());
    dest.on('drain', () => this.#drained());
    dest.once('close', () => this.#destroy());
  }

  add(toxic: Toxic): void {
    const placed = this.#place(toxic);
    this.#connect();
    if (placed.active) placed.stage.begin();
  }

  update(toxic: Toxic): void {
    const placed = this.#find(toxic);
    if (placed === undefined) return;
    if (placed.active) placed.stage.interrupt();
    const active = draw(toxic);
    if (placed.active && !active) placed.stage.flush();
    placed.active = active;
    this.#connect();
    if (active) placed.stage.begin();
  }

  remove(toxic: Toxic): void {
    const placed = this.#find(toxic);
    if (placed === undefined) return;
    if (placed.active) placed.stage.interrupt();
    if (toxic.kind.closesOnRemoval) placed.stage.close();
    // A closed stage stays in the chain, because later bytes must not pass it.
    if (placed.stage.closed) {
      placed.active = true;
    } else {
      if (placed.active) placed.stage.flush();
      this.#placed.splice(this.#placed.indexOf(placed), 1);
    }
    this.#connect();
    this.#options.source.resume();
  }

  #place(toxic: Toxic): Placed {
    const stage = new Stage(toxic.kind.begin(toxic.attributes), toxic.kind.capacity, this.#out);
    const placed = { toxic, stage, active: draw(toxic) };
    this.#placed.push(placed);
    return placed;
  }

  #find(toxic: Toxic): Placed | undefined {
    return this.#placed.find((placed) => placed.toxic === toxic);
  }

  /** Connects the active stages to one chain. */
  #connect(): void {
    let next: Sink = this.#out;
    let after: Stage | null = null;
    const stages = this.#placed.filter(({ active }) => active).map(({ stage }) => stage);
    for (const stage of stages.reverse()) {
      stage.next = next;
      if (after !== null) after.onRoom = () => stage.room();
      next = stage;
      after = stage;
    }
    if (after !== null) after.onRoom = () => this.#options.source.resume();
    this.#head = next;
  }

  #take(data: Buffer): void {
    const { source, count } = this.#options;
    count.received += data.length;
    if (this.#head === this.#out) this.#out.writeData(data);
    else {
      const at = performance.now();
      for (let start = 0; start < data.length; start += CHUNK_BYTES) {
        this.#head.write({ data: data.subarray(start, start + CHUNK_BYTES), at });
      }
    }
    if (this.#head.full) source.pause();
  }

  #drained(): void {
    const last = this.#placed.findLast(({ active }) => active);
    if (last === undefined) this.#options.source.resume();
    else last.stage.room();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#head.end();
  }

  /** Handles a closed receiver: later bytes are read and dropped, so that the end of the source is noticed. */
  #destroy(): void {
    for (const { stage } of this.#placed) stage.destroy();
    this.#options.source.resume();
  }
}

class SocketSink implements Sink {
  readonly #options: PipeOptions;

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  get full(): boolean {
    return this.#options.dest.writableNeedDrain;
  }

  write(chunk: Chunk): void {
    this.writeData(chunk.data);
  }

  writeData(data: Buffer): void {
    const { dest, count } = this.#options;
    if (!dest.writable) return;
    count.sent += data.length;
    dest.write(data);
  }

  end(): void {
    this.#options.closeDest();
  }
}

const draw = (toxic: Toxic): boolean => Math.random() < toxic.toxicity;
