import { UsageError } from '../errors/configuration.js';
import { messageOf } from '../errors/error-message.js';
import { encodeQuery, isQueryRequest } from './query-encoder.js';
import { refuseHalfCharacters, StrictCodec } from './sendable.js';
import { findFault } from './unsendable-path.js';

/** The bytes of a request and its reply. Each is undefined until sent or received. */
export interface Recording {
  request: Uint8Array | undefined;
  reply: Uint8Array | undefined;
}

/** The size of the reply to a request. */
export interface AnswerSize {
  /** In bytes; 0 until it came. */
  bytes: number;
}

/** Parameters already encoded: they are sent as these bytes. */
export class EncodedBindings {
  /** @param bytes a map, in CBOR */
  constructor(readonly bytes: Uint8Array) {}
}

/**
 * The codec of requests, with three additions: it records exchanges as bytes, sends parameters already encoded, and
 * throws a {@link UsageError} that names a value that cannot be sent. It encodes queries, most of the traffic, itself:
 * faster, to the same bytes.
 */
export class RecordingCodec extends StrictCodec {
  /** The recording for the request being encoded. */
  #recording: Recording | undefined;
  /** How many recorded requests have no reply yet. */
  #awaited = 0;
  /** The bytes of the replies that came meanwhile, by their decoded value. */
  readonly #replies = new WeakMap<object, Uint8Array>();
  /** How many requests have no reply yet whose size is wanted. */
  #measured = 0;
  /** The sizes of the replies that came meanwhile, by their decoded value. */
  readonly #sizes = new WeakMap<object, number>();

  /**
   * Sends one request, and records it with its reply.
   * @param send Sends the request; the SDK's engines encode it before they return.
   */
  async record<Result>(send: () => Promise<Result>, recording: Recording): Promise<Result> {
    this.#awaited++;
    try {
      const result = await this.#recorded(send, recording);
      recording.reply = typeof result === 'object' && result !== null ? this.#replies.get(result) : undefined;
      return result;
    } finally {
      this.#awaited--;
    }
  }

  /** Measures the reply to a request that was just sent. */
  async measure<Result>(reply: Promise<Result>, size: AnswerSize): Promise<Result> {
    this.#measured++;
    try {
      const result = await reply;
      if (typeof result === 'object' && result !== null) size.bytes = this.#sizes.get(result) ?? 0;
      return result;
    } finally {
      this.#measured--;
    }
  }

  /** Clears the recording even if the request fails, so that the next request is not recorded in its place. */
  #recorded<Result>(send: () => Promise<Result>, recording: Recording): Promise<Result> {
    this.#recording = recording;
    try {
      return send();
    } finally {
      this.#recording = undefined;
    }
  }

  override encode<T>(data: T): Uint8Array {
    try {
      const bytes = this.#encode(data);
      if (this.#recording !== undefined) this.#recording.request = new Uint8Array(bytes);
      return bytes;
    } catch (cause) {
      throw new UsageError(`a value cannot be sent: ${this.#whatIsWrong(data) ?? messageOf(cause)}`, { cause });
    }
  }

  #whatIsWrong(request: unknown): string | undefined {
    const { method, params } = Object(request) as { method?: unknown; params?: unknown };
    const [first, second]: unknown[] = Array.isArray(params) ? params : [];
    if (method === 'let') return findFault(this, () => second, `$${String(first)}`);
    if (method !== 'query') return findFault(this, () => first);
    return findFault(this, () => first, 'the text of the query') ?? parameterFault(this, second);
  }

  #keep(result: unknown, bytes: Uint8Array): void {
    if (typeof result !== 'object' || result === null) return;
    // Copied, since what arrived may be part of a larger buffer. The `slice()` of a Buffer would not copy.
    if (this.#awaited > 0) this.#replies.set(result, new Uint8Array(bytes));
    if (this.#measured > 0) this.#sizes.set(result, bytes.byteLength);
  }

  #encode(data: unknown): Uint8Array {
    if (!isQueryRequest(data)) return super.encode(data);
    const [text, bindings] = data.params;
    refuseHalfCharacters(text);
    if (bindings instanceof EncodedBindings) return encodeQuery(data, bindings.bytes);
    return encodeQuery(data, isEmpty(bindings) ? undefined : super.encode(bindings));
  }

  override decode<T>(bytes: Uint8Array): T {
    const value = super.decode<T>(bytes);
    if (this.#awaited + this.#measured > 0) this.#keep(resultIn(value), bytes);
    return value;
  }
}

/** Whether there are no parameters. Anything but a plain object is left to the SDK. */
function isEmpty(bindings: unknown): boolean {
  if (Object.getPrototypeOf(bindings) !== Object.prototype) return false;
  for (const _ in bindings as object) return false;
  return true;
}

/**
 * What is wrong with the parameters of a query. Parameters of a builder have generated names, which the caller never
 * saw.
 */
function parameterFault(codec: StrictCodec, bindings: unknown): string | undefined {
  for (const name of Object.keys(Object(bindings))) {
    const path = /^bind__\d+$/.test(name) ? '' : `$${name}`;
    const fault = findFault(codec, () => Reflect.get(Object(bindings), name), path);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** The result in a reply. A socket wraps it with the number of the call; an embedded engine does not. */
function resultIn(reply: unknown): unknown {
  return typeof reply === 'object' && reply !== null && 'result' in reply ? reply.result : reply;
}
