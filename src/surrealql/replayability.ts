import { RecordId, StringRecordId, Uuid } from 'surrealdb';
import { type Token, tokenize } from '../surrealql/tokens.js';
import { constantFamilies, outsideFamilies, pureFunctions, pureMethods } from './pure-functions.js';
import type { SurrealText } from './surreal-text.js';

/**
 * Whether a call, made again on the same data, does and answers the same.
 *
 * - `replayable`: yes
 * - `impure`: no, or not known to; with what in it is the reason
 * - `outside`: it also does something that no rollback undoes
 */
export type Replayability = { readonly byTextAlone?: boolean } & (
  | { readonly kind: 'replayable' }
  | { readonly kind: 'impure' | 'outside'; readonly culprit: string; readonly reason: string }
);

/**
 * Judges a call by its text and its parameters. It knows few things and takes everything else for impure, so it may
 * refuse what would do, but does not let pass what would not. What a text cannot show (events, computed fields,
 * random defaults) is found by comparing the replies.
 */
export function replayability(
  text: SurrealText,
  bindings: Readonly<Record<string, unknown>>,
): Replayability & { byTextAlone: boolean } {
  return { ...judged(text.text, bindings), byTextAlone: Object.keys(bindings).length === 0 };
}
function judged(text: string, bindings: Readonly<Record<string, unknown>>): Replayability {
  try {
    new Judge(tokenize(text), bindings).judge();
    return { kind: 'replayable' };
  } catch (verdict) {
    if (verdict instanceof Verdict) return { kind: verdict.kind, culprit: verdict.culprit, reason: verdict.reason };
    throw verdict;
  }
}

/** The reason that can be taken away by giving the ids beforehand. */
export const newIdReason = 'the server may choose the id of a new record';

class Verdict {
  constructor(
    readonly kind: 'impure' | 'outside',
    readonly culprit: string,
    readonly reason: string,
  ) {}
}

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

/** Where an expression may begin, a statement may: `LET $x = CREATE …`, `[SELECT …]`. */
const statements = words('SELECT CREATE UPDATE UPSERT DELETE RELATE INSERT LET IF FOR THROW BREAK CONTINUE RETURN');
/** After one of these comes a value. */
const openers = words(
  'VALUE FROM ONLY WHERE SPLIT ON GROUP BY ORDER LIMIT START AT FETCH OMIT AS TIMEOUT INTO RELATION IGNORE DUPLICATE KEY SET UNSET CONTENT MERGE REPLACE PATCH RETURN THEN ELSE IN AND OR NOT IS CONTAINS CONTAINSNOT CONTAINSALL CONTAINSANY CONTAINSNONE INSIDE NOTINSIDE ALLINSIDE ANYINSIDE NONEINSIDE OUTSIDE INTERSECTS SELECT LET FOR IF THROW UPDATE DELETE CREATE UPSERT RELATE INSERT',
);
/** Keywords that may stand after a value and are the end of something themselves. */
const closers = words('ALL ASC DESC NUMERIC COLLATE END BEFORE AFTER DIFF BREAK CONTINUE');
/** Names the server gives a meaning of its own in some places, whatever is bound to them. */
const contextual = words('this parent value before after event input request reference auth session token access');

class Judge {
  readonly #tokens: readonly Token[];
  readonly #bindings: Readonly<Record<string, unknown>>;
  /** Parameters the text itself sets, whose binding says nothing. */
  readonly #assigned = new Set<string>();
  /** How many blocks may still follow a condition or a list. */
  #conditions = 0;
  #at = 0;
  /** The content of an INSERT, a value right behind another: the name of its table. */
  #content = -1;

  constructor(tokens: readonly Token[], bindings: Readonly<Record<string, unknown>>) {
    this.#tokens = tokens;
    this.#bindings = bindings;
    tokens.forEach((token, index) => {
      const before = tokens[index - 1]?.value;
      if (token.kind === 'parameter' && (before === 'LET' || before === 'FOR')) this.#assigned.add(token.value);
    });
  }

  judge(): void {
    for (this.#at = 0; this.#at < this.#tokens.length; this.#at++) {
      const token = this.#tokens[this.#at];
      if (token !== undefined) this.#look(token);
    }
  }

