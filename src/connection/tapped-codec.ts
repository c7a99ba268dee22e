import { CborCodec } from 'surrealdb';
import { messageOf } from '../error-message.js';
import { UsageError } from '../errors.js';

/** A request and its reply, as they were on the wire. */
export interface Exchange {
  readonly request: Uint8Array;
  readonly reply: Uint8Array;
}

/** The SDK's codec, which says of a value that cannot be sent that it was not sent, and can show exchanges as bytes. */
export class TappedCodec extends CborCodec {
  /** While true, what is encoded is the request that somebody asked to see. */
  #sending = false;
  #request: Uint8Array | undefined;
  /** How many replies are to be shown that have not come yet. */
  #awaited = 0;
  /** The bytes of the replies that came meanwhile, by what was decoded from them. */
  readonly #replies = new WeakMap<object, Uint8Array>();

  constructor() {
    super({});
  }

  /**
   * Sends one request and shows it with its reply.
   * @param send Sends it; the SDK's engines encode it before they return.
   */
  async tap<Result>(send: () => Promise<Result>, show: (exchange: Exchange) => void): Promise<Result> {
    this.#awaited++;
    this.#sending = true;
    const sent = send();
    this.#sending = false;
    const request = this.#request;
    try {
      const result = await sent;
      const reply = typeof result === 'object' && result !== null ? this.#replies.get(result) : undefined;
      if (request !== undefined && reply !== undefined) show({ request, reply });
      return result;
    } finally {
      this.#awaited--;
    }
  }

  override encode<T>(data: T): Uint8Array {
    try {
      const bytes = super.encode(data);
      if (this.#sending) this.#request = bytes.slice();
      return bytes;
    } catch (cause) {
      throw new UsageError(`a value cannot be sent: ${messageOf(cause)}`, { cause });
    }
  }

  override decode<T>(bytes: Uint8Array): T {
    const value = super.decode<T>(bytes);
    if (this.#awaited > 0) {
      const result = resultIn(value);
      // A copy: what arrived may be part of a larger buffer.
      if (typeof result === 'object' && result !== null) this.#replies.set(result, bytes.slice());
    }
    return value;
  }
}

/** The result of a reply: with it comes the number of the call over a socket, and nothing from an embedded engine. */
export function resultIn(reply: unknown): unknown {
  return typeof reply === 'object' && reply !== null && 'result' in reply ? reply.result : reply;
}
