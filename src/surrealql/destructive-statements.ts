import { Table, Uuid } from 'surrealdb';
import { BoundValues } from './bound-values.js';
import { isRecordId } from './record-targets.js';
import { shownStatement } from './shown-statement.js';
import type { SurrealText } from './surreal-text.js';
import type { Token } from './token.js';
import { TokenContext } from './token-context.js';
import { tokenize } from './tokens.js';

/** A statement that may lose more than the records it names. */
export interface DestructiveStatement {
  /** The statement as errors show it: shortened, without the texts in it. */
  readonly statement: string;
  /** Why it counts as destructive, for the end of a sentence. */
  readonly reason: string;
}

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

/** A cheap first test that lets most texts pass. An escape may hide a statement in a quoted record id. */
const suspicious = /REMOVE|DELETE|UPDATE|UPSERT|OVERWRITE|FUNCTION|\\/i;

/** Statements that act on a whole table unless they have a condition or name their records. */
const acting = words('DELETE UPDATE UPSERT');

/** Statements that may have a WHERE of their own, so that a WHERE behind them is theirs. */
const withOwnWhere = words('SELECT DELETE UPDATE UPSERT');
const withOwnWhereAndName = words('DEFINE ALTER LIVE ACCESS');

/** Words that follow the targets of a statement. */
const clauses = words(
  'WHERE WITH SET UNSET CONTENT MERGE REPLACE PATCH RETURN TIMEOUT PARALLEL EXPLAIN VERSION THEN ELSE END',
);

/** Clauses behind the place of WHERE. */
const behindWhere = words('RETURN TIMEOUT PARALLEL EXPLAIN');

/** Words a name follows, so that a WHERE behind them is that name. */
const beforeName = words('INDEX MATCHES');

/** What is listed behind FOR in PERMISSIONS and DEFINE API. */
const permissions = words('SELECT CREATE UPDATE DELETE GET PATCH POST PUT TRACE');

/** What follows such a list. */
const behindPermission = words('WHERE FULL NONE THEN MIDDLEWARE PERMISSIONS');

/** What follows `REFERENCE ON DELETE`. */
const behindReference = words('REJECT CASCADE IGNORE UNSET THEN');

/** Marks a value may begin with. */
const opening = new Set(['(', '[', '{', '|', '<', '->', '<-', '!', '-', '+', '/']);

/**
 * The first statement of a text that may lose more than the records it names, wherever it stands: in a block, a
 * subquery, the body of a function or an event.
 *
 * - `REMOVE` of anything, and `DEFINE TABLE OVERWRITE … AS`, which deletes the records of a table to make it a view.
 * - `DELETE`, `UPDATE` and `UPSERT` without `WHERE`, unless each target certainly is a record with its id: `person:1`,
 *   `r"person:1"`, `type::record('person', 1)`, a parameter bound to a record id or an array of them. A range of records
 *   (`person:..`) may be the whole table, and what a subquery, a path or a variable of the text stands for is not known
 *   before it runs: these count.
 * - A text that cannot be read: a script, or a quoted record id with an escape.
 *
 * Other definitions and `ALTER` lose no records and do not count. Any `WHERE` is enough, also `WHERE true`: this is
 * a guard against accidents. A function that the database has is not looked into.
 *
 * @param bindings the values of the parameters
 */
export function destructive(
  text: SurrealText,
  bindings: Readonly<Record<string, unknown>> = {},
): DestructiveStatement | undefined {
  if (!suspicious.test(text.text)) return undefined;
  const { readings } = text;
  if (readings === undefined) return unreadable(text.text);
  for (const tokens of readings) {
    const found = new Search(tokens, text.text, bindings).search();
    if (found !== undefined) return found;
  }
  return undefined;
}

function unreadable(text: string): DestructiveStatement {
  return { statement: shownStatement(text), reason: 'it cannot be read with certainty' };
}

class Search {
  readonly #context: TokenContext;
  readonly #text: string;
  readonly #bindings: Readonly<Record<string, unknown>>;
  readonly #bound: BoundValues;

  constructor(tokens: readonly Token[], text: string, bindings: Readonly<Record<string, unknown>>) {
    this.#context = new TokenContext(tokens);
    this.#text = text;
    this.#bindings = bindings;
    // The arguments of a closure or a function may have the name of a parameter.
    const namesOwn = tokens.some(({ kind, text: mark, value }) =>
      kind === 'mark' ? mark === '|' || mark === '||' : kind === 'word' && value === 'FUNCTION',
    );
    this.#bound = new BoundValues(tokens, namesOwn ? {} : bindings);
  }