  #look(token: Token): void {
    if (token.kind === 'unknown') throw this.#unknown(token);
    if (token.kind === 'regex') throw new Verdict('impure', token.text, 'regular expressions are not looked into');
    if (token.kind === 'mark') this.#mark(token);
    if (token.kind === 'mark' || this.#isKey()) return;
    const keyword = token.kind === 'word' && !this.#isMember() && this.#next()?.text !== '::' ? token.value : '';
    if (this.#beginsStatement() && !statements.has(keyword) && token.kind === 'word' && !this.#isExpression()) {
      throw new Verdict('impure', token.text, `${token.text} is not among the statements known to do the same again`);
    }
    // RETURN is a clause as well.
    if (keyword === 'RETURN' || closers.has(keyword)) return;
    if (openers.has(keyword) && !statements.has(keyword)) return;
    if (this.#endsValue(this.#at - 1)) throw this.#unexpected(token);
    if (statements.has(keyword)) this.#statement(keyword);
    else if (token.kind === 'string') this.#string(token);
    else if (token.kind === 'parameter') this.#parameter(token);
    else if (token.kind === 'word' || token.kind === 'name') this.#path(token);
  }

  #statement(keyword: string): void {
    if (keyword === 'CREATE' || keyword === 'UPSERT') this.#targets(keyword);
    else if (keyword === 'RELATE') this.#edge();
    else if (keyword === 'INSERT') this.#rows();
    else if (keyword === 'IF' || keyword === 'FOR') this.#conditions++;
  }

