import {
  type CodecOptions,
  type ConnectionSession,
  type ConnectionState,
  type DriverContext,
  FlatBufferCodec,
  JsonCodec,
  type RpcEngine,
  type RpcRequest,
  type SurrealEngine,
  type Uuid,
  WebSocketEngine,
} from 'surrealdb';
import type { WebSocket } from 'ws';
import type { EndpointAddress } from '../endpoints/endpoint-address.js';
import { UsageError } from '../errors/configuration.js';
import { ConnectError } from '../errors/connect.js';
import { presentTraceContext, type TraceContext } from '../telemetry/trace-context.js';
import { type AnswerSize, type Recording, RecordingCodec } from './recording-codec.js';
import { isAnswerTo, isServerError, isUnreadRequest, parseErrorCode } from './reply-shapes.js';
import type { SocketObserver } from './socket.js';
import { UnreadRequests } from './unread-requests.js';

/** The SDK's engines, driven without its controller, so that it does not reconnect, resend or renew on its own. */
export type SdkEngine = RpcEngine & SurrealEngine;

export type CreateEngine = (
  context: Omit<DriverContext, 'options'>,
  observer: SocketObserver,
  handshakeTimeout: number,
) => SdkEngine;

/** The table of pending calls in the SDK's socket engine. An embedded engine has none. */
interface PendingCalls {
  handleRpcResponse?: Settle;
}

type Settle = (reply: { readonly id?: unknown; readonly result?: unknown; readonly error?: unknown }) => void;

/** A call that was sent and has no answer. */
export interface SentCall {
  readonly method: string;
  /** The size of its message; 0 for an embedded engine, which is sent none. */
  readonly bytes: number;
  /** Why the server did not read this message: it was too large, an earlier one was too large, or it is malformed. */
  refused: 'too-large' | 'unread' | 'malformed' | undefined;
}

/** What the engine tells the transport around it. */
export interface EngineObserver extends Omit<SocketObserver, 'created' | 'sending'> {
  /** An answer cannot be read. Returns the error for the caller. */
  unreadable(method: string): Error;
  /** A call failed. Returns the error for the caller. */
  explain(error: unknown, call: SentCall): unknown;
}

/** The requests that carry a trace context. Others, such as a sign-in, may be for several callers. */
const tracedMethods = new Set(['query', 'begin', 'commit', 'cancel']);

/** Replaces an error that cannot be read. */
const unreadable = Symbol('unreadable');

/** One engine of the SDK with its faults worked around: our own checks run between it and the callers. */
export class Engine {
  readonly sdk: SdkEngine;
  readonly #observer: EngineObserver;
  readonly #codec: RecordingCodec;
  readonly #pending = new Map<string, SentCall>();
  readonly #unread = new UnreadRequests();
  /** The SDK's own, which encodes and sends before it returns. */
  readonly #send: SdkEngine['send'];
  #socket: WebSocket | undefined;
  #calls = 0;
  /** The size of the message that was sent last. */
  #bytes = 0;
  /** Called when no call is under way any more. */
  readonly #whenQuiet: (() => void)[] = [];