  search(): DestructiveStatement | undefined {
    const { tokens } = this.#context;
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at];
      const found = token === undefined ? undefined : this.#look(token, at);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #look(token: Token, at: number): DestructiveStatement | undefined {
    const { kind, text, value } = token;
    // A character that begins no token is refused by the server. More of it is what is never closed.
    if (kind === 'script' || (kind === 'unknown' && text.length > 2)) return unreadable(this.#text.slice(token.start));
    if (kind === 'string') return this.#string(text);
    if (kind !== 'word') return undefined;
    if (value === 'REMOVE') {
      return this.#removes(at) ? this.#found(at, 'it removes a definition and what it holds') : undefined;
    }
    if (value === 'DEFINE') {
      return this.#makesView(at) ? this.#found(at, 'a table that becomes a view loses its records') : undefined;
    }
    if (!acting.has(value) || !this.#begins(at) || this.#namesNothing(at)) return undefined;
    if (this.#namesRecords(at + 1) || this.#hasWhere(at + 1)) return undefined;
    return this.#found(at, `it has no WHERE and is not limited to records named by their ids`);
  }

  /** A quoted record id is a text of its own, which may hold any expression. */
  #string(text: string): DestructiveStatement | undefined {
    if (!/^r/i.test(text)) return undefined;
    if (text.includes('\\')) return unreadable(text);
    const inside = text.slice(2, -1);
    return new Search(tokenize(inside), inside, this.#bindings).search();
  }

  #found(at: number, reason: string): DestructiveStatement {
    const { tokens } = this.#context;
    const text = this.#text.slice(tokens[at]?.start, tokens[this.#end(at)]?.start);
    return { statement: shownStatement(text), reason };
  }

  #removes(at: number): boolean {
    const next = this.#context.at(at + 1);
    return next?.kind === 'word' && this.#begins(at);
  }

