import { ApiError, badBody } from './api-error.ts';
import type { ByteCounters } from './byte-counters.ts';
import { asArray, decodeStruct, type GoStruct, type Scalar } from './go-decode.ts';
import { parseJson } from './go-json.ts';
import { Proxy, type ProxyFields } from './proxy.ts';

const FIELDS = { name: 'string', listen: 'string', upstream: 'string', enabled: 'bool' } as const;
const PROXY: GoStruct = { shortName: 'Proxy', fullName: 'toxiproxy.Proxy', fields: FIELDS };
const POPULATED = String.raw`struct { toxiproxy.Proxy; Enabled *bool "json:\"enabled\"" }`;
/** Go's messages name a field of an embedded struct with its path. */
const ENTRY: GoStruct = { shortName: '.Proxy', fullName: POPULATED, fields: FIELDS };

/** Result of `populate`; `error` is the reason if it stopped early. */
export interface Populated {
  readonly proxies: readonly Proxy[] | null;
  readonly error: ApiError | null;
}

/** All proxies of the server. Changes of the collection run one after another. */
export class Proxies {
  readonly #byName = new Map<string, Proxy>();
  readonly #counters: ByteCounters;
  #last: Promise<unknown> = Promise.resolve();

  constructor(counters: ByteCounters) {
    this.#counters = counters;
  }

  get all(): readonly Proxy[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws ApiError 404 */
  get(name: string): Proxy {
    const proxy = this.#byName.get(name);
    if (proxy === undefined) throw new ApiError('proxy not found', 404);
    return proxy;
  }

  /** @throws ApiError 400, 409, 500 */
  create(body: string): Promise<Proxy> {
    return this.#enqueue(async () => {
      const { name, ...fields } = readProxy(badBody(() => decodeStruct(parseJson(body), PROXY)));
      if (name === '') throw new ApiError('missing required field: name', 400);
      if (fields.upstream === '') throw new ApiError('missing required field: upstream', 400);
      if (this.#byName.has(name)) throw new ApiError('proxy already exists', 409);
      const proxy = new Proxy(name, fields, this.#counters);
      if (fields.enabled) await internal(proxy.start());
      this.#byName.set(name, proxy);
      return proxy;
    });
  }

  /** @throws ApiError 400, 404, 500 */
  async update(name: string, body: string): Promise<Proxy> {
    const proxy = this.get(name);
    const given = badBody(() => decodeStruct(parseJson(body), PROXY));
    await internal(proxy.update(readProxy({ ...proxy.fields, ...given })));
    return proxy;
  }

  /** Creates proxies. An existing proxy of the same name is kept if it has the same addresses, and replaced if not. */
  populate(body: string): Promise<Populated> {
    return this.#enqueue(async () => {
      const made: Proxy[] = [];
      try {
        const entries = readEntries(body);
        for (const [i, entry] of entries.entries()) {
          if (entry.name === '') throw new ApiError(`missing required field: name at proxy ${i + 1}`, 400);
          if (entry.upstream === '')
            throw new ApiError(`missing required field: upstream at proxy ${i + 1}`, 400);
        }
        for (const entry of entries) made.push(await this.#addOrReplace(entry));
        return { proxies: made.length === 0 ? null : made, error: null };
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return { proxies: made.length === 0 ? null : made, error };
      }
    });
  }

  /** @throws ApiError 404 */
  remove(name: string): Promise<void> {
    return this.#enqueue(async () => {
      const proxy = this.get(name);
      await proxy.stop();
      this.#byName.delete(name);
    });
  }

  /** Enables every proxy and removes all toxics. @throws ApiError 500 if one cannot listen. */
  async reset(): Promise<void> {
    for (const proxy of this.all) {
      await internal(proxy.start());
      proxy.toxics.clear();
    }
  }

  async #addOrReplace({ name, ...fields }: NamedFields): Promise<Proxy> {
    const old = this.#byName.get(name);
    if (old !== undefined) {
      if (!(await internal(old.differs(fields)))) return old;
      await old.stop();
    }
    const proxy = new Proxy(name, fields, this.#counters);
    if (fields.enabled) await internal(proxy.start());
    this.#byName.set(name, proxy);
    return proxy;
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

type NamedFields = ProxyFields & { readonly name: string };

function readProxy(given: Readonly<Record<string, Scalar>>): NamedFields {
  const { name = '', listen = '', upstream = '', enabled = true } = given as Partial<NamedFields>;
  return { name, listen, upstream, enabled };
}

function readEntries(body: string): readonly NamedFields[] {
  return badBody(() => {
    const entries = asArray(parseJson(body), `Go value of type []${POPULATED}`);
    return entries.map((entry) => readProxy(readEntry(entry)));
  });
}

function readEntry(entry: Parameters<typeof decodeStruct>[0]): Readonly<Record<string, Scalar>> {
  try {
    return decodeStruct(entry, ENTRY);
  } catch (error) {
    // `enabled` is a field of the entry itself, not of the embedded struct, because it can be left out.
    throw new Error((error as Error).message.replace('.Proxy.enabled', '.enabled'), { cause: error });
  }
}

/** Errors of the system are answered with 500. */
async function internal<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new ApiError((error as Error).message, 500);
  }
}
