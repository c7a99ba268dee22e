import { RecentTexts } from '../surrealql/recent-texts.js';
import type { SurrealText } from '../surrealql/surreal-text.js';
import { type Answer, millisecondsOf } from '../wire/answer.js';
import type { Call } from './call.js';
import { Room } from './small-values.js';

/** Statements of these kinds leave nothing behind in their session, so they may go in a message with others. */
const kinds = new Set('SELECT CREATE UPDATE UPSERT DELETE INSERT RELATE RETURN'.split(' '));
/** Names that the server gives a meaning of its own, or protects: a call that binds one goes alone. */
const reserved = new Set(
  'this parent value before after event input request reference auth session token access __proto__'.split(' '),
);
/**
 * What a RETURN may follow a record link with. Servers before 3.2 refuse to in a block ("Specify a database to use"), in
 * which a call with parameters goes.
 */
const link = /[.[]|->|<-|\bFETCH\b/i;
const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** The longest text, in characters, and the largest parameters, in characters or numbers, that go in a message with others. */
const longestText = 1_024;
const largestBindings = 4_096;
/** A statement that usually takes longer on the server, in milliseconds, goes alone: those behind it would wait for it. */
const slow = 2;
/** So does one that answers with more records. */
const manyRecords = 100;
/**
 * The share of the newest answer in what is usual. One that took longer counts little, since the server may just be busy:
 * then what is quick by itself must go on sharing messages. One that took very long, in milliseconds, counts fully.
 */
const [share, shareOfLonger, veryLong] = [0.2, 0.02, 20];

interface Known {
  /** How long the server usually takes, in milliseconds; undefined before the first answer. */
  usual: number | undefined;
  alone: boolean;
  /** With parameters it goes alone. */
  readonly aloneWithParameters: boolean;
}

/**
 * What the pool has learnt of texts: whether one may go in a message with others. It may when the server has read it by
 * itself before, as one statement, so that a syntax error of one caller cannot fail the call of another; when its kind
 * leaves nothing behind; and when it is usually answered quickly.
 */
export class KnownTexts {
  readonly #known = new RecentTexts<Known>();

  mayJoin({ text, details: { bindings } }: Call): boolean {
    const known = this.#known.of(shapeOf(text));
    if (known === undefined || known.alone || (known.usual ?? 0) > slow) return false;
    if (known.aloneWithParameters && Object.keys(bindings).length > 0) return false;
    return isSmall(bindings);
  }

  /** This text was answered, by itself or with others. */
  answered(call: Call, chunks: Answer): void {
    const shape = shapeOf(call.text);
    const known = this.#known.of(shape) ?? this.#learn(shape, call, chunks);
    if (known === undefined) return;
    const last = chunks.at(-1);
    if (last !== undefined) known.usual = usualWith(millisecondsOf(last.time), known.usual);
    const records = chunks.reduce((count, { result }) => count + (result?.length ?? 0), 0);
    if (records > manyRecords) known.alone = true;
  }

  /** A message that contained it was not understood as what it was made of. */
  goesAlone(text: string): void {
    const known = this.#known.of(shapeOf(text));
    if (known !== undefined) known.alone = true;
  }

  #learn(shape: string, { text, surrealText }: Call, chunks: Answer): Known | undefined {
    if (text.length > longestText || chunks.some(({ query }) => query !== 0)) return undefined;
    const alone = !isOneStatement(surrealText);
    const aloneWithParameters = !alone && keywordOfFirst(surrealText) === 'RETURN' && link.test(text);
    const known = { usual: undefined, alone, aloneWithParameters };
    this.#known.remember(shape, known);
    return known;
  }
}

function usualWith(newest: number, usual: number | undefined): number {
  // The first answer may have taken longer because the server was cold: a second one is to tell.
  if (usual === undefined) return newest > veryLong ? newest : Math.min(newest, slow);
  const isCommon = newest < usual || newest > veryLong;
  return usual + (isCommon ? share : shareOfLonger) * (newest - usual);
}

/** The SDK gives each parameter of a `surql` text, and of `select()` and the like, a number that it never gives again. */
function shapeOf(text: string): string {
  return text.includes('$bind__') ? text.replace(/\$bind__\d+/g, '$bind__') : text;
}

function isOneStatement(text: SurrealText): boolean {
  const { split, readings } = text;
  if (!split.certain || readings?.length !== 1 || split.statements.length !== 1) return false;
  const keyword = keywordOfFirst(text);
  return keyword !== undefined && kinds.has(keyword);
}

function keywordOfFirst({ split }: SurrealText): string | undefined {
  const first = split.statements[0]?.tokens[0];
  return first?.kind === 'word' ? first.value : undefined;
}

/** Whether parameters may be given other names, take little room, and cannot fail the message that they go in. */
function isSmall(bindings: Call['details']['bindings']): boolean {
  const room = new Room(largestBindings);
  return Object.entries(bindings).every(([name, value]) => {
    return plainName.test(name) && !reserved.has(name) && room.fits(value);
  });
}
