import { type BoundQuery, Uuid } from 'surrealdb';
import { ConnectionLostError } from '../errors/call.js';
import type { CallOutcome } from '../errors/pool-error.js';
import { explainByCause } from '../errors/server-errors.js';
import type { Connection } from '../session/connection.js';
import type { AddedAnswers } from '../surrealql/mended-text.js';
import { onlyReads } from '../surrealql/only-reads.js';
import { SurrealText } from '../surrealql/surreal-text.js';
import type { Answer, StatementAnswer } from '../wire/answer.js';
import { EncodedBindings, type Recording } from '../wire/recording-codec.js';

/** One thing that is asked of the server on the session of a connection. */
export class Request<T> {
  /** By what the time that one call may take is multiplied: a request may stand for several calls. */
  timeoutFactor = 1;
  readonly #work: (connection: Connection, message: Message | undefined) => Promise<T>;
  #state: 'waiting' | 'sent' | 'givenUp' = 'waiting';

  /** @param work sends it, and reads the answer to its end */
  constructor(work: (connection: Connection, message: Message | undefined) => Promise<T>) {
    this.#work = work;
  }

  /** Whether it may have reached the server. */
  get sent(): boolean {
    return this.#state === 'sent';
  }

  /**
   * Sends it, but not when its caller gave it up while it waited for its turn.
   * @param message in which it goes with others
   */
  send(connection: Connection, message?: Message): Promise<T> {
    if (this.#state === 'givenUp') {
      throw new ConnectionLostError('the call was given up before it was sent', { outcome: 'not-sent' });
    }
    this.#state = 'sent';
    return this.#work(connection, message);
  }

  /** The caller does not wait for it any longer. */
  giveUp(): void {
    if (this.#state === 'waiting') this.#state = 'givenUp';
  }
}

/** What was recorded of a call. */
export interface CallRecording extends Recording {
  /** Which answers are to statements that the pool has added. */
  added: AddedAnswers;
}

/** A recording of a call that was not sent so far. */
export function newRecording(): CallRecording {
  return { request: undefined, reply: undefined, added: new Set() };
}

/** A message that several calls go in. */
export interface Message {
  send(call: CallDetails, connection: Connection): Promise<Answer>;
}

/** What a call is made of. */
export interface CallDetails {
  /** As the caller wrote it: what guards read, errors and traces show. */
  readonly text: string;
  readonly bindings: Readonly<Record<string, unknown>> | EncodedBindings;
  /** What is sent instead of `text`, where the pool has added statements of its own, and which answers are theirs. */
  readonly sentText?: string | undefined;
  readonly added?: AddedAnswers | undefined;
  readonly transaction?: Uuid | undefined;
  /** The number of the transaction of the pool, for traces and errors. */
  readonly inTransaction?: number | undefined;
  /** Where the request and its reply are kept, as they are on the wire. */
  readonly recording?: CallRecording | undefined;
}

/**
 * One query on its way to the server. It is read from the SDK's object once and never changed: a layer that wants
 * something else sent hands on another call (see {@link Call.with}).
 */
export class Call extends Request<Answer> {
  readonly details: CallDetails;
  /** The connection that it was sent on last, for errors: a call of the pool may be made again on another one. */
  connection: number | undefined;
  #surrealText: SurrealText | undefined;

  constructor(details: CallDetails) {
    super((connection, message) => message?.send(details, connection) ?? sendAlone(connection, details));
    this.details = details;
  }

  static of(query: BoundQuery): Call {
    return new Call({ text: query.query, bindings: query.bindings });
  }

  get text(): string {
    return this.details.text;
  }

  /** Its text, for guards and others who look into it: it is read at most once. */
  get surrealText(): SurrealText {
    this.#surrealText ??= new SurrealText(this.details.text);
    return this.#surrealText;
  }

  /** Whether it changes nothing, for certain: see {@link onlyReads}. */
  get onlyReads(): boolean {
    const { bindings } = this.details;
    return onlyReads(this.surrealText, bindings instanceof EncodedBindings ? {} : bindings);
  }

  /** The same call, but for these details. */
  with(details: Partial<CallDetails>): Call {
    const call = new Call({ ...this.details, ...details });
    call.timeoutFactor = this.timeoutFactor;
    if (details.text === undefined) call.#surrealText = this.#surrealText;
    return call;
  }

  /** The same call, that was not sent. */
  again(): Call {
    return this.with({});
  }
}

/**
 * Sends a query. The whole answer comes in one message, and is read to its end whatever its reader does with it: what a
 * LIVE in it began has to be undone even when an error before it is all that the reader sees.
 */
export async function sendAlone(connection: Connection, details: CallDetails): Promise<Answer> {
  const { text, sentText = text, bindings, transaction, recording } = details;
  if (recording !== undefined) recording.added = details.added ?? new Set();
  const statement = { query: sentText, bindings };
  const answer = await connection.transport.query(statement, connection.session, transaction, recording);
  return noted(connection, answer);
}

/** Notes what has to be known of an answer as soon as it is there. */
export function noted(connection: Connection, answer: Answer): Answer {
  let failed = false;
  for (const chunk of answer) {
    if (chunk.error !== undefined) failed = true;
    note(connection, chunk);
  }
  if (failed) explainByCause(answer.map(({ error }) => error));
  return answer;
}

/** What a failed call says of itself when the server refused it. */
export const refused: { readonly outcome: CallOutcome } = { outcome: 'refused' };

function note(connection: Connection, chunk: StatementAnswer): void {
  if (chunk.error !== undefined) Object.assign(chunk.error, refused);
  const [id] = chunk.type === 'live' ? (chunk.result ?? []) : [];
  if (id instanceof Uuid) connection.liveQueryBegan(id);
}
