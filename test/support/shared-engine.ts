import { NodeEngine } from '@surrealdb/node';
import {
  type ConnectionState,
  type DriverContext,
  FlatBufferCodec,
  JsonCodec,
  parseRpcError,
  type RpcErrorObject,
  type RpcQueryResult,
  Uuid,
} from 'surrealdb';
import type { Backend, Place, Service, ServiceOptions } from './backend.js';
import { codec, isObject, outcomeOf } from './rpc-wire.js';
import { SocketService } from './socket-service.js';

/** A request to the engine itself, which knows only its own sessions. */
export interface EngineCall {
  readonly method: string;
  readonly params?: readonly unknown[];
  readonly session?: Uuid | undefined;
  readonly txn?: Uuid | undefined;
}

/** Called for each notification of a live query, with its action and the encoded whole. */
export type NotificationListener = (action: string, notification: Uint8Array) => void;

// Notifications nobody listens to are kept for so many live queries, and so many of each.
const unclaimedLimit = 256;

/**
 * One embedded engine that any number of fronts serve.
 *
 * It is driven below the SDK's `Surreal`, call by call, and gives replies as the engine's own bytes.
 */
export class SharedEngine implements Backend {
  readonly url: string;
  readonly #engine: NodeEngine;
  readonly #listeners = new Map<string, NotificationListener>();
  readonly #unclaimed = new Map<string, [action: string, notification: Uint8Array][]>();
  #requests = 0;

  private constructor(url: string) {
    this.url = url;
    this.#engine = new NodeEngine(this.#context());
  }

  /** Opens `mem://`, `rocksdb:///path` or `surrealkv:///path`; rejects when the engine cannot be opened. */
  static async open(url: string): Promise<SharedEngine> {
    const shared = new SharedEngine(url);
    await new Promise<void>((opened, failed) => {
      shared.#engine.subscribe('connected', opened);
      shared.#engine.subscribe('error', failed);
      // The embedded engine reads nothing but the url; the rest of the state belongs to the SDK's controller.
      shared.#engine.open({ url: new URL(url) } as ConnectionState);
    });
    return shared;
  }

  /** Sends one call and gives the reply undecoded: the value, or a map with the one entry `error`. */
  call(call: EngineCall): Promise<Uint8Array> {
    const { method, params, session, txn } = call;
    return this.#engine.send({ method, session, ...(params && { params: [...params] }), ...(txn && { txn }) });
  }

  serve(options: ServiceOptions): Service {
    return new SocketService(this, options);
  }

  async query(text: string, place?: Place, bindings: Record<string, unknown> = {}): Promise<unknown[]> {
    const session = Uuid.v4();
    await this.#decoded({ method: 'attach', session });
    try {
      if (place) await this.#decoded({ method: 'use', params: [place.namespace, place.database], session });
      const results = await this.#decoded<RpcQueryResult[]>({ method: 'query', params: [text, bindings], session });
      return results.map((result) => {
        if (result.status === 'ERR') throw new Error(result.result);
        return result.result;
      });
    } finally {
      await this.#decoded({ method: 'detach', session });
    }
  }

  /**
   * Gives every notification of one live query to one listener, those included that came before this call: the
   * engine may send the first before its reply with the live query's id was handled. Returns the way to stop.
   */
  listen(liveQuery: string, listener: NotificationListener): () => void {
    this.#listeners.set(liveQuery, listener);
    const missed = this.#unclaimed.get(liveQuery) ?? [];
    this.#unclaimed.delete(liveQuery);
    for (const notification of missed) listener(...notification);
    return () => this.#listeners.delete(liveQuery);
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }

  async #decoded<Value>(call: EngineCall): Promise<Value> {
    const outcome = outcomeOf(await this.call(call));
    if ('error' in outcome) throw parseRpcError(codec.decode<RpcErrorObject>(outcome.error));
    return codec.decode<Value>(outcome.value);
  }

  #context(): DriverContext {
    return {
      options: {},
      uniqueId: () => String(++this.#requests),
      codecs: {
        cbor: {
          encode: (value) => codec.encode(value),
          decode: <Value>(bytes: Uint8Array) => {
            this.#receive(bytes);
            // Handing on the bytes themselves is what keeps replies undecoded.
            return bytes as Value;
          },
        },
        flatbuffer: new FlatBufferCodec({}),
        json: new JsonCodec({}),
      },
    };
  }

  /** Sees everything the engine sends, replies and notifications alike, and picks out the notifications. */
  #receive(bytes: Uint8Array): void {
    // Only a map can be a notification, and few replies are one: most are spared the decoding.
    if (((bytes[0] ?? 0) & 0xe0) !== 0xa0) return;
    const message: unknown = codec.decode(bytes);
    if (!isObject(message) || !(message.id instanceof Uuid) || typeof message.action !== 'string') return;
    const liveQuery = message.id.toString();
    const listener = this.#listeners.get(liveQuery);
    if (listener) listener(message.action, bytes);
    else this.#keep(liveQuery, message.action, bytes);
  }

  #keep(liveQuery: string, action: string, bytes: Uint8Array): void {
    const kept = this.#unclaimed.get(liveQuery) ?? [];
    if (kept.length < unclaimedLimit) kept.push([action, bytes]);
    this.#unclaimed.set(liveQuery, kept);
    if (this.#unclaimed.size <= unclaimedLimit) return;
    const [oldest] = this.#unclaimed.keys();
    if (oldest !== undefined) this.#unclaimed.delete(oldest);
  }
}
