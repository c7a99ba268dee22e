import {
  type BoundQuery,
  CallTerminatedError,
  type ConnectionSession,
  type ConnectionState,
  ConnectionUnavailableError,
  type DriverContext,
  FlatBufferCodec,
  JsonCodec,
  type LiveMessage,
  type QueryChunk,
  type RpcEngine,
  type RpcRequest,
  type SurrealEngine,
  Uuid,
  WebSocketEngine,
} from 'surrealdb';
import type { WebSocket } from 'ws';
import { withoutQuery } from '../config/address.js';
import { ConnectionLostError } from '../errors/call.js';
import { UsageError } from '../errors/configuration.js';
import { ConnectError } from '../errors/connect.js';
import { messageOf } from '../errors/error-message.js';
import { onAbort } from '../time/on-abort.js';
import { Liveness, type LivenessSettings } from './liveness.js';
import { type EncodedBindings, type Recording, RecordingCodec } from './recording-codec.js';
import { isAnswerTo, isServerError } from './reply-shapes.js';
import { socketClass } from './socket.js';

/** The SDK's engines, driven without its controller: no reconnect, no resending, no renewal behind our back. */
type Engine = RpcEngine & SurrealEngine;

/** Where the SDK's engine notes which call waits for which reply. */
interface Books {
  handleRpcResponse?(reply: { id: unknown; result?: unknown; error?: unknown }): void;
}

/** A text with its parameters, as values or encoded already. */
export interface Statement {
  readonly query: string;
  readonly bindings: Readonly<Record<string, unknown>> | EncodedBindings;
}

/** Stands for an error that is none. */
const nonsense = Symbol('nonsense');

/** What a socket goes by, in milliseconds. */
export interface SocketSettings extends LivenessSettings {
  /** How long the handshake may take. */
  readonly openTimeout: number;
}

/** The oldest server with sessions, which every pooled connection is. */
const oldestServer = 3;

/**
 * One WebSocket to a server, or one embedded engine. It carries sessions and calls, and dies once: then every call in
 * flight fails, saying whether it can have been executed, and whoever asked by `onDeath` is told why.
 */
export class Transport {
  /** The address as it may be shown: without what follows a question mark. */
  readonly endpoint: string;
  readonly #url: string;
  readonly #engine: Engine;
  readonly #sessions: Map<Uuid, ConnectionSession>;
  /** An embedded engine on which an index was defined keeps its threads after `close()`, and the process with them. */
  definedIndex = false;
  readonly #codec = new RecordingCodec();
  /** Where the next request and its reply are recorded. */
  #recording: Recording | undefined;
  #version: Promise<string> | undefined;
  #socket: WebSocket | undefined;
  #liveness: Liveness | undefined;
  readonly #deathListeners = new Set<(cause: Error) => void>();
  #ended = false;
  /** Ends the wait for an embedded engine to open, which cannot be told to stop. */
  #stopWaiting: (() => void) | undefined;
  #cause: Error | undefined;