  /** `DEFINE TABLE OVERWRITE person AS SELECT …` */
  #makesView(at: number): boolean {
    const context = this.#context;
    if (!context.isWord(at + 1, 'TABLE') && !context.isWord(at + 1, 'TB')) return false;
    if (!context.isWord(at + 2, 'OVERWRITE')) return false;
    const end = this.#end(at);
    for (let inside = at + 3; inside < end; inside++) if (context.isWord(inside, 'AS')) return true;
    return false;
  }

  /** The index of the token behind the statement that begins there. */
  #end(at: number): number {
    const { tokens } = this.#context;
    let end = at;
    for (; end < tokens.length; end++) {
      const { kind, text = '', partner = -1 } = tokens[end] ?? {};
      if (kind !== 'mark') continue;
      if (partner > end) end = partner;
      else if (';)]}'.includes(text)) break;
    }
    return end;
  }

  /** Whether a keyword may begin a statement there: it is no field, no part of a path, no key of an object. */
  #begins(at: number): boolean {
    const context = this.#context;
    const [before, token, next] = [context.at(at - 1), context.at(at), context.at(at + 1)];
    if (next === undefined || token === undefined) return false;
    if (next.kind === 'mark' && !opening.has(next.text)) return false;
    if (before?.kind !== 'mark') return true;
    // The end of a range is a value: `1..DELETE person`.
    if (before.text === '.') return context.is(at - 2, '.');
    if (before.text === '::' || before.text === '->' || before.text === '<-') return false;
    // `person:delete` allows no space around the colon and is followed by a clause; `{ x: DELETE person }` is a value.
    if (before.text !== ':' || before.end !== token.start || context.at(at - 2)?.end !== before.start) return true;
    return next.kind !== 'word' || !clauses.has(next.value);
  }

  /** Whether the keyword stands where no statement can: in the clauses of another one. */
  #namesNothing(at: number): boolean {
    const context = this.#context;
    if (context.isWord(at - 1, 'KEY') && context.isWord(at - 2, 'DUPLICATE') && context.isWord(at - 3, 'ON')) {
      return true;
    }
    // What may follow is listed: a name before the keyword, such as `for`, can also be the end of a statement.
    const next = context.at(at + 1);
    if (next?.kind !== 'word') return false;
    if (context.isWord(at - 1, 'ON') && context.isWord(at - 2, 'REFERENCE')) return behindReference.has(next.value);
    let before = at - 1;
    while (context.is(before, ',') && permissions.has(context.at(before - 1)?.value ?? '')) before -= 2;
    return context.isWord(before, 'FOR') && behindPermission.has(next.value);
  }

  /** Whether all targets that begin there certainly are named records. */
  #namesRecords(from: number): boolean {
    const context = this.#context;
    let at = from;
    while (context.isWord(at, 'FROM') || context.isWord(at, 'ONLY')) at++;
    for (;;) {
      const end = this.#endOfRecord(at);
      if (end === -1) return false;
      const next = context.at(end);
      if (next?.text !== ',') {
        if (next === undefined || (next.kind === 'mark' && ';)]}'.includes(next.text))) return true;
        return next.kind === 'word' && clauses.has(next.value);
      }
      at = end + 1;
    }
  }

  /** Where a value ends that certainly is a named record, or a list of them; -1 when it may be something else. */
  #endOfRecord(at: number): number {
    const context = this.#context;
    const [first, second, third] = context.tokens.slice(at, at + 3);
    if (first?.kind === 'parameter') return namesRecords(this.#value(first)) ? at + 1 : -1;
    if (first?.kind === 'string') return isQuotedRecord(first.text) ? at + 1 : -1;
    if (first?.text === '[') return this.#endOfRecords(at);
    if (first?.kind !== 'word' && first?.kind !== 'name') return -1;
    if (second?.text === ':') return endOfKey(context, at + 2);
    const isCall =
      first.value === 'TYPE' && second?.text === '::' && third?.value === 'RECORD' && context.is(at + 3, '(');
    return isCall ? this.#endOfCall(at + 3) : -1;
  }

  /** `[person:1, $id]` */
  #endOfRecords(open: number): number {
    const close = this.#context.at(open)?.partner ?? -1;
    if (close < open) return -1;
    for (let at = open + 1; at < close; at++) {
      const end = this.#endOfRecord(at);
      if (end === -1 || (end !== close && !this.#context.is(end, ','))) return -1;
      at = end;
    }
    return close + 1;
  }

  /** The arguments of `type::record()`: a key that is a range makes a range of records. */
  #endOfCall(open: number): number {
    const close = this.#context.at(open)?.partner ?? -1;
    const given = this.#context.tokens.slice(open + 1, Math.max(close, 0));
    const certain = given.every((token) => {
      if (token.kind === 'parameter') return isKey(this.#value(token));
      return token.kind === 'string' || token.kind === 'number' || token.text === ',';
    });
    return close > open && certain ? close + 1 : -1;
  }

  #value(token: Token): unknown {
    // An escape may hide which parameter it is.
    return token.value.includes('\\') ? undefined : this.#bound.of(token);
  }

  /** Whether the statement whose targets begin there has a WHERE of its own. */
  #hasWhere(from: number): boolean {
    const context = this.#context;
    let conditions = 0;
    for (let at = from; ; at++) {
      const token = context.at(at);
      if (token === undefined) return false;
      if (token.kind === 'mark') {
        if (token.partner !== undefined && token.partner > at) at = token.partner;
        else if (';()[]{}'.includes(token.text)) return false;
      }
      if (token.kind !== 'word') continue;
      if (token.value === 'WHERE' && this.#isWhere(at)) return true;
      if (token.value === 'IF') conditions++;
      if (conditions === 0 && (token.value === 'THEN' || token.value === 'ELSE' || token.value === 'END')) return false;
      if (token.value === 'END') conditions--;
      if (behindWhere.has(token.value) && this.#begins(at)) return false;
      if (this.#hasOwnWhere(token, at)) return false;
    }
  }

  #isWhere(at: number): boolean {
    const [before, next] = [this.#context.at(at - 1), this.#context.at(at + 1)];
    if (!this.#context.endsValue(at - 1) || (before?.kind === 'word' && beforeName.has(before.value))) return false;
    if (next === undefined || (next.kind === 'word' && clauses.has(next.value))) return false;
    return next.kind !== 'mark' || opening.has(next.text);
  }

  #hasOwnWhere(token: Token, at: number): boolean {
    if (withOwnWhere.has(token.value)) return this.#begins(at) || this.#context.is(at + 1, '*');
    if (!withOwnWhereAndName.has(token.value)) return false;
    const next = this.#context.at(at + 1);
    return next?.kind === 'name' || (next?.kind === 'word' && !clauses.has(next.value));
  }
}

/** `r"person:1"` */
function isQuotedRecord(text: string): boolean {
  if (!/^r/i.test(text) || text.includes('\\')) return false;
  const context = new TokenContext(tokenize(text.slice(2, -1)));
  const [table, colon] = context.tokens;
  const isNamed = (table?.kind === 'word' || table?.kind === 'name') && colon?.text === ':';
  return isNamed && endOfKey(context, 2) === context.tokens.length;
}

/** Where a record's key ends; -1 when it may be no single key. */
function endOfKey(context: TokenContext, at: number): number {
  const key = context.at(at);
  switch (key?.kind) {
    case 'word':
    case 'name':
    case 'string':
      return at + 1;
    case 'number':
      return key.text.includes('.') ? -1 : at + 1;
    case 'mark':
      break;
    default:
      return -1;
  }
  if (key.text === '-') return /^\d+$/.test(context.at(at + 1)?.text ?? '') ? at + 2 : -1;
  const close = key.partner ?? -1;
  if ((key.text !== '[' && key.text !== '{') || close < at) return -1;
  // A RETURN in it would leave the whole target and replace it.
  const leaves = context.tokens.slice(at, close).some(({ kind, value }) => kind === 'word' && value === 'RETURN');
  return leaves ? -1 : close + 1;
}

/** A record id, or a list of them; no range of records, which the SDK has another class for. */
function namesRecords(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isRecordId) : isRecordId(value);
}

/** What `type::record()` makes one record of, as a table or as a key. */
function isKey(value: unknown): boolean {
  return ['string', 'number', 'bigint'].includes(typeof value) || value instanceof Table || value instanceof Uuid;
}
