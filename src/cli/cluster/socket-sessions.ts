import { CborCodec, type RpcErrorObject, Uuid } from 'surrealdb';

/** A call of the engine, and its answer as bytes: the value, or a map with the one entry `error`. */
export type Ask = (call: {
  readonly method: string;
  readonly params?: unknown[];
  readonly session?: Uuid;
  readonly txn?: Uuid;
}) => Promise<Uint8Array>;

/** A request of a client. */
interface Request {
  readonly id: unknown;
  readonly method: string;
  readonly params?: unknown[];
  readonly session?: Uuid;
  readonly txn?: Uuid;
}

/** One session of a client, and the engine's own that stands for it. */
interface Session {
  readonly id: Uuid;
  /** The end of what was asked last: the engine deadlocks a session in which a change meets a query. */
  turn: Promise<unknown>;
}

const codec = new CborCodec({});
const inSession = new Set(['use', 'let', 'unset', 'signin', 'signup', 'authenticate', 'invalidate', 'reset', 'query']);

/**
 * What one socket has at the engine, which the SDK's remote engine speaks to: sessions and transactions, nothing of which stays when
 * it ends. No live queries: their notifications would have to find their socket.
 */
export class SocketSessions {
  readonly #ask: Ask;
  /** By the id that the client gave; the socket's own under the empty text. */
  readonly #sessions = new Map<string, Session>();
  readonly #transactions = new Set<string>();

  constructor(ask: Ask) {
    this.#ask = ask;
    void this.#open('');
  }

  /** @returns the frame that answers this one, and whether it was a query */
  async answer(frame: Uint8Array): Promise<{ reply: Uint8Array; method: string }> {
    const request = codec.decode<Request>(frame);
    const answer = await this.#execute(request).catch((error: unknown) => failure(-32000, 'Internal', String(error)));
    return { reply: replyTo(request.id, answer), method: request.method };
  }

  /** Cancels its transactions and ends its sessions. Never rejects. */
  async end(): Promise<void> {
    const session = this.#sessions.get('')?.id;
    const cancelled = [...this.#transactions].map((id) =>
      this.#ask({ method: 'cancel', params: [new Uuid(id)], ...(session && { session }) }),
    );
    const ended = [...this.#sessions.values()].map(async ({ id, turn }) => {
      await turn;
      await this.#ask({ method: 'detach', session: id });
    });
    this.#sessions.clear();
    await Promise.allSettled([...cancelled, ...ended]);
  }

  #execute(request: Request): Promise<Uint8Array> {
    const { method, params = [], session: of, txn } = request;
    switch (method) {
      case 'ping':
      case 'version':
        return this.#ask({ method });
      case 'attach':
        return this.#open(String(of));
      case 'detach':
        return this.#close(String(of));
      case 'begin':
        return this.#inTurn('', (session) => this.#begin(session));
      case 'commit':
      case 'cancel':
        return this.#inTurn('', (session) => this.#finish(method, params[0], session));
      default:
        if (!inSession.has(method)) return Promise.resolve(failure(-32601, 'NotFound', 'Method not found'));
        return this.#inTurn(of?.toString() ?? '', (session) =>
          this.#ask({ method, params: [...params], session, ...(txn && { txn }) }),
        );
    }
  }

  #open(name: string): Promise<Uint8Array> {
    const id = Uuid.v4();
    const attached = this.#ask({ method: 'attach', session: id });
    this.#sessions.set(name, { id, turn: attached.catch(() => {}) });
    return attached;
  }

  async #close(name: string): Promise<Uint8Array> {
    const session = this.#sessions.get(name);
    this.#sessions.delete(name);
    await session?.turn;
    return await this.#ask({ method: 'detach', session: session?.id ?? Uuid.v4() });
  }

  #inTurn(name: string, work: (session: Uuid) => Promise<Uint8Array>): Promise<Uint8Array> {
    const session = this.#sessions.get(name);
    if (session === undefined) return Promise.resolve(failure(-32000, 'NotFound', `Session not found: ${name}`));
    const answer = session.turn.then(() => work(session.id));
    session.turn = answer.catch(() => {});
    return answer;
  }

  async #begin(session: Uuid): Promise<Uint8Array> {
    const answer = await this.#ask({ method: 'begin', session });
    const transaction = codec.decode<unknown>(answer);
    if (transaction instanceof Uuid) this.#transactions.add(transaction.toString());
    return answer;
  }

  /** A transaction belongs to its socket. A commit that fails ends it as well. */
  async #finish(method: 'commit' | 'cancel', transaction: unknown, session: Uuid): Promise<Uint8Array> {
    if (!this.#transactions.delete(String(transaction))) {
      return failure(-32603, 'Validation', 'Transaction not found', { kind: 'InvalidParams' });
    }
    return await this.#ask({ method, params: [transaction], session });
  }
}

function failure(code: number, kind: string, message: string, details?: unknown): Uint8Array {
  return codec.encode({
    error: { code, kind, message, ...(details === undefined ? {} : { details }) } as RpcErrorObject,
  });
}

/** How the engine begins the answer of a call that failed: a map of one entry. */
const failed = bytes(Uint8Array.of(0xa1), codec.encode('error'));

/** What the engine answered becomes the reply as it is: decoded and encoded again, it would lose what JavaScript cannot hold. */
function replyTo(id: unknown, answer: Uint8Array): Uint8Array {
  const isFailure = failed.every((byte, index) => answer[index] === byte);
  const content = isFailure ? answer.subarray(1) : bytes(codec.encode('result'), answer);
  return bytes(Uint8Array.of(0xa2), codec.encode('id'), codec.encode(id), content);
}

function bytes(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
