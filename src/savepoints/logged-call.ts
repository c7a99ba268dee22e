import type { CallRecording } from '../calls/call.js';
import { withoutAdded } from '../surrealql/mended-text.js';
import { judgeReading, onlyReads } from '../surrealql/only-reads.js';
import { replayability } from '../surrealql/replayability.js';
import type { Statement } from '../surrealql/statements.js';
import { SurrealText } from '../surrealql/surreal-text.js';
import { newIdReason, type Replayability } from '../surrealql/verdict.js';
import { writtenRecords } from '../surrealql/written-records.js';
import { EncodedValue } from './encoded-value.js';
import { pinIds, Unpinnable } from './pinned-ids.js';
import { rememberedByText } from './remembered.js';
import type { TimeWindow } from './server-clock.js';

/** What is known about a call once it was answered. */
export interface AnsweredCall {
  /** The text as the caller wrote it. */
  readonly text: string;
  /** The request and its reply on the wire; no reply when the server refused the call as a whole. */
  readonly recording: CallRecording;
  /** From sending to answer, in milliseconds on the clock of `performance.now()`. */
  readonly made: TimeWindow;
  /** The error with which the server refused the whole call. */
  readonly failure?: Error | undefined;
}

const verdicts = rememberedByText<Replayability>();
const reading = rememberedByText<boolean>();

/**
 * One call of a transaction, as bytes. It is analysed only when a savepoint needs it, since most calls are never read
 * again.
 */
export class LoggedCall {
  readonly text: string;
  readonly made: TimeWindow;
  readonly failure: Error | undefined;
  /** How large the request and the reply are, in bytes. */
  readonly size: number;
  readonly #recording: CallRecording;
  #answers: readonly EncodedValue[] | undefined;
  #surrealText: SurrealText | undefined;
  #bindings: EncodedValue | undefined;
  #onlyReads: boolean | undefined;
  #replayability: Replayability | undefined;
  #records: Set<string> | undefined;
  #moments: readonly MomentInAnswer[] | undefined;

  constructor({ text, recording, made, failure }: AnsweredCall) {
    if (recording.request === undefined) throw new Error('the request of a call was not recorded');
    this.text = text;
    this.#recording = recording;
    this.made = made;
    this.failure = failure;
    this.size = recording.request.length + (recording.reply?.length ?? 0);
  }

