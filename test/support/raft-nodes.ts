import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { releasePorts, takePorts } from '../../harness/links/ports.ts';
import type { NodePorts } from '../../harness/links/standard.ts';
import { decodeResponse, encodeRequest, MAX_RESPONSE_BYTES } from '../../node/protocol/client-codec.ts';
import type { ClientOperation, ClientResponse } from '../../node/protocol/client.ts';
import { FrameReader } from '../../node/protocol/frame.ts';
import type { NodeReport } from '../../node/protocol/report.ts';

const NODE_PROGRAM = fileURLToPath(new URL('../../node/main.mjs', import.meta.url));
const WAIT_MS = 15_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** One node process that listens on its ports directly, without links. */
export class NodeProcess {
  readonly reports: NodeReport[] = [];
  readonly exited: Promise<Exit>;
  readonly child: ChildProcess;
  stderr = '';
  readonly #watchers = new Set<() => void>();
  #ended = false;

  constructor(args: readonly string[], program: string = NODE_PROGRAM) {
    this.child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    this.child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    createInterface({ input: this.child.stdio[3] as Readable }).on('line', (line) => {
      this.reports.push(JSON.parse(line) as NodeReport);
      this.#changed();
    });
    this.exited = once(this.child, 'close').then(([code, signal]) => {
      this.#ended = true;
      this.#changed();
      return { code: code as number | null, signal: signal as string | null, stderr: this.stderr };
    });
  }

  /** Resolves with the first defined result of `find`. Rejects if the node ends before, or after 15 s. */
  async until<T>(what: string, find: (reports: readonly NodeReport[]) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => finish(new Error(`${what}: not within ${WAIT_MS} ms. ${this.stderr}`)),
        WAIT_MS,
      );
      const look = (): void => {
        const found = find(this.reports);
        if (found !== undefined) finish(found);
        else if (this.#ended) finish(new Error(`${what}: the node has ended. ${this.stderr}`));
      };
      const finish = (result: T | Error): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      this.#watchers.add(look);
      look();
    });
  }

  ready(): Promise<Extract<NodeReport, { type: 'ready' }>> {
    return this.until('ready', (reports) => reports.find((report) => report.type === 'ready'));
  }

  async end(signal: NodeJS.Signals): Promise<Exit> {
    this.child.kill(signal);
    return this.exited;
  }

  #changed(): void {
    for (const look of this.#watchers) look();
  }
}

/** Ports at which the nodes of a cluster listen, and addresses at which they reach each other. */
export interface Wiring {
  readonly ports: readonly NodePorts[];
  /** Address (`host:port`) that `from` connects to in order to reach `to`. */
  readonly route: (from: string, to: string) => string;
}

/** Takes free ports until they are released. They are below the kernel's range, so they stay free for stopped nodes. */
export async function freePorts(ids: readonly string[]): Promise<readonly NodePorts[]> {
  const free = await takePorts(2 * ids.length);
  return ids.map((id, i) => ({ id, peerPort: free[2 * i]!, clientPort: free[2 * i + 1]! }));
}

/** The nodes of one cluster, with their data under `folder`. */
export class NodeCluster {
  readonly nodes = new Map<string, NodeProcess>();
  readonly clientPorts = new Map<string, number>();
  readonly #peerPorts = new Map<string, number>();
  readonly #folder: string;
  readonly #options: Readonly<Record<string, string>>;
  readonly #route: Wiring['route'];
  /** Nodes that were ready once. Only the first start of a founder creates the cluster. */
  readonly #wasReady = new Set<string>();
  /** Ids of the founders. */
  readonly ids: readonly string[];

  private constructor(
    folder: string,
    { ports, route }: Pick<Wiring, 'ports'> & Partial<Wiring>,
    options: Readonly<Record<string, string>>,
  ) {
    this.#folder = folder;
    this.ids = ports.map(({ id }) => id);
    this.#options = options;
    this.#route = route ?? ((_, to) => this.peerAddress(to));
    for (const { id, peerPort, clientPort } of ports) {
      this.#peerPorts.set(id, peerPort);
      this.clientPorts.set(id, clientPort);
    }
  }

  /** Starts the nodes on free ports. `options` are given to every node in addition to its own. */
  static async start(
    folder: string,
    ids: readonly string[] = ['n1', 'n2', 'n3'],
    options: Readonly<Record<string, string>> = {},
  ): Promise<NodeCluster> {
    return NodeCluster.startWired(folder, { ports: await freePorts(ids) }, options);
  }