  private constructor(url: string, createEngine: (context: DriverContext) => Engine, settings: SocketSettings) {
    this.#url = url;
    this.endpoint = withoutQuery(url);
    this.#sessions = new Map();
    let calls = 0;
    this.#engine = createEngine({
      options: {
        websocketImpl: socketClass(
          {
            created: (socket) => {
              this.#socket = socket;
              this.#liveness = new Liveness(settings, (cause) => {
                this.#cause ??= cause;
                // Not `terminate()`: nobody asked for this end, so those on it are told.
                socket.terminate();
              });
            },
            arrived: () => this.#liveness?.arrived(),
            failed: (cause) => {
              this.#cause ??= cause;
            },
          },
          settings.openTimeout,
        ),
      },
      uniqueId: () => String(++calls),
      codecs: { cbor: this.#codec, flatbuffer: new FlatBufferCodec({}), json: new JsonCodec({}) },
    });
    this.#watchReplies(() => String(calls));
  }

  /**
   * Opens a transport.
   * @param signal Aborted when the time for it is over.
   * @throws ConnectError
   */
  static async open(url: string, settings: SocketSettings, signal: AbortSignal): Promise<Transport> {
    const createEngine = await engineFor(url);
    const transport = new Transport(url, createEngine, settings);
    // Whatever it waits for, it stops waiting for when the transport ends.
    const forgetSignal = onAbort(signal, () => transport.terminate());
    try {
      signal.throwIfAborted();
      await transport.#connect();
      if (transport.#socket !== undefined) await transport.#checkVersion();
    } catch (failure) {
      transport.terminate();
      if (failure instanceof ConnectError) throw failure;
      const error: unknown = signal.aborted ? signal.reason : failure;
      throw new ConnectError(`cannot connect to ${withoutQuery(url)}: ${messageOf(error)}`, {
        endpoint: withoutQuery(url),
        fatal: false,
        cause: error,
      });
    } finally {
      forgetSignal();
    }
    return transport;
  }

  /** True from the moment it cannot carry a call any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Calls back once, when it ends without having been asked to. Returns what takes the wish back. */
  onDeath(listener: (cause: Error) => void): () => void {
    this.#deathListeners.add(listener);
    return () => this.#deathListeners.delete(listener);
  }

  /** Makes a session: nothing chosen, nobody signed in. */
  async attach(): Promise<Uuid> {
    const session = Uuid.v4();
    this.#sessions.set(session, {
      id: session,
      namespace: undefined,
      database: undefined,
      accessToken: undefined,
      refreshToken: undefined,
      variables: {},
      authRenewal: undefined,
      authOverriden: true,
    });
    await this.#engine.attach(session);
    return session;
  }

  async detach(session: Uuid): Promise<void> {
    this.#sessions.delete(session);
    await this.#engine.detach(session);
  }

  /** The SDK's calls on a session; see `SurrealProtocol` there. */
  get protocol(): SurrealEngine {
    return this.#engine;
  }

  query<T>(query: Statement, session: Uuid, transaction?: Uuid): AsyncIterable<QueryChunk<T>> {
    if (this.#socket === undefined && !this.definedIndex) this.definedIndex = /\bDEFINE\s+INDEX\b/i.test(query.query);
    // Of a query the engine reads these two members and no others.
    return this.#engine.query<T>(query as BoundQuery, session, transaction);
  }

  /** A query that is recorded with its reply, before its first chunk is given. */
  async *recordedQuery<T>(
    query: Statement,
    session: Uuid,
    transaction: Uuid | undefined,
    recording: Recording,
  ): AsyncIterable<QueryChunk<T>> {
    const chunks = this.query<T>(query, session, transaction)[Symbol.asyncIterator]();
    // The engine sends with the first step, before that returns.
    this.#recording = recording;
    const first = chunks.next();
    this.#recording = undefined;
    for (let chunk = await first; chunk.done !== true; chunk = await chunks.next()) yield chunk.value;
  }

  liveQuery(id: Uuid): AsyncIterable<LiveMessage> {
    return this.#engine.liveQuery(id);
  }

  /** Ends it in good order: a socket says goodbye, an engine is freed. By force once `signal` is aborted. */
  async close(signal: AbortSignal): Promise<void> {
    this.#ended = true;
    const forgetSignal = onAbort(signal, () => this.terminate());
    try {
      await this.#engine.close();
    } finally {
      forgetSignal();
    }
  }

  /** Ends it at once, without waiting for anybody. Calls in flight fail. */
  terminate(): void {
    this.#ended = true;
    if (this.#socket !== undefined) this.#socket.terminate();
    // The engine forgets an opening that is closed, though it goes on and holds the files: it is closed once it is open.
    else if (this.#stopWaiting !== undefined) this.#stopWaiting();
    else this.#engine.close().catch(() => {});
  }

  /** Stands between the engine and its callers: what comes through is an answer, or an error that says what is known. */
  #watchReplies(lastCall: () => string): void {
    // What a socket brings goes through here; an embedded engine has no such books.
    const books: Books = this.#engine as Books;
    const settle = books.handleRpcResponse?.bind(books);
    if (settle !== undefined) {
      books.handleRpcResponse = (reply) => {
        const readable = !reply.error || isServerError(reply.error);
        settle(readable ? reply : { id: reply.id, result: nonsense });
      };
    }
    const send = this.#engine.send.bind(this.#engine);
    this.#engine.send = <Method extends string, Parameters extends unknown[] | undefined, Result>(
      request: RpcRequest<Method, Parameters>,
    ): Promise<Result> => {
      const { method } = request;
      const recording = this.#recording;
      const reply =
        recording === undefined
          ? send<Method, Parameters, Result>(request)
          : this.#codec.record(() => send<Method, Parameters, Result>(request), recording);
      const call = lastCall();
      // The SDK's own keep-alive drops this promise; unhandled, its rejection would end the process.
      if (method === 'ping') return reply.catch(() => undefined as Result);
      const check = (result: Result): Result => {
        if (result === nonsense || !isAnswerTo(method, result)) throw this.#nonsense(method);
        return result;
      };
      return reply.then(check, (error: unknown) => {
        // A request that could not be encoded stays in the engine's books for ever: an empty answer takes it out.
        settle?.({ id: call });
        throw this.#explain(error, method);
      });
    };
  }

  /** Who sends nonsense once cannot be trusted with the next call: a socket ends with it, as with what cannot be read. */
  #nonsense(method: string): ConnectionLostError {
    const error = new ConnectionLostError(
      `${this.endpoint} answered "${method}" with something that is no answer; it may have been executed`,
      { outcome: 'unknown' },
    );
    if (this.#socket !== undefined) {
      this.#cause ??= error;
      // At once, before its end is told by the socket: nobody is lent a connection on it meanwhile.
      this.#die();
      this.#socket.terminate();
    }
    return error;
  }

  #die(): void {
    if (this.#ended) return;
    this.#ended = true;
    const cause = this.#cause ?? new Error('the connection was closed');
    for (const listener of [...this.#deathListeners]) listener(cause);
  }

  #connect(): Promise<void> {
    // The SDK wants its own reconnect object here; ours says no to everything.
    const reconnect = { enabled: false, allowed: false, reset() {}, propagate() {}, iterate: async () => {} };
    const state = {
      url: new URL(this.#url),
      reconnect,
      retry: { enabled: false },
      rootSession: { variables: {} },
      sessions: this.#sessions,
    } as unknown as ConnectionState;
    return new Promise((resolve, reject) => {
      let connected = false;
      this.#stopWaiting = () => reject(new Error('the connection was closed while it was being opened'));
      this.#engine.subscribe('connected', () => {
        connected = true;
        this.#stopWaiting = undefined;
        if (this.#socket !== undefined) this.#liveness?.watch(this.#socket);
        if (this.#ended) this.terminate();
        resolve();
      });
      this.#engine.subscribe('error', (error) => {
        this.#cause ??= error;
        if (!connected) reject(this.#cause);
      });
      this.#engine.subscribe('disconnected', () => {
        this.#liveness?.stop();
        if (!connected) reject(this.#cause ?? new Error('the connection was closed'));
        this.#die();
      });
      this.#engine.open(state);
    });
  }

  /** What the server says it is: `surrealdb-3.0.5`. */
  version(): Promise<string> {
    this.#version ??= this.#engine.version().then(({ version }) => version);
    return this.#version;
  }

  async #checkVersion(): Promise<void> {
    const version = await this.version();
    const major = Number(/(\d+)\./.exec(version)?.[1]);
    if (major >= oldestServer) return;
    throw new ConnectError(
      `${this.endpoint} runs ${version}; pooled connections are sessions, which SurrealDB has since ${oldestServer}.0`,
      { endpoint: this.endpoint, fatal: true },
    );
  }

  /** A call that failed with the transport says whether it can have been executed; what a server answers stays as it is. */
  #explain(error: unknown, method: string): unknown {
    const cause = this.#cause ?? error;
    if (error instanceof ConnectionUnavailableError) {
      // The other side has begun to close the socket, and nobody is told before that has ended: it is lent no more.
      this.#cause ??= new Error('the other side is closing the socket');
      this.#die();
      return new ConnectionLostError(`"${method}" was not sent: the connection to ${this.endpoint} is gone`, {
        outcome: 'not-sent',
        cause,
      });
    }
    if (error instanceof CallTerminatedError) {
      return new ConnectionLostError(
        `the connection to ${this.endpoint} was lost while "${method}" was under way (${messageOf(cause)}); it may have been executed`,
        { outcome: 'unknown', cause },
      );
    }
    return error;
  }
}

async function engineFor(url: string): Promise<(context: DriverContext) => Engine> {
  const scheme = new URL(url).protocol.slice(0, -1);
  if (scheme === 'ws' || scheme === 'wss') return (context) => new WebSocketEngine(context);
  const { createNodeEngines } = await import('@surrealdb/node').catch((cause: unknown) => {
    throw new ConnectError(
      `${url} needs the embedded engine, which is a package of its own: npm install @surrealdb/node`,
      { endpoint: url, fatal: true, cause },
    );
  });
  const create = createNodeEngines()[scheme];
  if (create === undefined) throw new UsageError(`@surrealdb/node has no engine for ${url}`);
  return (context) => create(context) as Engine;
}