  /** The parameters as they were sent. */
  get bindings(): EncodedValue {
    if (this.#bindings === undefined) {
      const bindings = new EncodedValue(this.#recording.request ?? new Uint8Array()).get('params')?.items()[1];
      if (bindings === undefined) throw new Error('the request of a call has no parameters');
      this.#bindings = bindings;
    }
    return this.#bindings;
  }

  get surrealText(): SurrealText {
    this.#surrealText ??= new SurrealText(this.text);
    return this.#surrealText;
  }

  /** The answer to each statement as the server sent it, without those to statements added by the pool. */
  answers(): readonly EncodedValue[] {
    this.#answers ??= answersOf(this.#recording);
    return this.#answers;
  }

  /** Whether replaying the call on the same data has the same effect and answer. */
  get replayability(): Replayability {
    this.#replayability ??= verdicts(this.text, () => {
      // Only this analysis needs the parameter values; all else needs just their names, which are in the text.
      const bindings = this.decodedBindings;
      const verdict = replayability(this.surrealText, bindings);
      if (verdict.kind === 'replayable' || verdict.reason !== newIdReason) {
        return { value: verdict, holdsForText: verdict.byTextAlone };
      }
      const pinned = pinIds(this.surrealText, bindings);
      const why = pinned instanceof Unpinnable ? `, and ${pinned.reason}` : '';
      return { value: { ...verdict, reason: `${newIdReason}${why}` }, holdsForText: false };
    });
    return this.#replayability;
  }

  /** Whether it certainly only reads, judged by its text; computed fields may still write. */
  get onlyReads(): boolean {
    this.#onlyReads ??= reading(this.text, () => {
      const { onlyReads, byTextAlone } = judgeReading(this.surrealText, this.decodedBindings);
      return { value: onlyReads, holdsForText: byTextAlone };
    });
    return this.#onlyReads;
  }

  /**
   * Whether it certainly left nothing behind: it only read, or failed to create one record because that existed. Other
   * failed calls may have written a part.
   */
  get leavesNothing(): boolean {
    if (this.onlyReads) return true;
    const [only, ...others] = this.answers();
    if (only === undefined || others.length > 0 || only.get('kind')?.text !== 'AlreadyExists') return false;
    return this.targets.length === 1 && createsOnlyOne(this.surrealText);
  }

  /** The records it wrote, as far as its text and answers show. */
  get records(): ReadonlySet<string> {
    if (this.#records === undefined) {
      this.#records = new Set(this.targets);
      const answers = this.answers();
      const { statements } = this.surrealText.split;
      for (const [index, answer] of answers.entries()) {
        const statement = statements.length === answers.length ? statements[index] : undefined;
        // Skip a SELECT: it may have read records written by others.
        if (statement?.tokens[0]?.value === 'SELECT' && onlyReads(statementText(this.text, statement))) continue;
        const result = answer.get('result');
        const rows = result?.isArray ? result.items() : [result];
        for (const row of rows) {
          const record = row?.get('id')?.record;
          if (record !== undefined) this.#records.add(record);
        }
      }
    }
    return this.#records;
  }

  /** The records its text names as targets of writes. */
  get targets(): readonly string[] {
    return writtenRecords(this.surrealText, this.decodedBindings);
  }

  /** The times in its answers, each with the record it belongs to, if any. */
  get moments(): readonly MomentInAnswer[] {
    this.#moments ??= this.answers().flatMap((answer) => [...momentsIn(answer.get('result'), undefined)]);
    return this.#moments;
  }

  /** Whether every statement was executed. */
  get succeeded(): boolean {
    return this.failure === undefined && this.answers().every((answer) => answer.get('status')?.text === 'OK');
  }

  /** The decoded parameters, for analysis; a replay sends the bytes. */
  get decodedBindings(): Record<string, unknown> {
    return this.bindings.decode() as Record<string, unknown>;
  }
}

function statementText(text: string, { start, end }: Statement): SurrealText {
  return new SurrealText(text.slice(start, end));
}

/** Whether a text creates one record and does nothing else, apart from its fields and events. */
function createsOnlyOne({ text, tokens }: SurrealText): boolean {
  const [create, only] = tokens;
  if (create?.value !== 'CREATE') return false;
  // `CREATE a:1, b:1` has created the first when the second turns out to exist.
  const target = only?.value === 'ONLY' ? 2 : 1;
  const key = tokens[target]?.kind === 'parameter' ? target : target + 2;
  const end = tokens[key]?.partner ?? key;
  return tokens[end + 1]?.text !== ',' && onlyReads(new SurrealText(text.slice(create.end)));
}

/** A time in an answer. */
interface MomentInAnswer {
  readonly moment: bigint;
  readonly record: string | undefined;
}

function* momentsIn(value: EncodedValue | undefined, around: string | undefined): Generator<MomentInAnswer> {
  // Fast path: a datetime begins with this byte, and most answers have none.
  if (value === undefined || !value.bytes.includes(0xcc)) return;
  const { moment } = value;
  if (moment !== undefined) {
    yield { moment, record: around };
    return;
  }
  const record = value.get('id')?.record ?? around;
  for (const item of value.items()) yield* momentsIn(item, record);
  for (const entry of value.entries()) yield* momentsIn(entry.value, record);
}

/** The answers to the caller's statements in a reply. A socket wraps them; an embedded engine does not. */
export function answersOf({ reply, added }: CallRecording): EncodedValue[] {
  if (reply === undefined) return [];
  const whole = new EncodedValue(reply);
  return withoutAdded((whole.isMap ? whole.get('result') : whole)?.items() ?? [], added);
}
