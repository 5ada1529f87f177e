import { ApiError, badBody } from './api-error.ts';
import { decodeStruct, fieldOf, type GoStruct } from './go-decode.ts';
import { GoNumber, parseJson, type Json } from './go-json.ts';
import { noop } from './toxics/noop.ts';
import { TOXIC_TYPES } from './toxics/registry.ts';
import type { Attributes, ToxicType } from './toxics/toxic.ts';

export type StreamDirection = 'upstream' | 'downstream';

/** A toxic of a proxy. Attributes and toxicity change in place, so that its streams see the new values. */
export interface Toxic {
  readonly name: string;
  readonly type: string;
  /** The stream as the client wrote it; `direction` is its meaning. */
  readonly stream: string;
  readonly direction: StreamDirection;
  readonly kind: ToxicType;
  /**
   * Attributes as the API shows them. `attributes` has the nearest numbers, which are exact enough for the behaviour.
   */
  readonly exact: Record<string, number | bigint>;
  readonly attributes: Attributes;
  /** Probability that it acts on a connection, drawn for each connection. */
  toxicity: number;
}

/** Applies changes of the list to the streams of open connections. */
export interface ToxicListener {
  added(toxic: Toxic): void;
  updated(toxic: Toxic): void;
  removed(toxic: Toxic): void;
}

const WRAPPER: GoStruct = {
  shortName: 'ToxicWrapper',
  fullName: 'toxics.ToxicWrapper',
  fields: { name: 'string', type: 'string', stream: 'string', toxicity: 'float32' },
};
const UPDATE: GoStruct = {
  shortName: '',
  fullName: String.raw`struct { Attributes interface {} "json:\"attributes\""; Toxicity float32 "json:\"toxicity\"" }`,
  fields: { toxicity: 'float32' },
};

/**
 * The toxics of one proxy. Those of each stream are in the order in which they were added, and bytes pass them in this
 * order.
 */
export class ToxicList {
  readonly #chains: Readonly<Record<StreamDirection, Toxic[]>> = { upstream: [], downstream: [] };
  readonly #listener: ToxicListener;

  constructor(listener: ToxicListener) {
    this.#listener = listener;
  }

  get all(): readonly Toxic[] {
    return [...this.#chains.upstream, ...this.#chains.downstream];
  }

  of(direction: StreamDirection): readonly Toxic[] {
    return this.#chains[direction];
  }

  /** @throws ApiError 404 */
  get(name: string): Toxic {
    const toxic = this.all.find((other) => other.name === name);
    if (toxic === undefined) throw new ApiError('toxic not found', 404);
    return toxic;
  }

  /** @throws ApiError 400, 409 */
  add(body: string): Toxic {
    const json = badBody(() => parseJson(body));
    const fields = badBody(() => {
      const decoded = decodeStruct(json, WRAPPER);
      checkObject(fieldOf(json, 'attributes'), 'ToxicWrapper', noop);
      return decoded;
    });
    const stream = (fields['stream'] ?? 'downstream') as string;
    const direction = stream.toLowerCase();
    if (direction !== 'upstream' && direction !== 'downstream') {
      throw new ApiError('stream was invalid, can be either upstream or downstream', 400);
    }
    const type = (fields['type'] ?? '') as string;
    const name = ((fields['name'] as string | undefined) || undefined) ?? `${type}_${stream}`;
    const kind = TOXIC_TYPES.get(type);
    if (kind === undefined) throw new ApiError('invalid toxic type', 400);
    if (this.all.some((other) => other.name === name)) throw new ApiError('toxic already exists', 409);
    const attributes: Attributes = Object.fromEntries(Object.keys(kind.fields).map((field) => [field, 0]));
    const exact: Toxic['exact'] = { ...attributes };
    badBody(() => readAttributes(json, { kind, exact, attributes }));
    const toxic = {
      name,
      type,
      stream,
      direction,
      kind,
      exact,
      attributes,
      toxicity: (fields['toxicity'] ?? 1) as number,
    } as const;
    this.#chains[direction].push(toxic);
    this.#listener.added(toxic);
    return toxic;
  }

  /** Changes the fields that the body names: attributes, toxicity. @throws ApiError 400, 404 */
  update(name: string, body: string): Toxic {
    const toxic = this.get(name);
    badBody(() => {
      const json = parseJson(body);
      const fields = decodeStruct(json, UPDATE);
      readAttributes(json, toxic);
      toxic.toxicity = (fields['toxicity'] ?? toxic.toxicity) as number;
    });
    this.#listener.updated(toxic);
    return toxic;
  }

  /** @throws ApiError 404 */
  remove(name: string): void {
    const toxic = this.get(name);
    const chain = this.#chains[toxic.direction];
    chain.splice(chain.indexOf(toxic), 1);
    this.#listener.removed(toxic);
  }

  clear(): void {
    for (const toxic of this.all) this.remove(toxic.name);
  }
}

function readAttributes(
  json: Json,
  { kind, exact, attributes }: Pick<Toxic, 'kind' | 'exact' | 'attributes'>,
): void {
  const given = fieldOf(json, 'attributes');
  checkObject(given, '', kind);
  if (given === undefined) return;
  const struct: GoStruct = {
    shortName: `${kind.struct}.attributes`,
    fullName: `toxics.${kind.struct}`,
    fields: kind.fields,
  };
  for (const [field, value] of Object.entries(decodeStruct(given, struct))) {
    exact[field] = value as number | bigint;
    attributes[field] = Number(value);
  }
}

/** Throws Go's message if the attributes are not an object. */
function checkObject(given: Json | undefined, owner: string, kind: ToxicType): void {
  if (given === undefined || given instanceof Map) return;
  const shown =
    given instanceof GoNumber
      ? 'number'
      : Array.isArray(given)
        ? 'array'
        : typeof given === 'boolean'
          ? 'bool'
          : 'string';
  throw new Error(
    `json: cannot unmarshal ${shown} into Go struct field ${owner}.attributes of type toxics.${kind.struct}`,
  );
}