  #mark({ text }: Token): void {
    const before = this.#tokens[this.#at - 1];
    if (text === '|') throw new Verdict('impure', '|', 'closures and generated ids are not looked into');
    if (text === '(' && this.#endsValue(this.#at - 1) && before?.kind !== 'word' && before?.kind !== 'name') {
      throw new Verdict('impure', `${before?.text}(`, 'it calls something that is not known by its name');
    }
    if (text === '@') throw new Verdict('impure', '@', 'full-text search is not known to do the same again');
    if (text === '{' && this.#endsValue(this.#at - 1) && --this.#conditions < 0) {
      throw new Verdict('impure', `${before?.text} {`, 'this block is not known to do the same again');
    }
  }

  #string({ text }: Token): void {
    // A record id in quotes may have a function in it: r"person:rand()".
    if (text.startsWith('r') && text.includes('(')) throw this.#call(text, 'it makes an id by a function');
    if (text.startsWith('f')) throw new Verdict('outside', text, 'a file is no part of the database');
  }

  #parameter(token: Token): void {
    if (this.#next()?.text === '(') throw this.#call(`${token.text}()`, 'what it calls is not known by its name');
  }

  /** A name, or several with `::` between, that may be called. */
  #path(token: Token): void {
    const parts = [token];
    let end = this.#at + 1;
    while (this.#tokens[end]?.text === '::') {
      const part = this.#tokens[end + 1];
      if (part === undefined || (part.kind !== 'word' && part.kind !== 'name')) throw this.#unexpected(token);
      parts.push(part);
      end += 2;
    }
    const name = parts.map((part) => (part.kind === 'name' ? part.value : part.text).toLowerCase()).join('::');
    const family = name.split('::')[0] ?? '';
    const called = this.#tokens[end]?.text === '(';
    this.#refuseOutside(name, family, called);
    if (called) {
      if (this.#tokens[this.#at - 1]?.text === '.') {
        if (!pureMethods.has(name)) throw this.#call(`.${name}()`, 'this method may give something else next time');
      } else this.#refuseCall(name, family, end);
    } else if (parts.length > 1 && !constantFamilies.has(family)) {
      throw new Verdict('impure', name, 'it is not known to be the same again');
    }
    this.#at = end - 1;
  }

  #refuseOutside(name: string, family: string, called: boolean): void {
    if (name === 'function' && called) throw new Verdict('outside', 'function()', 'a script may do anything');
    if (name.includes('::') && outsideFamilies.has(family)) {
      throw new Verdict('outside', `${name}()`, 'what it does outside of the transaction cannot be undone');
    }
  }

  #refuseCall(name: string, family: string, open: number): void {
    if (name === 'type::field' || name === 'type::fields') {
      const [argument, close] = [this.#tokens[open + 1], this.#tokens[open + 2]];
      if (argument?.kind === 'parameter' && close?.text === ')' && isPlain(this.#bound(argument))) return;
      throw this.#call(`${name}()`, 'the fields it names are not known to be mere names');
    }
    if (!pureFunctions.has(name)) throw this.#call(`${name}()`, 'it may give something else next time');
    if (family === 'time' && this.#tokens[open + 1]?.text === ')') {
      throw this.#call(`${name}()`, 'without a time given it means now');
    }
  }

  /** `CREATE a:1, $b, type::record('c', 3)`: each target has to name its record. */
  #targets(keyword: string): void {
    let at = this.#at + 1;
    if (this.#tokens[at]?.value === 'ONLY' && this.#tokens[at]?.kind === 'word') at++;
    for (;;) {
      const end = this.#recordId(at, keyword);
      this.#endsTarget(end, keyword);
      if (this.#tokens[end]?.text !== ',') return;
      at = end + 1;
    }
  }

  /** Behind a target come its clauses or the end, nothing that would make another value of it. */
  #endsTarget(at: number, keyword: string): void {
    const next = this.#tokens[at];
    if (next === undefined || [';', ')', ']', '}', ','].includes(next.text)) return;
    if (next.kind !== 'word' || !(openers.has(next.value) || closers.has(next.value))) throw this.#noId(keyword, at);
  }

  /** Where a value that can only be one record, named, ends. */
  #recordId(at: number, keyword: string): number {
    const [first, second, third] = this.#tokens.slice(at, at + 3);
    if (first?.kind === 'parameter') {
      const bound = this.#bound(first);
      if (isRecordId(bound)) return at + 1;
      if (Array.isArray(bound) && bound.length > 0 && bound.every(isRecordId)) return at + 1;
    }
    if (first?.kind === 'string' && first.text.startsWith('r')) return at + 1;
    if ((first?.kind === 'word' || first?.kind === 'name') && second?.text === ':') {
      // What is in brackets is looked at later, like every other value.
      if (third?.text === '[' || third?.text === '{') return this.#closing(at + 2, keyword);
      return at + (third?.text === '-' ? 4 : 3);
    }
    if (
      first?.value === 'TYPE' &&
      second?.text === '::' &&
      third?.value === 'RECORD' &&
      this.#tokens[at + 3]?.text === '('
    ) {
      return this.#closing(at + 3, keyword);
    }
    throw this.#noId(keyword, at);
  }

  /**
   * The token behind the bracket that closes the one at `at`. A RETURN between them would leave the whole target, and
   * put what it returns in the place of it: `type::record('a', { RETURN b })` is the table b.
   */
  #closing(at: number, keyword: string): number {
    let depth = 0;
    for (let end = at; end < this.#tokens.length; end++) {
      const token = this.#tokens[end];
      if (token?.value === 'RETURN' && token.kind === 'word') break;
      if (token?.kind !== 'mark') continue;
      if ('([{'.includes(token.text)) depth++;
      else if (')]}'.includes(token.text) && --depth === 0) return end + 1;
    }
    throw this.#noId(keyword, at);
  }

  /** `RELATE a:1->edge:5->b:1`: what stands between the arrows has to name its record. */
  #edge(): void {
    let depth = 0;
    for (let at = this.#at + 1; at < this.#tokens.length; at++) {
      const token = this.#tokens[at];
      if (token?.kind !== 'mark') continue;
      if ('([{'.includes(token.text)) depth++;
      else if (')]}'.includes(token.text)) depth--;
      if (depth < 0 || token.text === ';') break;
      if (depth > 0 || (token.text !== '->' && token.text !== '<-')) continue;
      const end = this.#recordId(at + 1, 'RELATE');
      if (this.#tokens[end]?.text === token.text) return;
      break;
    }
    throw this.#noId('RELATE', this.#at + 1);
  }

  /** `INSERT INTO a { id: 1 }`, `INSERT $rows`: each row has to have its id. */
  #rows(): void {
    let at = this.#at + 1;
    const skip = (...keywords: string[]): boolean => {
      const token = this.#tokens[at];
      const found = token?.kind === 'word' && keywords.includes(token.value);
      if (found) at++;
      return found;
    };
    while (skip('RELATION', 'IGNORE'));
    if (skip('INTO')) at++;
    this.#content = at;
    const first = this.#tokens[at];
    let end = at + 1;
    if (first?.kind === 'parameter') {
      const bound = this.#bound(first);
      const rows = Array.isArray(bound) ? bound : [bound];
      if (!rows.every(hasId)) throw this.#noId('INSERT', at);
    } else if (first?.text === '{') {
      end = this.#row(at);
    } else if (first?.text === '[') {
      end = this.#row(at + 1);
      while (this.#tokens[end]?.text === ',' && this.#tokens[end + 1]?.text === '{') end = this.#row(end + 1);
      if (this.#tokens[end]?.text === ',') end++;
      if (this.#tokens[end]?.text !== ']') throw this.#noId('INSERT', at);
      end++;
    } else throw this.#noId('INSERT', at);
    this.#endsTarget(end, 'INSERT');
  }

  /** A row as it is written: exactly one `id` among its own keys, with a value that is there for sure. */
  #row(open: number): number {
    if (this.#tokens[open]?.text !== '{') throw this.#noId('INSERT', open);
    const close = this.#closing(open, 'INSERT') - 1;
    let ids = 0;
    for (let at = open + 1; at < close; at++) {
      const [key, colon, value, after] = this.#tokens.slice(at, at + 4);
      if (key === undefined || key.kind === 'mark' || colon?.text !== ':') throw this.#noId('INSERT', at);
      if (/^["'`⟨]?id["'`⟩]?$/.test(key.text)) {
        ids++;
        const whole = after?.text === ':' && (value?.kind === 'word' || value?.kind === 'name');
        const given =
          whole ||
          value?.kind === 'number' ||
          value?.kind === 'string' ||
          (value?.kind === 'parameter' && isId(this.#bound(value)));
        const behind = this.#tokens[at + (whole ? 5 : 3)]?.text;
        if (!given || (behind !== ',' && behind !== '}')) throw this.#noId('INSERT', at);
      } else if (/\\|^[a-z]['"]/.test(key.text)) throw this.#noId('INSERT', at);
      at = this.#endOfEntry(at + 2, close);
    }
    if (ids !== 1) throw this.#noId('INSERT', open);
    return close + 1;
  }

  #endOfEntry(from: number, close: number): number {
    let depth = 0;
    for (let at = from; at < close; at++) {
      const token = this.#tokens[at];
      if (token?.kind !== 'mark') continue;
      if ('([{'.includes(token.text)) depth++;
      else if (')]}'.includes(token.text)) depth--;
      else if (token.text === ',' && depth === 0) return at;
    }
    return close;
  }

  /** What is bound to a parameter, when nothing else can be meant by it. */
  #bound(token: Token): unknown {
    const name = token.value;
    return this.#assigned.has(name) || contextual.has(name) ? undefined : this.#bindings[name];
  }

  #next(): Token | undefined {
    return this.#tokens[this.#at + 1];
  }

  /** The key of an object, or the table of a record id. */
  #isKey(): boolean {
    return this.#next()?.text === ':' && !this.#endsValue(this.#at - 1);
  }

  /** A field or method behind a dot, or the last part of a path. */
  #isMember(): boolean {
    const before = this.#tokens[this.#at - 1]?.text;
    return before === '.' || before === ':' || before === '->' || before === '<-';
  }

  #beginsStatement(): boolean {
    const before = this.#tokens[this.#at - 1];
    return before === undefined || before.text === ';';
  }

  /** A word that begins a statement may also begin an expression; then this follows. */
  #isExpression(): boolean {
    return ['::', '(', '->', '<-', '.'].includes(this.#next()?.text ?? '');
  }

  #endsValue(at: number): boolean {
    const token = this.#tokens[at];
    if (token === undefined || at + 1 === this.#content) return false;
    if (token.kind === 'mark') return token.text === ')' || token.text === ']' || token.text === '}';
    if (token.kind !== 'word') return true;
    const before = this.#tokens[at - 1]?.text;
    if (before === '.' || before === ':' || before === '->' || before === '<-' || before === '::') return true;
    return !openers.has(token.value);
  }

  #unknown(token: Token): Verdict {
    const start = token.text.slice(0, 20);
    return new Verdict('impure', start, 'it cannot be read');
  }

  #unexpected(token: Token): Verdict {
    const before = this.#tokens[this.#at - 1];
    return new Verdict('impure', `${before?.text ?? ''} ${token.text}`.trim(), 'it is not known to do the same again');
  }

  #call(culprit: string, reason: string): Verdict {
    return new Verdict('impure', culprit, reason);
  }

  #noId(keyword: string, at: number): Verdict {
    const target = this.#tokens[at]?.text ?? '';
    return new Verdict('impure', `${keyword} ${target}`.trim(), newIdReason);
  }
}

function isRecordId(value: unknown): boolean {
  return value instanceof RecordId || value instanceof StringRecordId;
}

/** A value that is an id, whole or without its table. */
function isId(value: unknown): boolean {
  return ['string', 'number', 'bigint'].includes(typeof value) || isRecordId(value) || value instanceof Uuid;
}

/** Whether a row to insert says its id. An `id` that is undefined is none to the server. */
export function hasId(row: unknown): boolean {
  return typeof row === 'object' && row !== null && (row as { id?: unknown }).id !== undefined;
}

/** Names of fields without anything that is called in them. */
function isPlain(fields: unknown): boolean {
  const list = Array.isArray(fields) ? fields : [fields];
  return list.every((field) => typeof field === 'string' && !field.includes('('));
}
