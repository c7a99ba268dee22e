import { DateTime, Decimal, Duration, RecordId, Table, Uuid } from 'surrealdb';

/** What a program was told, or what is stored at its end, as text. */
export interface Entry {
  readonly what: string;
  readonly text: string;
  /** How many rollbacks to savepoints came before it. */
  readonly epoch: number;
}

/** All that one run of a program has given. */
export interface Transcript {
  readonly entries: readonly Entry[];
  /** Moments that others than the program wrote, by text, with a name that is the same in every run. */
  readonly foreign: ReadonlyMap<string, string>;
}

// What the server or the pool makes up: moments, uuids, ids of records, and the random texts of the schema. Those that
// programs give themselves are of 2001, or begin with zeros.
const madeUp =
  /(?<moment>20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)|(?<uuid>(?!00000000)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})|(?<text>rnd_\w{12})|(?<=[a-z]:)(?<id>[a-z0-9]{20})\b/g;

/** The same whatever was made up. */
export function blanked(text: string): string {
  return text.replace(madeUp, '?');
}

/** A value as text: two that the server holds for different never give the same. */
export function textOf(value: unknown): string {
  if (value === undefined) return 'NONE';
  if (value === null) return 'NULL';
  if (Object.is(value, -0)) return '-0f';
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}` : `${value}f`;
  if (typeof value === 'bigint') return `${value}`;
  if (typeof value !== 'object') return JSON.stringify(value);
  if (value instanceof DateTime) return `d'${momentText(value.toString())}'`;
  if (value instanceof Date) return `date'${value.toISOString()}'`;
  if (value instanceof RecordId) return `${value.table.name}:${keyOf(value.id)}`;
  if (value instanceof Uuid) return `u'${value.toString()}'`;
  if (value instanceof Decimal) return `${value.toString()}dec`;
  if (value instanceof Duration) return `${value.toString()}`;
  if (value instanceof Table) return `table ${value.name}`;
  if (value instanceof ArrayBuffer) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (ArrayBuffer.isView(value)) {
    return `bytes ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  }
  if (value instanceof Set) return `{${[...value].map(textOf).sort().join(', ')}}`;
  if (Array.isArray(value)) return arrayText(value);
  if (isPatchOfRandomText(value)) return `{ a patch of ${value.path} }`;
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}: ${textOf(Object.getOwnPropertyDescriptor(value, key)?.value)}`);
  return `{ ${entries.join(', ')} }`;
}

/** What `RETURN DIFF` tells of a random text: as long as the two happen to have letters in common. */
function isPatchOfRandomText(value: object): value is { path: string } {
  const { op, path } = value as { op?: unknown; path?: unknown };
  return op === 'change' && typeof path === 'string' && /^\/(?:etag|secret|token)$/.test(path);
}

function keyOf(id: unknown): string {
  return typeof id === 'string' && /^[a-z0-9]+$/.test(id) ? id : textOf(id);
}

/** Records come in the order of their ids, which may be random: their order says nothing then. */
function arrayText(items: readonly unknown[]): string {
  const texts = items.map(textOf);
  const areRecords = items.every(
    (item) => item instanceof RecordId || (typeof item === 'object' && item !== null && 'id' in item),
  );
  return `[${(areRecords ? inOrder(texts) : texts).join(', ')}]`;
}

/** In the same order whatever was made up. */
export function inOrder(texts: readonly string[]): string[] {
  return [...texts].sort((one, other) => {
    const [left, right] = [blanked(one), blanked(other)];
    return left < right ? -1 : left > right ? 1 : one < other ? -1 : 1;
  });
}

/** A text in which a moment is always written in the same way: with the digits it needs. */
export function momentText(text: string): string {
  return text.replace(/(?<=T\d\d:\d\d:\d\d)(?<digits>\.\d*?)0*(?=Z)/g, (_, digits: string) =>
    digits === '.' ? '' : digits,
  );
}

/** All moments in a text, in their order. */
export function momentsIn(text: string): string[] {
  return [...text.matchAll(madeUp)].flatMap((match) => match.groups?.moment ?? []);
}

/**
 * Whether two runs of a program gave the same, and how they differ otherwise.
 *
 * What was made up may be another in each run, but the same one has to be the same wherever it occurs: in all answers
 * and all records. A moment that the server made for this program may be another one after a rollback to a savepoint,
 * so it has to be the same between two rollbacks only. A moment that others wrote has to be the same everywhere.
 */
export function difference(one: Transcript, other: Transcript): string | undefined {
  const pairs = new Map<string, string>();
  for (let at = 0; at < Math.max(one.entries.length, other.entries.length); at++) {
    const [left, right] = [one.entries[at], other.entries[at]];
    if (left === undefined || right === undefined || left.what !== right.what) {
      return `the one goes on with ${left?.what ?? 'nothing'}, the other with ${right?.what ?? 'nothing'}`;
    }
    const shown = `\n  with rollbacks:    ${left.text}\n  without the parts: ${right.text}`;
    if (blanked(left.text) !== blanked(right.text)) return `${left.what} differs${shown}`;
    const [lefts, rights] = [[...left.text.matchAll(madeUp)], [...right.text.matchAll(madeUp)]];
    for (const [index, match] of lefts.entries()) {
      const [mine, yours] = [match[0], rights[index]?.[0] ?? ''];
      const [myName, yourName] = [one.foreign.get(mine), other.foreign.get(yours)];
      if (myName !== yourName) {
        return `${left.what}: ${mine} is ${myName ?? 'no moment of others'}, ${yours} is ${yourName ?? 'none'}${shown}`;
      }
      const isOwnMoment = match.groups?.moment !== undefined && myName === undefined;
      const where = isOwnMoment ? left.epoch : 'everywhere';
      if (!paired(pairs, `${where} > ${mine}`, yours) || !paired(pairs, `${where} < ${yours}`, mine)) {
        return `${left.what}: ${mine} and ${yours} are not the same ones as before${shown}`;
      }
    }
  }
  return undefined;
}

function paired(pairs: Map<string, string>, key: string, value: string): boolean {
  const before = pairs.get(key) ?? value;
  pairs.set(key, before);
  return before === value;
}
