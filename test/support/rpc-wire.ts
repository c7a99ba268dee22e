import { CborCodec, type RpcErrorObject, Uuid } from 'surrealdb';

/** The SDK's own codec, so that a value means here what it means to the client. */
export const codec = new CborCodec({});

/** One request of a client, as it stood in its frame. */
export interface RpcCall {
  /** The client's own number for the request; its reply carries it back. */
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
  /** The session the request is for; the socket's own when absent. */
  readonly session: Uuid | undefined;
  /** The transaction the request belongs to, if any. */
  readonly transaction: Uuid | undefined;
}

/** What the engine made of a request: a value or an error, still encoded. */
export type EngineOutcome = { readonly value: Uint8Array } | { readonly error: Uint8Array };

/** What a request came to; or the whole frame that answers it, where it was answered elsewhere. */
export type RpcOutcome = EngineOutcome | { readonly frame: Uint8Array };

/** Reads a request; `undefined` when the frame is no request at all. */
export function decodeCall(frame: Uint8Array): RpcCall | undefined {
  let message: unknown;
  try {
    message = codec.decode(frame);
  } catch {
    return undefined;
  }
  if (!isObject(message) || typeof message.method !== 'string') return undefined;
  return {
    id: message.id,
    method: message.method,
    params: Array.isArray(message.params) ? message.params : [],
    session: message.session instanceof Uuid ? message.session : undefined,
    transaction: message.txn instanceof Uuid ? message.txn : undefined,
  };
}

/** The frame that answers the request with this id. */
export function encodeReply(id: unknown, outcome: RpcOutcome): Uint8Array {
  if ('frame' in outcome) return outcome.frame;
  const [name, content] = 'value' in outcome ? ['result', outcome.value] : ['error', outcome.error];
  return join(mapOf(2), codec.encode('id'), codec.encode(id), codec.encode(name), content);
}

/** The frame that carries a live notification: a reply without a request. */
export function encodeNotification(notification: Uint8Array): Uint8Array {
  return join(mapOf(1), codec.encode('result'), notification);
}

export function success(value: unknown): EngineOutcome {
  return { value: codec.encode(value) };
}

export function failure(error: RpcErrorObject): EngineOutcome {
  return { error: codec.encode(error) };
}

// How the engine begins an error reply: a map of one entry named `error`.
const errorStart = join(mapOf(1), codec.encode('error'));

/**
 * Tells an engine's value from its error, without decoding either: decoding and encoding again would lose what
 * JavaScript cannot hold, such as a float of 1e300.
 */
export function outcomeOf(reply: Uint8Array): EngineOutcome {
  const isError = errorStart.every((byte, index) => reply[index] === byte);
  return isError ? { error: reply.subarray(errorStart.length) } : { value: reply };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The first byte of a CBOR map with this many entries, at most 23. */
function mapOf(entries: number): Uint8Array {
  return Uint8Array.of(0xa0 + entries);
}

function join(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
