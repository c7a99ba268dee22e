import { Uuid } from 'surrealdb';
import type { TraceContext } from '../telemetry/trace-context.js';

/** A query as the SDK's engines hand it to their codec. */
export interface QueryRequest {
  readonly id: string;
  readonly method: 'query';
  readonly params: readonly [text: string, bindings: unknown];
  readonly session: Uuid;
  readonly txn?: Uuid;
  /** W3C Trace Context: `rpc/request.rs` of SurrealDB 3.1 and later reads it, and others ignore it. */
  readonly trace_context?: TraceContext;
}

/** Heads of CBOR items without their length: RFC 8949, section 3.1. */
const head = { text: 0x60, bytes: 0x40, map: 0xa0, array: 0x80 } as const;
const uuidTag = Uint8Array.of(0xd8, 37, head.bytes | 16);
const uuidLength = uuidTag.length + 16;
const emptyMap = Uint8Array.of(head.map);

const [idKey, methodAndParams, sessionKey, transactionKey, traceKey, traceparentKey, tracestateKey] = [
  Buffer.concat([key('id')]),
  Buffer.concat([key('method'), key('query'), key('params'), Uint8Array.of(head.array | 2)]),
  key('session'),
  key('txn'),
  key('trace_context'),
  key('traceparent'),
  key('tracestate'),
];

export function isQueryRequest(data: unknown): data is QueryRequest {
  if (typeof data !== 'object' || data === null || (data as QueryRequest).method !== 'query') return false;
  const { id, params, session, txn, trace_context: trace } = data as QueryRequest;
  const count = 4 + Number(txn instanceof Uuid) + Number(trace !== undefined);
  return (
    typeof id === 'string' &&
    Array.isArray(params) &&
    params.length === 2 &&
    typeof params[0] === 'string' &&
    session instanceof Uuid &&
    (trace === undefined || typeof trace.traceparent === 'string') &&
    Object.keys(data).length === count
  );
}

/**
 * Encodes a query to the same bytes as the SDK's codec, in a fifth of the time: constant parts are copied, and the text
 * is written in place without a `TextEncoder`.
 * @param bindings encoded; undefined for none
 */
export function encodeQuery(request: QueryRequest, bindings: Uint8Array = emptyMap): Uint8Array {
  const { id, params, session, txn, trace_context: trace } = request;
  const [text] = params;
  const textLength = Buffer.byteLength(text);
  const traceLength = trace === undefined ? 0 : 64 + trace.traceparent.length + (trace.tracestate?.length ?? 0);
  const most = 64 + id.length * 3 + textLength + bindings.length + 2 * uuidLength + traceLength;
  const bytes = Buffer.allocUnsafe(most);
  bytes[0] = head.map | (4 + Number(txn !== undefined) + Number(trace !== undefined));
  let at = put(bytes, idKey, 1);
  at = putText(bytes, id, Buffer.byteLength(id), at);
  at = put(bytes, methodAndParams, at);
  at = putText(bytes, text, textLength, at);
  at = put(bytes, bindings, at);
  at = put(bytes, sessionKey, at);
  at = putUuid(bytes, session, at);
  if (txn !== undefined) {
    at = put(bytes, transactionKey, at);
    at = putUuid(bytes, txn, at);
  }
  if (trace !== undefined) at = putTraceContext(bytes, trace, at);
  return bytes.subarray(0, at);
}

function key(name: string): Buffer {
  return Buffer.from([head.text | name.length, ...Buffer.from(name)]);
}

// Each function writes at a position and returns the position after it.

function put(bytes: Buffer, part: Uint8Array, at: number): number {
  bytes.set(part, at);
  return at + part.length;
}

function putText(bytes: Buffer, text: string, length: number, at: number): number {
  let start = at + 1;
  if (length < 24) {
    bytes[at] = head.text | length;
  } else if (length < 0x100) {
    bytes[at] = head.text | 24;
    start = bytes.writeUInt8(length, start);
  } else if (length < 0x1_0000) {
    bytes[at] = head.text | 25;
    start = bytes.writeUInt16BE(length, start);
  } else {
    // No JavaScript string is as long as 2^32.
    bytes[at] = head.text | 26;
    start = bytes.writeUInt32BE(length, start);
  }
  bytes.write(text, start, length, 'utf8');
  return start + length;
}

/** Its texts are ASCII: see `contextOf()`. */
function putTraceContext(bytes: Buffer, { traceparent, tracestate }: TraceContext, from: number): number {
  let at = put(bytes, traceKey, from);
  bytes[at] = head.map | (tracestate === undefined ? 1 : 2);
  at = put(bytes, traceparentKey, at + 1);
  at = putText(bytes, traceparent, traceparent.length, at);
  if (tracestate === undefined) return at;
  at = put(bytes, tracestateKey, at);
  return putText(bytes, tracestate, tracestate.length, at);
}

const encodedUuids = new WeakMap<Uuid, Uint8Array>();

function putUuid(bytes: Buffer, uuid: Uuid, at: number): number {
  let encoded = encodedUuids.get(uuid);
  if (encoded === undefined) {
    encoded = Buffer.concat([uuidTag, new Uint8Array(uuid.toBuffer())]);
    encodedUuids.set(uuid, encoded);
  }
  return put(bytes, encoded, at);
}
