import { type BoundQuery, Uuid } from 'surrealdb';
import { ConnectionLostError } from '../errors/call.js';
import type { CallOutcome } from '../errors/pool-error.js';
import { explainByCause } from '../errors/server-errors.js';
import type { Connection } from '../session/connection.js';
import type { AddedAnswers } from '../surrealql/mended-text.js';
import { onlyReads } from '../surrealql/only-reads.js';
import { SurrealText } from '../surrealql/surreal-text.js';
import type { TraceContext } from '../telemetry/trace-context.js';
import type { Answer, StatementAnswer } from '../wire/answer.js';
import { type AnswerSize, EncodedBindings, type Recording } from '../wire/recording-codec.js';
import { ownValues } from './own-values.js';

/** One request to the server on the session of a connection. */
export class Request<T> {
  /** Multiplies the time limit of a call: one request may stand for several calls. */
  timeoutFactor = 1;
  readonly #work: (connection: Connection, message: Message | undefined) => Promise<T>;
  #state: 'waiting' | 'sent' | 'givenUp' = 'waiting';

  /** @param work sends it and reads the whole answer */
  constructor(work: (connection: Connection, message: Message | undefined) => Promise<T>) {
    this.#work = work;
  }

  /** Whether it may have reached the server. */
  get sent(): boolean {
    return this.#state === 'sent';
  }

  /**
   * Sends it, unless its caller gave up while it waited for its turn.
   * @param message the message it shares with other calls
   */
  send(connection: Connection, message?: Message): Promise<T> {
    if (this.#state === 'givenUp') {
      throw new ConnectionLostError('the call was given up before it was sent', { outcome: 'not-sent' });
    }
    this.#state = 'sent';
    return this.#work(connection, message);
  }

  /** The caller no longer waits for it. */
  giveUp(): void {
    if (this.#state === 'waiting') this.#state = 'givenUp';
  }
}

/** The recording of a call. */
export interface CallRecording extends Recording {
  /** Which answers belong to statements added by the pool. */
  added: AddedAnswers;
}

/** A recording of a call not sent yet. */
export function newRecording(): CallRecording {
  return { request: undefined, reply: undefined, added: new Set() };
}

/** A message that carries several calls. */
export interface Message {
  send(call: CallDetails, connection: Connection): Promise<Answer>;
}

/** The parts of a call. */
export interface CallDetails {
  /** The text as the caller wrote it, for guards, errors and traces. */
  readonly text: string;
  readonly bindings: Readonly<Record<string, unknown>> | EncodedBindings;
  /** The text sent instead of `text` when the pool added statements, and which answers belong to those. */
  readonly sentText?: string | undefined;
  readonly added?: AddedAnswers | undefined;
  readonly transaction?: Uuid | undefined;
  /** The number of the transaction of the pool, for traces and errors. */
  readonly inTransaction?: number | undefined;
  /** Of which span the server's spans become children. */
  readonly traceContext?: TraceContext | undefined;
  /** Receives the bytes of the request and its reply. */
  readonly recording?: CallRecording | undefined;
  /** Receives the size of its reply. */
  readonly size?: AnswerSize | undefined;
}

/**
 * One query on its way to the server. It is read from the SDK's object once and never changed: a layer that wants to
 * send something else passes on another call (see {@link Call.with}).
 */
export class Call extends Request<Answer> {
  readonly details: CallDetails;
  /** The connection it was last sent on, for errors: a call of the pool may be repeated on another one. */
  connection: number | undefined;
  #surrealText: SurrealText | undefined;

  constructor(details: CallDetails) {
    super((connection, message) => message?.send(details, connection) ?? sendAlone(connection, details));
    this.details = details;
  }

  /** @param judged whether the call is judged before it is sent; then it has its own values, see {@link ownValues} */
  static of({ query, bindings }: BoundQuery, judged = false): Call {
    return new Call({ text: query, bindings: judged ? ownValues(bindings) : bindings });
  }

  get text(): string {
    return this.details.text;
  }

  /** Its parsed text, for guards and other layers: parsed at most once. */
  get surrealText(): SurrealText {
    this.#surrealText ??= new SurrealText(this.details.text);
    return this.#surrealText;
  }

  /** Whether it certainly changes nothing: see {@link onlyReads}. */
  get onlyReads(): boolean {
    const { bindings } = this.details;
    return onlyReads(this.surrealText, bindings instanceof EncodedBindings ? {} : bindings);
  }

  /** A copy of the call with these details changed. */
  with(details: Partial<CallDetails>): Call {
    const call = new Call({ ...this.details, ...details });
    call.timeoutFactor = this.timeoutFactor;
    if (details.text === undefined) call.#surrealText = this.#surrealText;
    return call;
  }

  /** A copy of the call that was not sent yet. */
  again(): Call {
    return this.with({});
  }
}

/**
 * Sends a query. The whole answer comes in one message and is read to its end, even if its reader stops early: a live
 * query it started must be undone even when the reader sees only an error before it.
 */
export async function sendAlone(connection: Connection, details: CallDetails): Promise<Answer> {
  const { text, sentText = text, bindings, transaction, recording, size, traceContext } = details;
  if (recording !== undefined) recording.added = details.added ?? new Set();
  const statement = { query: sentText, bindings, traceContext };
  const answer = await connection.transport.query(statement, connection.session, transaction, recording, size);
  return noted(connection, answer);
}

/** Notes what the connection must know about an answer, as soon as it arrives. */
export function noted(connection: Connection, answer: Answer): Answer {
  let failed = false;
  for (const chunk of answer) {
    if (chunk.error !== undefined) failed = true;
    note(connection, chunk);
  }
  if (failed) explainByCause(answer.map(({ error }) => error));
  return answer;
}

/** The outcome of a call that the server refused. */
export const refused: { readonly outcome: CallOutcome } = { outcome: 'refused' };

function note(connection: Connection, chunk: StatementAnswer): void {
  if (chunk.error !== undefined) Object.assign(chunk.error, refused);
  const [id] = chunk.type === 'live' ? (chunk.result ?? []) : [];
  if (id instanceof Uuid) connection.liveQueryBegan(id);
}
