import { parseRpcError, ServerError } from 'surrealdb';
import { type CallRecording, newRecording } from '../calls/call.js';
import { type Mending, withoutAdded } from '../surrealql/mended-text.js';
import { keywordOf } from '../surrealql/refused-statements.js';
import type { Statement } from '../surrealql/statements.js';
import { newIdReason } from '../surrealql/verdict.js';
import { systemClock } from '../time/clock.js';
import { EncodedBindings } from '../wire/recording-codec.js';
import { AnswerComparison, type ComparedCall, type Difference, type Part, withKeys } from './answer-comparison.js';
import { type EncodedValue, encodedMap } from './encoded-value.js';
import { answersOf, type LoggedCall } from './logged-call.js';
import type { Look } from './looks.js';
import { type ReplayMessage, ReplayMessages } from './replay-messages.js';
import { askTime, ServerClock, type TimeWindow } from './server-clock.js';

/** A server transaction in which calls can be replayed. */
export interface RerunTarget {
  /**
   * Sends a message unchanged.
   * @param calls how many calls it carries
   */
  send(text: string, bindings: EncodedBindings, calls: number, recording: CallRecording): Promise<unknown>;
  /** What is added to queries to work around faults of the server. */
  readonly mending: Mending;
}

/** The call that answered differently from the first time, and how. */
export interface CallDifference extends Difference {
  /** The call and its index in the history. */
  readonly index: number;
  readonly call: LoggedCall;
}

/** How many reads go in one message. */
const mostLooks = 64;

const writing = new Set(['CREATE', 'INSERT', 'UPDATE', 'UPSERT', 'DELETE', 'RELATE']);

/** Replays a history of calls in another server transaction and compares the answers with those of the first time. */
export class Rerun {
  readonly comparison: AnswerComparison = new AnswerComparison();
  readonly #target: RerunTarget;
  readonly #messages: ReplayMessages;
  /** When calls of the history were replayed before. */
  readonly #replays: readonly TimeWindow[];
  /** Statements executed before everything else, with their answers. */
  readonly #preface: readonly string[];
  #prefaceAnswers: readonly EncodedValue[] = [];
  #clock: ServerClock | undefined;

  constructor(target: RerunTarget, replays: readonly TimeWindow[], preface: readonly string[] = []) {
    this.#target = target;
    this.#replays = replays;
    this.#preface = preface;
    this.#messages = new ReplayMessages(target.mending);
  }

  get prefaceAnswers(): readonly EncodedValue[] {
    return this.#prefaceAnswers;
  }

  /**
   * Replays calls up to the first that answers differently, and returns that difference.
   * @param calls the history from its beginning
   * @param first the index of the first call not replayed yet
   * @param end the index after the last call to replay now
   */
  async run(calls: readonly LoggedCall[], first = 0, end: number = calls.length): Promise<CallDifference | undefined> {
    for (let from = first; from < end; ) {
      const message = this.#messages.next(calls.slice(from, end));
      const difference = await this.#send(message, calls, from);
      if (difference !== undefined) return difference;
      from += message.calls.length;
    }
    return undefined;
  }

