import { randomUUID } from 'node:crypto';
import { ConnectionLostError } from '../errors/call.js';
import { UsageError } from '../errors/configuration.js';
import { isParseError } from '../errors/server-errors.js';
import type { LentSeat } from '../pool/lease.js';
import type { Connection } from '../session/connection.js';
import { MessageCounters } from '../telemetry/message-counters.js';
import { inOwnContext } from '../time/own-context.js';
import type { Answer } from '../wire/answer.js';
import { type CallDetails, type Message, noted, sendAlone } from './call.js';
import { KnownTexts } from './known-texts.js';

interface Joined {
  readonly call: CallDetails;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Calls of one seat that go in one message. It is sent at the end of the present turn, without any delay; later calls
 * go in the next message.
 *
 * A call without parameters is sent unchanged. A call with parameters becomes a block that restores their names, so
 * that neither other calls of the message see them, nor any field, event or function those calls reach:
 *
 *     SELECT * FROM person;
 *     { LET $id = $call1_id; SELECT * FROM $id };
 *     { LET $id = $call2_id; UPDATE $id SET seen = true };
 */
export class Batch implements Message {
  readonly #seat: LentSeat;
  readonly #texts: KnownTexts;
  readonly #counters: MessageCounters;
  #joined: Joined[] = [];

  constructor(seat: LentSeat, texts: KnownTexts, counters: MessageCounters) {
    this.#seat = seat;
    this.#texts = texts;
    this.#counters = counters;
  }

  /** Sends a call together with those that join meanwhile; at once while calls come one after the other. */
  send(call: CallDetails, connection: Connection): Promise<Answer> {
    if (this.#counters.isLonely) {
      this.#seat.close();
      this.#counters.count(1);
      return sendAlone(connection, call);
    }
    return new Promise((resolve, reject) => {
      this.#joined.push({ call, resolve, reject });
      if (this.#joined.length === 1) inOwnContext(() => process.nextTick(() => this.#flush(connection)));
    });
  }

  #flush(connection: Connection): void {
    this.#seat.close();
    const joined = this.#joined;
    this.#joined = [];
    this.#counters.count(joined.length);
    const [first] = joined;
    if (joined.length === 1 && first !== undefined) sendAlone(connection, first.call).then(first.resolve, first.reject);
    else void this.#together(joined, connection);
  }

  async #together(joined: readonly Joined[], connection: Connection): Promise<void> {
    let answers: Answer[];
    try {
      answers = await ask(joined, connection);
    } catch (error) {
      // Parameters that cannot be sent are a UsageError.
      if (!isParseError(error) && !(error instanceof UsageError)) {
        for (const { reject } of joined) reject(error);
        return;
      }
      // Nothing was executed, so each may be sent by itself.
      for (const { call, resolve, reject } of joined) {
        if (isParseError(error)) this.#texts.goesAlone(call.text);
        this.#counters.count(1);
        sendAlone(connection, call).then(resolve, reject);
      }
      return;
    }
    if (answers.length !== joined.length) {
      const error = new ConnectionLostError(
        `${joined.length} calls went in one message, and its answer is not one for each; they may have been executed`,
        { outcome: 'unknown' },
      );
      for (const { call, reject } of joined) {
        this.#texts.goesAlone(call.text);
        reject(error);
      }
      return;
    }
    joined.forEach(({ resolve, reject }, index) => {
      try {
        resolve(noted(connection, answers[index] ?? []));
      } catch (error) {
        reject(error);
      }
    });
  }
}

/** A prefix for parameter names. It is random, so no text can name the parameters of another call. */
const prefix = `_${randomUUID().slice(0, 8)}_`;

/** Sends one message for all. @returns the answer to each call */
async function ask(joined: readonly Joined[], connection: Connection): Promise<Answer[]> {
  const texts: string[] = [];
  const bindings: Record<string, unknown> = {};
  joined.forEach(({ call }, index) => {
    const names = Object.entries(call.bindings);
    if (names.length === 0) {
      texts.push(`${call.text}\n`);
      return;
    }
    // The line end closes a comment that the text may end with.
    let scope = '';
    for (const [name, value] of names) {
      scope += `LET $${name} = $${prefix}${index}_${name}; `;
      bindings[`${prefix}${index}_${name}`] = value;
    }
    texts.push(`{ ${scope}${call.text}\n}`);
  });
  // A message has room for one: it names the span of the first call that has one.
  const traceContext = joined.find(({ call }) => call.traceContext !== undefined)?.call.traceContext;
  const query = { query: texts.join(';\n'), bindings, traceContext };
  const answers = await connection.transport.query(query, connection.session);
  return answers.map((answer) => [{ ...answer, query: 0 }]);
}

/** The batches of the seats that are taken. */
export class Batches {
  readonly texts: KnownTexts = new KnownTexts();
  readonly counters: MessageCounters = new MessageCounters();
  readonly #bySeat = new WeakMap<LentSeat, Batch>();

  /** The batch of this seat; undefined when its calls go alone. */
  of(seat: LentSeat | undefined): Batch | undefined {
    if (!seat?.joins) return undefined;
    const batch = this.#bySeat.get(seat) ?? new Batch(seat, this.texts, this.counters);
    this.#bySeat.set(seat, batch);
    return batch;
  }
}
