import { RecordId, StringRecordId, Table } from 'surrealdb';
import { BoundValues } from './bound-values.js';
import { isRecordId } from './record-targets.js';
import type { SurrealText } from './surreal-text.js';
import type { Token } from './token.js';
import { TokenContext } from './token-context.js';
import { tokenize } from './tokens.js';

/**
 * The records a text writes by name, each as `table:key`: targets of CREATE, UPSERT, UPDATE and DELETE, edges of
 * RELATE, rows of INSERT with an id. Records found by a condition, created by the server, or named in another way are
 * not included.
 */
export function writtenRecords(text: SurrealText, bindings: Readonly<Record<string, unknown>>): string[] {
  const search = new Search(text.tokens, new BoundValues(text.tokens, bindings));
  return [...search.found];
}

class Search {
  readonly found = new Set<string>();
  readonly #context: TokenContext;
  readonly #bound: BoundValues;

  constructor(tokens: readonly Token[], bound: BoundValues) {
    this.#context = new TokenContext(tokens);
    this.#bound = bound;
    tokens.forEach(({ kind, value }, at) => {
      if (kind !== 'word' || this.#context.isMember(at) || this.#context.isKey(at)) return;
      if (value === 'CREATE' || value === 'UPSERT' || value === 'UPDATE' || value === 'DELETE') this.#targets(at + 1);
      else if (value === 'RELATE') this.#edges(at + 1);
      else if (value === 'INSERT') this.#rows(at + 1);
    });
  }

  #targets(from: number): void {
    let at = from;
    while (this.#context.isWord(at, 'ONLY') || this.#context.isWord(at, 'FROM')) at++;
    for (let end = this.#record(at); end !== -1; end = this.#record(at)) {
      if (!this.#context.is(end, ',')) return;
      at = end + 1;
    }
  }

  #edges(from: number): void {
    for (let at = from; at < this.#context.tokens.length; at++) {
      const token = this.#context.at(at);
      if (token?.kind !== 'mark') continue;
      if (token.text === '->' || token.text === '<-') {
        this.#record(at + 1);
        return;
      }
      if (token.partner !== undefined && token.partner > at) at = token.partner;
      else if (token.text === ';') return;
    }
  }

  #rows(from: number): void {
    const context = this.#context;
    let at = from;
    while (context.isWord(at, 'RELATION') || context.isWord(at, 'IGNORE')) at++;
    let table: string | undefined;
    if (context.isWord(at, 'INTO')) {
      table = this.#table(context.at(at + 1));
      at += 2;
    }
    const content = context.at(at);
    if (content?.kind === 'parameter') {
      const bound = this.#bound.of(content);
      for (const row of Array.isArray(bound) ? (bound as unknown[]) : [bound]) this.#row(row, table);
      return;
    }
    const end = content?.partner ?? at;
    const depth = content?.text === '[' ? 2 : 1;
    let open = 0;
    for (let inside = at; inside < end; inside++) {
      const { text = '', kind } = context.at(inside) ?? {};
      if (kind === 'mark' && '([{'.includes(text)) open++;
      else if (kind === 'mark' && ')]}'.includes(text)) open--;
      else if (open === depth && /^["'`⟨]?id["'`⟩]?$/.test(text) && context.is(inside + 1, ':')) {
        this.#rowId(inside + 2, table);
      }
    }
  }

  #row(row: unknown, table: string | undefined): void {
    if (typeof row !== 'object' || row === null || !('id' in row)) return;
    this.#key(row.id, table);
  }

  #rowId(at: number, table: string | undefined): void {
    if (this.#record(at) !== -1) return;
    const token = this.#context.at(at);
    if (token?.kind === 'parameter') this.#key(this.#bound.of(token), table);
    else if (token?.kind === 'string' && !token.text.includes('\\')) this.#key(token.text.slice(1, -1), table);
    else if (token?.kind === 'number' && /^\d+$/.test(token.text)) this.#key(numberOf(token.text), table);
  }

  #key(key: unknown, table: string | undefined): void {
    if (isRecordId(key)) this.#add(key);
    else if (table !== undefined && (typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint')) {
      this.#add(new RecordId(table, key));
    }
  }

  /** Notes the record named there and returns where its name ends; -1 when none is named. */
  #record(at: number): number {
    const [table, colon, key] = this.#context.tokens.slice(at, at + 3);
    if (table?.kind === 'parameter') {
      const bound = this.#bound.of(table);
      const records: unknown[] = Array.isArray(bound) ? bound : [bound];
      records.filter(isRecordId).forEach((record) => {
        this.#add(record);
      });
      return at + 1;
    }
    if (table?.kind === 'string' && /^r["'][^\\]*$/.test(table.text)) {
      this.#add(new StringRecordId(table.text.slice(2, -1)));
      return at + 1;
    }
    if (colon?.text !== ':' || (table?.kind !== 'word' && table?.kind !== 'name')) return -1;
    const id = literalId(table, key, this.#context.at(at + 3));
    if (id !== undefined) this.#add(id);
    return id === undefined ? -1 : at + (key?.text === '-' ? 4 : 3);
  }

  #add(id: RecordId | StringRecordId): void {
    const written = id instanceof StringRecordId ? id.toString() : undefined;
    if (written === undefined) {
      this.found.add(id.toString());
      return;
    }
    // One record can be written in several ways, so it is parsed to get one form.
    const [table, colon, key, more] = tokenize(written);
    const simple = colon?.text === ':' && table !== undefined ? literalId(table, key, more) : undefined;
    this.found.add((simple ?? id).toString());
  }

  #table(token: Token | undefined): string | undefined {
    if (token?.kind === 'parameter') {
      const bound = this.#bound.of(token);
      return bound instanceof Table ? bound.name : undefined;
    }
    return token === undefined ? undefined : nameOf(token);
  }
}

/** A record id written with a plain key. */
function literalId(table: Token, key: Token | undefined, behind: Token | undefined): RecordId | undefined {
  const name = nameOf(table);
  if (name === undefined || key === undefined) return undefined;
  if (key.text === '-' && behind !== undefined && /^\d+$/.test(behind.text)) {
    return new RecordId(name, numberOf(`-${behind.text}`));
  }
  if (behind?.text === '(') return undefined;
  if (key.kind === 'number' && /^\d+$/.test(key.text)) return new RecordId(name, numberOf(key.text));
  const text = key.kind === 'number' ? key.text : nameOf(key);
  return text === undefined || /[.\\]/.test(key.text) ? undefined : new RecordId(name, text);
}

function nameOf(token: Token): string | undefined {
  if (token.kind === 'word') return token.text;
  return token.kind === 'name' && !token.text.includes('\\') ? token.value : undefined;
}

function numberOf(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}