  /** The present answers to reads, each with its status. */
  async look(looks: readonly Look[]): Promise<EncodedValue[]> {
    if (this.#clock === undefined && looks.length > 0) await this.#begin();
    const answers: EncodedValue[] = [];
    for (let from = 0; from < looks.length; from += mostLooks) {
      const some = looks.slice(from, from + mostLooks).map((look) => ({ ...look, onlyReads: true }));
      const { text, bindings, added } = this.#messages.shared(some);
      const recording = newRecording();
      await this.#target.send(text, bindings, some.length, recording);
      answers.push(...withoutAdded(answersOf(recording), added));
    }
    return answers;
  }

  async #send(message: ReplayMessage, calls: readonly LoggedCall[], from: number): Promise<CallDifference | undefined> {
    const [first] = message.calls;
    // Nothing is put before a text that the server refused as a whole, since its error contains positions.
    const timed = this.#clock === undefined && first?.failure === undefined;
    if (this.#clock === undefined && !timed) await this.#begin();
    const { keys } = this.comparison;
    const text = withKeys([...(timed ? this.#before() : []), message.text].join(';\n'), keys);
    const bindings = withKeysEncoded(message.bindings, keys);
    const recording = newRecording();
    const sentAt = systemClock.now();
    try {
      await this.#target.send(text, bindings, message.calls.length, recording);
    } catch (error) {
      if (!(error instanceof ServerError) || first === undefined) throw error;
      return isSameRefusal(first.failure, error) ? undefined : { ...refusal(first, error), index: from, call: first };
    }
    const replies = [...answersOf(recording)];
    if (timed) this.#readBefore(replies, sentAt);
    const answers = withoutAdded(replies, message.added);
    for (const [offset, call] of message.calls.entries()) {
      const difference = this.#compare(call, answers, calls, from + offset);
      if (difference !== undefined) return { ...difference, index: from + offset, call };
    }
    return undefined;
  }

  /** @param answers the answers to this call and later ones; its own are removed */
  #compare(
    call: LoggedCall,
    answers: EncodedValue[],
    calls: readonly LoggedCall[],
    index: number,
  ): Difference | undefined {
    const expected = call.answers();
    const found = answers.splice(0, expected.length);
    if (call.failure !== undefined) return { path: '', expected: call.failure, found: undefined };
    const { statements } = call.surrealText.split;
    for (const [number, one] of expected.entries()) {
      const other = found[number];
      const statement = statements.length === expected.length ? statements[number] : undefined;
      const writes = statement !== undefined && writing.has(keywordOf(statement.tokens));
      const known = this.#known(call, calls, index, writes);
      const makesIds = known.makesIds && !(statement !== undefined && readsOthers(statement, statements));
      const difference = differenceOf(this.comparison, one, other, { ...known, makesIds });
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  #known(call: LoggedCall, calls: readonly LoggedCall[], index: number, writes: boolean): ComparedCall {
    const writers = () => calls.slice(0, index + 1).filter(({ onlyReads }) => !onlyReads);
    const { replayability } = call;
    return {
      call,
      writes,
      makesIds: replayability.kind === 'impure' && replayability.reason.startsWith(newIdReason),
      wrote: (record) => writers().some(({ records }) => records.has(record)),
      madeFirst: (moment) => {
        const windows = [...writers().map(({ made }) => made), ...this.#replays];
        return windows.some((window) => this.#clock?.isWithin(moment, window));
      },
      madeAgain: (moment) => this.#clock?.isSince(moment) === true,
    };
  }

  /** Begins without a call, only with the preface. */
  async #begin(): Promise<void> {
    const recording = newRecording();
    const from = systemClock.now();
    await this.#target.send(this.#before().join(';\n'), new EncodedBindings(encodedMap([])), 1, recording);
    this.#readBefore([...answersOf(recording)], from);
  }

  /** The statements executed before everything else. */
  #before(): string[] {
    const { use } = this.#target.mending;
    return [...(use === undefined ? [] : [use]), askTime, ...this.#preface];
  }

  /** Removes the answers to these statements from the replies. */
  #readBefore(replies: EncodedValue[], sentAt: number): void {
    if (this.#target.mending.use !== undefined) replies.shift();
    this.#clock = new ServerClock(replies.shift()?.get('result'), { from: sentAt, until: systemClock.now() });
    this.#prefaceAnswers = replies.splice(0, this.#preface.length);
  }
}

/** The result of a statement: its value or its error. */
function outcomeIn(answer: EncodedValue | undefined): Part {
  const result = answer?.get('result');
  if (answer?.get('status')?.text !== 'ERR') return result;
  return parseRpcError({ code: 0, message: result?.text ?? '', kind: answer.get('kind')?.text ?? 'Query' });
}

function isSameError(one: Part, other: Part, keys: ReadonlyMap<string, string>): boolean {
  return one instanceof Error && other instanceof Error && withKeys(one.message, keys) === other.message;
}

/** Whether a statement only reads, and no variable set by a statement before it: then its answer has no new records. */
function readsOthers({ tokens }: Statement, statements: readonly Statement[]): boolean {
  if (tokens[0]?.value !== 'SELECT' || tokens.some(({ value }) => writing.has(value))) return false;
  const kept = statements.flatMap(({ tokens: [word, name] }) => (word?.value === 'LET' ? [name?.value] : []));
  return !tokens.some(({ kind, value }) => kind === 'parameter' && kept.includes(value));
}

function isSameRefusal(before: Error | undefined, now: ServerError): boolean {
  return before instanceof ServerError && before.kind === now.kind && before.message === now.message;
}

function refusal(call: LoggedCall, found: ServerError): Difference {
  return { path: '', expected: call.failure ?? call.answers()[0]?.get('result'), found };
}

/** The same for parameters; both keys have the same length. */
function withKeysEncoded(bindings: EncodedBindings, keys: ReadonlyMap<string, string>): EncodedBindings {
  if (keys.size === 0) return bindings;
  const bytes = Buffer.from(bindings.bytes);
  for (const [old, young] of keys) {
    for (let at = bytes.indexOf(old); at !== -1; at = bytes.indexOf(old, at + 1)) bytes.write(young, at, 'latin1');
  }
  return new EncodedBindings(bytes);
}

/** The difference between two answers to one statement, apart from how long it took. */
export function differenceOf(
  comparison: AnswerComparison,
  one: EncodedValue | undefined,
  other: EncodedValue | undefined,
  call: ComparedCall,
): Difference | undefined {
  const [before, now] = [outcomeIn(one), outcomeIn(other)];
  // A differing error is reported as an error, not as a differing status.
  if ((before instanceof Error || now instanceof Error) && !isSameError(before, now, comparison.keys)) {
    return { path: '', expected: before, found: now };
  }
  for (const part of ['status', 'result', 'kind', 'details']) {
    const [expected, found] = [one?.get(part), other?.get(part)];
    if (expected === undefined && found === undefined) continue;
    if (expected === undefined || found === undefined) return { path: part, expected, found };
    const difference = comparison.difference(expected, found, call);
    if (difference !== undefined) return difference;
  }
  return undefined;
}
