import { RecentTexts } from '../surrealql/recent-texts.js';
import type { SurrealText } from '../surrealql/surreal-text.js';
import { type Answer, millisecondsOf } from '../wire/answer.js';
import type { Call } from './call.js';
import { Room } from './small-values.js';

/** Statements of these kinds leave nothing in their session, so they may share a message. */
const kinds = new Set('SELECT CREATE UPDATE UPSERT DELETE INSERT RELATE RETURN'.split(' '));
/** Names with a special meaning for the server, or protected by it: a call that binds one goes alone. */
const reserved = new Set(
  'this parent value before after event input request reference auth session token access __proto__'.split(' '),
);
/**
 * What may follow a record link in a RETURN. Servers before 3.2 refuse that in a block ("Specify a database to use"),
 * and a call with parameters is sent in a block.
 */
const link = /[.[]|->|<-|\bFETCH\b/i;
const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** The longest text, in characters, and the largest parameters, in characters or numbers, that share a message. */
const longestText = 1_024;
const largestBindings = 4_096;
/**
 * A statement that usually takes longer than this on the server, in milliseconds, goes alone: those behind it would
 * wait for it.
 */
const slow = 2;
/** A statement that answers with more records than this goes alone too. */
const manyRecords = 100;
/**
 * The weight of the newest answer in the usual time. A slower one counts little: the server may just be busy, and quick
 * statements must then go on sharing messages. One that took very long, in milliseconds, counts fully.
 */
const [share, shareOfLonger, veryLong] = [0.2, 0.02, 20];

interface Known {
  /** How long the server usually takes, in milliseconds; undefined before the first answer. */
  usual: number | undefined;
  alone: boolean;
  /** Whether it goes alone when it has parameters. */
  readonly aloneWithParameters: boolean;
}

/**
 * Remembers which texts may share a message. A text may when the server has executed it alone before, as one statement,
 * so that a syntax error of one caller cannot fail the call of another; when its kind leaves nothing in the session;
 * and when the server usually answers it quickly.
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

  /** The server did not split a message with this text into its calls: send the text alone from now on. */
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

/**
 * The text without parameter numbers: the SDK gives each parameter of `surql`, `select()` and so on a number that it
 * never uses again.
 */
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

/** Whether parameters may be renamed, are small, and cannot fail the message they share. */
function isSmall(bindings: Call['details']['bindings']): boolean {
  const room = new Room(largestBindings);
  return Object.entries(bindings).every(([name, value]) => {
    return plainName.test(name) && !reserved.has(name) && room.fits(value);
  });
}
