import { RecordId, StringRecordId, Uuid } from 'surrealdb';
import type { BoundValues } from './bound-values.js';
import type { Token } from './token.js';
import { closers, openers, type TokenContext } from './token-context.js';
import { newIdReason, Verdict } from './verdict.js';

/**
 * Requires that a statement that creates records names them: otherwise the server chooses new ids each time. Each
 * method throws a verdict if it does not.
 */
export class RecordTargets {
  readonly #context: TokenContext;
  readonly #bound: BoundValues;

  constructor(context: TokenContext, bound: BoundValues) {
    this.#context = context;
    this.#bound = bound;
  }

  /** `CREATE a:1, $b, type::record('c', 3)`: each target must name its record. */
  require(keyword: 'CREATE' | 'UPSERT', statement: number): void {
    let at = statement + 1;
    if (this.#context.isWord(at, 'ONLY')) at++;
    for (;;) {
      const end = this.#recordId(at, keyword);
      this.#endsTarget(end, keyword);
      if (!this.#context.is(end, ',')) return;
      at = end + 1;
    }
  }

  /** `RELATE a:1->edge:5->b:1`: the part between the arrows must name its record. */
  requireEdge(statement: number): void {
    for (let at = statement + 1; at < this.#context.tokens.length; at++) {
      const token = this.#context.at(at);
      if (token?.kind !== 'mark') continue;
      if (token.partner !== undefined && token.partner > at) at = token.partner;
      else if ('()[]{};'.includes(token.text)) break;
      else if (token.text === '->' || token.text === '<-') {
        const end = this.#recordId(at + 1, 'RELATE');
        if (this.#context.is(end, token.text)) return;
        break;
      }
    }
    throw this.#noId('RELATE', statement + 1);
  }

  /** `INSERT INTO a { id: 1 }`, `INSERT $rows`: each row must have its id. */
  requireRows(statement: number): void {
    const context = this.#context;
    let at = statement + 1;
    while (context.isWord(at, 'RELATION') || context.isWord(at, 'IGNORE')) at++;
    if (context.isWord(at, 'INTO')) at += 2;
    context.beginsContent(at);
    const first = context.at(at);
    let end = at + 1;
    if (first?.kind === 'parameter') {
      const bound = this.#bound.of(first);
      const rows: unknown[] = Array.isArray(bound) ? bound : [bound];
      if (!rows.every(hasId)) throw this.#noId('INSERT', at);
    } else if (first?.text === '{') {
      end = this.#row(at);
    } else if (first?.text === '[') {
      end = this.#row(at + 1);
      while (context.is(end, ',') && context.is(end + 1, '{')) end = this.#row(end + 1);
      if (context.is(end, ',')) end++;
      if (!context.is(end, ']')) throw this.#noId('INSERT', at);
      end++;
    } else throw this.#noId('INSERT', at);
    this.#endsTarget(end, 'INSERT');
  }

  /** After a target come its clauses or the end, nothing that would change its value. */
  #endsTarget(at: number, keyword: string): void {
    const next = this.#context.at(at);
    if (next === undefined || [';', ')', ']', '}', ','].includes(next.text)) return;
    if (next.kind !== 'word' || !(openers.has(next.value) || closers.has(next.value))) throw this.#noId(keyword, at);
  }

  /** Where a value that can only be one named record ends. */
  #recordId(at: number, keyword: string): number {
    const [first, second, third] = this.#context.tokens.slice(at, at + 3);
    if (first?.kind === 'parameter') {
      const bound = this.#bound.of(first);
      if (isRecordId(bound)) return at + 1;
      if (Array.isArray(bound) && bound.length > 0 && bound.every(isRecordId)) return at + 1;
    }
    if (first?.kind === 'string' && first.text.startsWith('r')) return at + 1;
    if ((first?.kind === 'word' || first?.kind === 'name') && second?.text === ':') {
      // The content of brackets is checked later, like every other value.
      if (third?.text === '[' || third?.text === '{') return this.#behindBracket(at + 2, keyword);
      return at + (third?.text === '-' ? 4 : 3);
    }
    if (
      first?.value === 'TYPE' &&
      second?.text === '::' &&
      third?.value === 'RECORD' &&
      this.#context.is(at + 3, '(')
    ) {
      return this.#behindBracket(at + 3, keyword);
    }
    throw this.#noId(keyword, at);
  }

  /**
   * The token after the bracket that closes the one at `open`. A RETURN between them would leave the whole target and
   * replace it: `type::record('a', { RETURN b })` is the table b.
   */
  #behindBracket(open: number, keyword: string): number {
    const close = this.#context.at(open)?.partner ?? -1;
    const inside = this.#context.tokens.slice(open, close);
    if (close < open || inside.some(({ kind, value }) => kind === 'word' && value === 'RETURN')) {
      throw this.#noId(keyword, open);
    }
    return close + 1;
  }

  /** A literal row: it must have exactly one `id` among its own keys, with a value that certainly exists. */
  #row(open: number): number {
    const context = this.#context;
    if (!context.is(open, '{')) throw this.#noId('INSERT', open);
    const close = this.#behindBracket(open, 'INSERT') - 1;
    let ids = 0;
    for (let at = open + 1; at < close; at++) {
      const [key, colon, value, after] = context.tokens.slice(at, at + 4);
      if (key === undefined || key.kind === 'mark' || colon?.text !== ':') throw this.#noId('INSERT', at);
      if (/^["'`⟨]?id["'`⟩]?$/.test(key.text)) {
        ids++;
        const whole = after?.text === ':' && (value?.kind === 'word' || value?.kind === 'name');
        if (!whole && !this.#isGiven(value)) throw this.#noId('INSERT', at);
        const behind = context.at(at + (whole ? 5 : 3))?.text;
        if (behind !== ',' && behind !== '}') throw this.#noId('INSERT', at);
      } else if (/\\|^[a-z]['"]/.test(key.text)) throw this.#noId('INSERT', at);
      at = this.#endOfEntry(at + 2, close);
    }
    if (ids !== 1) throw this.#noId('INSERT', open);
    return close + 1;
  }

  #isGiven(value: Token | undefined): boolean {
    if (value?.kind === 'parameter') return isId(this.#bound.of(value));
    return value?.kind === 'number' || value?.kind === 'string';
  }

  #endOfEntry(from: number, close: number): number {
    for (let at = from; at < close; at++) {
      const token = this.#context.at(at);
      if (token?.kind !== 'mark') continue;
      if (token.partner !== undefined && token.partner > at) at = token.partner;
      else if (token.text === ',') return at;
    }
    return close;
  }

  #noId(keyword: string, at: number): Verdict {
    const target = this.#context.at(at)?.text ?? '';
    return new Verdict('impure', `${keyword} ${target}`.trim(), newIdReason);
  }
}

export function isRecordId(value: unknown): value is RecordId | StringRecordId {
  return value instanceof RecordId || value instanceof StringRecordId;
}

/** A value that is an id, whole or without its table. */
function isId(value: unknown): boolean {
  return ['string', 'number', 'bigint'].includes(typeof value) || isRecordId(value) || value instanceof Uuid;
}

/** Whether a row to insert has an id. The server ignores an `id` that is undefined. */
export function hasId(row: unknown): boolean {
  return typeof row === 'object' && row !== null && (row as { id?: unknown }).id !== undefined;
}
