import { randomBytes } from 'node:crypto';
import { RecordId, StringRecordId, Table } from 'surrealdb';
import type { Call } from '../calls/call.js';
import { hasId } from '../surrealql/record-targets.js';
import type { SurrealText } from '../surrealql/surreal-text.js';
import type { Token } from '../surrealql/token.js';
import { EncodedBindings } from '../wire/recording-codec.js';

/** A call whose new records must get their ids from the server, and why. */
export class Unpinnable {
  constructor(readonly reason: string) {}
}

/** The parameters of a call as sent: calls of the builders get ids for new records. */
export function pinnedBindings(call: Call): Call['details']['bindings'] {
  const { bindings } = call.details;
  if (bindings instanceof EncodedBindings || !makesRecords.test(call.text)) return bindings;
  // Builders bind the table as a parameter.
  if (!Object.values(bindings).some((value) => value instanceof Table)) return bindings;
  const pinned = pinIds(call.surrealText, bindings);
  return pinned instanceof Unpinnable ? bindings : pinned;
}

const makesRecords = /^(?:CREATE|INSERT|RELATE)\b/i;

/**
 * Gives new records their ids here instead of on the server, so that a replay creates the same ones. The text is
 * unchanged: in calls of the builders (`create(table)`, `insert(table, rows)` and `relate(from, table, to)`) only a
 * bound value is replaced. The ids have the form of the server's own.
 */
export function pinIds({ tokens }: SurrealText, bindings: Bindings): Bindings | Unpinnable {
  const parameters = tokens.filter((token) => token.kind === 'parameter').map((token) => token.value);
  if (tokens.some((token) => token.text === ';') || new Set(parameters).size < parameters.length) {
    return new Unpinnable('only the calls of the builders can be given their ids beforehand');
  }
  switch (tokens[0]?.value) {
    case 'CREATE':
      return pinCreate(tokens, bindings);
    case 'INSERT':
      return pinInsert(tokens, bindings);
    case 'RELATE':
      return pinRelate(tokens, bindings);
    default:
      return new Unpinnable('no record it makes is named in it');
  }
}

type Bindings = Readonly<Record<string, unknown>>;

const hasOwnId = new Unpinnable('its content has an id of its own');

/** `CREATE $table CONTENT $data` */
function pinCreate(tokens: readonly Token[], bindings: Bindings): Bindings | Unpinnable {
  const [, target, clause, data] = withoutOnly(tokens);
  const table = tableOf(target, bindings);
  if (target === undefined || table === undefined) return new Unpinnable('what it creates is no table given as such');
  if (saysId(clause, data, bindings)) return hasOwnId;
  return { ...bindings, [target.value]: newId(table) };
}

/** `RELATE ONLY $from->$table->$to CONTENT $data` */
function pinRelate(tokens: readonly Token[], bindings: Bindings): Bindings | Unpinnable {
  const [, from, , edge, arrow, to, clause, data] = withoutOnly(tokens);
  const table = tableOf(edge, bindings);
  if (edge === undefined || table === undefined) return new Unpinnable('the edge is no table given as such');
  if (arrow?.text !== '->' || !isRecord(from, bindings) || !isRecord(to, bindings)) {
    return new Unpinnable('it relates more than one record with another');
  }
  if (saysId(clause, data, bindings)) return hasOwnId;
  return { ...bindings, [edge.value]: newId(table) };
}

/** `INSERT INTO $table $rows`: each row that has no id gets one. */
function pinInsert(tokens: readonly Token[], bindings: Bindings): Bindings | Unpinnable {
  const into = tokens.findIndex((token) => token.value === 'INTO');
  const table = tableOf(tokens[into + 1], bindings);
  const given = tokens[into + 2];
  if (into === -1 || table === undefined || given?.kind !== 'parameter') {
    return new Unpinnable('it is no insert of rows into a table given as such');
  }
  const rows = bindings[given.value];
  const list: unknown[] = Array.isArray(rows) ? rows : [rows];
  if (!list.every(isPlainObject)) return new Unpinnable('its rows are no plain objects');
  const pinned = list.map((row) => (hasId(row) ? row : { ...row, id: newId(table) }));
  return { ...bindings, [given.value]: Array.isArray(rows) ? pinned : pinned[0] };
}

function withoutOnly(tokens: readonly Token[]): readonly Token[] {
  return tokens.filter((token, index) => index !== 1 || token.value !== 'ONLY');
}

function tableOf(token: Token | undefined, bindings: Bindings): Table | undefined {
  const bound = token?.kind === 'parameter' ? bindings[token.value] : undefined;
  return bound instanceof Table ? bound : undefined;
}

function isRecord(token: Token | undefined, bindings: Bindings): boolean {
  const bound = token?.kind === 'parameter' ? bindings[token.value] : undefined;
  return bound instanceof RecordId || bound instanceof StringRecordId;
}

/** Whether the clause after the target may set another id. Only bound content and patches can be checked. */
function saysId(clause: Token | undefined, data: Token | undefined, bindings: Bindings): boolean {
  if (clause === undefined || ['RETURN', 'TIMEOUT'].includes(clause.value)) return false;
  if (data?.kind !== 'parameter') return true;
  const bound = bindings[data.value];
  if (clause.value === 'CONTENT') return !isPlainObject(bound) || 'id' in bound;
  if (clause.value !== 'PATCH' || !Array.isArray(bound)) return true;
  return bound.some(
    (operation: unknown) => !isPlainObject(operation) || /^\/?id(?:\/|$)|^$/.test(String(operation.path)),
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Twenty letters and digits, as the server generates them. */
function newId(table: Table): RecordId {
  let id = '';
  while (id.length < 20) {
    // Bytes from 252 on are skipped, so that all letters are equally likely.
    for (const byte of randomBytes(24)) if (byte < 252 && id.length < 20) id += alphabet[byte % 36];
  }
  return new RecordId(table.name, id);
}