  /** Starts the nodes with the given ports, and optionally with other addresses between them. */
  static async startWired(
    folder: string,
    wiring: Pick<Wiring, 'ports'> & Partial<Wiring>,
    options: Readonly<Record<string, string>>,
  ): Promise<NodeCluster> {
    const cluster = new NodeCluster(folder, wiring, options);
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    return cluster;
  }

  data(id: string): string {
    return join(this.#folder, id);
  }

  args(id: string, more: Readonly<Record<string, string>> = {}): string[] {
    const joins = !this.ids.includes(id);
    const others = joins ? [] : this.ids.filter((other) => other !== id);
    const peers = others.map((other) => `${other}=${this.#route(id, other)}`).join(',');
    const listen = { peer: this.#peerPorts.get(id)!, client: this.clientPorts.get(id)! };
    const named: Record<string, string> = {
      id,
      data: this.data(id),
      'peer-listen': `127.0.0.1:${listen.peer}`,
      'client-listen': `127.0.0.1:${listen.client}`,
      seed: '7',
      'report-fd': '3',
      ...(peers === '' ? {} : { peers }),
      ...(joins ? { cluster: [...this.ids].sort().join(',') } : {}),
      ...this.#options,
      ...more,
    };
    const first = this.#wasReady.has(id) ? [] : ['--bootstrap'];
    return [
      ...(joins ? ['--join'] : first),
      ...Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]),
    ];
  }

  /** Starts a node that is not a founder. It waits until it is added to the cluster. */
  async join(id: string): Promise<NodeProcess> {
    const [ports] = await freePorts([id]);
    this.#peerPorts.set(id, ports!.peerPort);
    this.clientPorts.set(id, ports!.clientPort);
    return this.start(id);
  }

  /** Address at which other nodes reach it directly. */
  peerAddress(id: string): string {
    return `127.0.0.1:${this.#peerPorts.get(id)}`;
  }

  /** Starts one node. `how.options` are given in addition to those of the cluster. */
  async start(
    id: string,
    how: { readonly program?: string; readonly options?: Readonly<Record<string, string>> } = {},
  ): Promise<NodeProcess> {
    const node = new NodeProcess(this.args(id, how.options), how.program);
    this.nodes.set(id, node);
    await node.ready();
    this.#wasReady.add(id);
    return node;
  }

  /** Resolves to a node that reports that it leads, but not to the node `not`. */
  async leader(not?: string): Promise<string> {
    const live = [...this.nodes].filter(
      ([id, { child }]) => id !== not && child.exitCode === null && child.signalCode === null,
    );
    const ended = new AbortController();
    const found = live.map(([id, node]) =>
      node.until(`leadership of ${id}`, (reports) => {
        if (ended.signal.aborted) return '';
        const last = reports.findLast((report) => report.type === 'status');
        return last?.type === 'status' && last.role === 'leader' ? id : undefined;
      }),
    );
    const leader = await Promise.any(found);
    ended.abort();
    for (const promise of found) promise.catch(() => undefined);
    return leader;
  }

  client(id: string): Promise<NodeClient> {
    return NodeClient.connect(this.clientPorts.get(id)!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.end('SIGKILL')));
    releasePorts([...this.#peerPorts.values(), ...this.clientPorts.values()]);
  }
}

/** A client connection with any number of requests in flight. Answers belong to requests by their numbers. */
export class NodeClient {
  readonly socket: Socket;
  readonly #reader = new FrameReader('client-response', MAX_RESPONSE_BYTES);
  readonly #waiting = new Map<number, (response: ClientResponse | null) => void>();
  #requests = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      for (const payload of this.#reader.push(chunk)) {
        const response = decodeResponse(payload);
        this.#waiting.get(response.requestId)?.(response);
        this.#waiting.delete(response.requestId);
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const resolve of this.#waiting.values()) resolve(null);
      this.#waiting.clear();
    });
  }

  static async connect(port: number): Promise<NodeClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new NodeClient(socket);
  }

  /** Resolves with the answer, or with null if the connection closes before. */
  request(operation: ClientOperation): Promise<ClientResponse | null> {
    if (this.socket.destroyed) return Promise.resolve(null);
    const requestId = ++this.#requests;
    this.socket.write(encodeRequest({ ...operation, requestId }));
    return new Promise((resolve) => this.#waiting.set(requestId, resolve));
  }

  async openSession(): Promise<number> {
    const response = await this.request({ type: 'open-session' });
    if (response?.type !== 'session') throw new Error(`open-session: ${JSON.stringify(response)}`);
    return response.session;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