  /** @param handshakeTimeout how long a server may take to answer the upgrade to a WebSocket, in milliseconds */
  constructor(create: CreateEngine, observer: EngineObserver, handshakeTimeout: number, codec: CodecOptions) {
    this.#observer = observer;
    this.#codec = new RecordingCodec(codec);
    const socketObserver: SocketObserver = {
      created: (socket) => {
        this.#socket = socket;
      },
      sending: (bytes) => {
        this.#bytes = bytes;
      },
      arrived: () => observer.arrived(),
      closing: (cause) => observer.closing(cause),
      failed: (cause) => observer.failed(cause),
    };
    const context = {
      uniqueId: () => String(++this.#calls),
      codecs: { cbor: this.#codec, flatbuffer: new FlatBufferCodec({}), json: new JsonCodec({}) },
    };
    this.sdk = create(context, socketObserver, handshakeTimeout);
    this.#send = this.sdk.send.bind(this.sdk);
    // What the SDK sends by itself, and by its methods, goes the same way.
    this.sdk.send = (request) => this.send(request);
    this.#watchReplies();
  }

  /** Undefined for an embedded engine, and before a socket is made. */
  get socket(): WebSocket | undefined {
    return this.#socket;
  }

  /**
   * Sends a request, encoded and sent before this returns.
   * @param recording where the request and its reply are kept, as they are on the wire
   * @param size where the size of the reply is kept
   * @param traceContext left out, that of the work under way, if it has one
   */
  send<Result>(
    asked: RpcRequest<string, unknown[] | undefined>,
    recording?: Recording,
    size?: AnswerSize,
    traceContext?: TraceContext,
  ): Promise<Result> {
    const { method } = asked;
    const request = this.#withTrace(asked, traceContext);
    const before = this.#calls;
    this.#bytes = 0;
    const recorded =
      recording === undefined
        ? this.#send<string, unknown[] | undefined, Result>(request)
        : this.#codec.record(() => this.#send<string, unknown[] | undefined, Result>(request), recording);
    const reply = size === undefined ? recorded : this.#codec.measure(recorded, size);
    // The SDK's own keep-alive drops this promise; unhandled, its rejection would end the process.
    if (method === 'ping') return reply.catch(() => undefined as Result);
    return this.#checked(reply, method, this.#calls === before ? undefined : String(this.#calls));
  }

  /** An embedded engine has no use for a trace context, and is sent none. */
  #withTrace<R extends { readonly method: string }>(request: R, traceContext = presentTraceContext()): R {
    if (traceContext === undefined || this.#socket === undefined || !tracedMethods.has(request.method)) return request;
    return { ...request, trace_context: traceContext };
  }

  /**
   * Opens the engine of the SDK, which neither connects again nor sends anything again; its events say what becomes of it.
   * @param sessions where it looks up the session of a call
   */
  open(url: string, sessions: Map<Uuid, ConnectionSession>): void {
    // The SDK expects its own reconnect object here; ours refuses everything.
    const reconnect = { enabled: false, allowed: false, reset() {}, propagate() {}, iterate: async () => {} };
    this.sdk.open({
      url: new URL(url),
      reconnect,
      retry: { enabled: false },
      rootSession: { variables: {} },
      sessions,
    } as unknown as ConnectionState);
  }

  /**
   * Closes the engine of the SDK. An embedded one is freed after its last call: `@surrealdb/node` ends the process when it is
   * freed under a call.
   */
  async close(): Promise<void> {
    while (this.#socket === undefined && this.#pending.size > 0) {
      await new Promise<void>((resolve) => this.#whenQuiet.push(resolve));
    }
    await this.sdk.close();
  }

  /**
   * The server refused a message for its size. At least one exceeded its limit, so the largest did; and the server read
   * nothing after that one.
   */
  refusedForSize(): void {
    const calls = [...this.#pending.values()];
    const largest = Math.max(...calls.map(({ bytes }) => bytes));
    const first = calls.findIndex(({ bytes }) => bytes === largest);
    for (const [index, call] of calls.entries()) {
      if (index >= first) call.refused = index === first ? 'too-large' : 'unread';
    }
  }

  #watchReplies(): void {
    const pendingCalls = this.sdk as PendingCalls;
    const settle = pendingCalls.handleRpcResponse?.bind(pendingCalls);
    if (settle !== undefined) {
      pendingCalls.handleRpcResponse = (reply) => {
        // The SDK would drop this reply, and the call would wait for ever.
        if (isUnreadRequest(reply)) return this.#refuseUnread(this.#unread.told(this.#pending.keys()), settle);
        const readable = !reply.error || isServerError(reply.error);
        settle(readable ? reply : { id: reply.id, result: unreadable });
        if (typeof reply.id !== 'string') return;
        this.#pending.delete(reply.id);
        this.#refuseUnread(this.#unread.answered(reply.id), settle);
      };
    }
  }

  /** Fails the calls whose message the server could not read. */
  #refuseUnread(ids: readonly string[], settle: Settle): void {
    for (const id of ids) {
      const call = this.#pending.get(id);
      if (call !== undefined) call.refused = 'malformed';
      this.#pending.delete(id);
      settle({ id, error: { code: parseErrorCode, message: 'Parse error' } });
    }
  }

  /** @param id of the call in the engine; undefined for one that the engine refused at once */
  async #checked<Result>(reply: Promise<Result>, method: string, id: string | undefined): Promise<Result> {
    const call: SentCall = { method, bytes: this.#bytes, refused: undefined };
    if (id !== undefined) this.#pending.set(id, call);
    let result: Result;
    try {
      result = await reply;
    } catch (error) {
      // A request that could not be encoded stays in the engine's table for ever; an empty answer removes it.
      if (id !== undefined) (this.sdk as PendingCalls).handleRpcResponse?.({ id });
      throw this.#observer.explain(error, call);
    } finally {
      if (id !== undefined) this.#pending.delete(id);
      if (this.#pending.size === 0) for (const tell of this.#whenQuiet.splice(0)) tell();
    }
    if (result === unreadable || !isAnswerTo(method, result)) throw this.#observer.unreadable(method);
    return result;
  }
}

/** @throws ConnectError when the embedded engine is not installed */
export async function engineFor(address: EndpointAddress): Promise<CreateEngine> {
  const { url } = address;
  const scheme = new URL(url).protocol.slice(0, -1);
  if (scheme === 'ws' || scheme === 'wss') {
    // Loaded on demand: it brings HTTP and TLS, half the import time, and an embedded engine has no sockets.
    const { socketClass } = await import('./socket.js');
    return (context, observer, handshakeTimeout) =>
      new WebSocketEngine({ ...context, options: { websocketImpl: socketClass(address, observer, handshakeTimeout) } });
  }
  const { createNodeEngines } = await import('@surrealdb/node').catch((cause: unknown) => {
    throw new ConnectError(
      `${url} needs the embedded engine, which is a package of its own: npm install @surrealdb/node`,
      { endpoint: url, fatal: true, cause },
    );
  });
  const create = createNodeEngines()[scheme];
  if (create === undefined) throw new UsageError(`@surrealdb/node has no engine for ${url}`);
  return (context) => create({ ...context, options: {} }) as SdkEngine;
}
