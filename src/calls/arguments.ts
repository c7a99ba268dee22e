import { BoundQuery, SurrealQueryable, Table } from 'surrealdb';
import { inheritedNames } from '../config/inherited-names.js';
import { describe } from '../config/refusal.js';
import { UsageError } from '../errors/configuration.js';

// What the types refuse is refused at run time too, before anything is sent: the server would read most of it as
// something else, and answer.

/**
 * Refuses anything but a function.
 * @param call the call as the caller should write it
 * @throws UsageError
 */
export function requireFunction(given: unknown, call: string): void {
  if (typeof given !== 'function') throw new UsageError(`${call} takes a function, and was given ${describe(given)}`);
}

/**
 * Refuses anything but a text.
 * @param call the call as the caller should write it
 * @throws UsageError
 */
export function requireText(given: unknown, call: string): void {
  if (typeof given !== 'string') throw new UsageError(`${call} takes a text, and was given ${describe(given)}`);
}

/** Checks the arguments of a method of the SDK: throws UsageError for the wrong kind. */
type Check = (parameters: readonly unknown[]) => void;

const targetOf =
  (method: string): Check =>
  ([what]) =>
    requireTarget(what, method);

const checks: Readonly<Record<string, Check>> = {
  query: ([text, bindings]) => requireQuery(text, bindings),
  select: targetOf('select'),
  create: targetOf('create'),
  update: targetOf('update'),
  upsert: targetOf('upsert'),
  delete: targetOf('delete'),
  live: targetOf('live'),
  insert: ([table, data]) => requireInsert(table, data),
  relate: ([from, edge, to]) => {
    for (const what of [from, edge, to]) requireTarget(what, 'relate');
  },
  run: ([name, second, third]) => requireRun(name, typeof second === 'string' ? third : second),
};

/** Refuses arguments that a method of the SDK would send as something else; other mistakes are left to the server. */
export function checkArguments(method: string, parameters: readonly unknown[]): void {
  checks[method]?.(parameters);
}

/** Makes the query methods of a class check their arguments. */
export function guardArguments(prototype: SurrealQueryable): void {
  for (const [name, check] of Object.entries(checks)) {
    if (Object.hasOwn(prototype, name)) continue;
    const make = Reflect.get(SurrealQueryable.prototype, name) as (...parameters: unknown[]) => unknown;
    Object.defineProperty(prototype, name, {
      value(this: SurrealQueryable, ...parameters: unknown[]): unknown {
        check(parameters);
        return make.apply(this, parameters);
      },
      configurable: true,
      writable: true,
    });
  }
}

function requireTarget(what: unknown, method: string): void {
  if (Array.isArray(what)) {
    const text: unknown = what.find((item) => typeof item === 'string');
    if (text !== undefined) refuseText(text, method);
    return;
  }
  if (typeof what === 'string') refuseText(what, method);
  const prototype: unknown = typeof what === 'object' && what !== null ? Object.getPrototypeOf(what) : undefined;
  if (prototype === undefined || prototype === null || prototype === Object.prototype || what instanceof Map) {
    throw new UsageError(
      `${method}() takes a Table, a RecordId or a RecordIdRange of surrealdb, and was given ${describe(what)}`,
    );
  }
}

/** Refuses a text in place of a table: `SELECT * FROM "person"` answers `["person"]`. */
function refuseText(given: unknown, method: string): never {
  const text = String(given);
  const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
  const meant = text.includes(':') ? `new StringRecordId(${shown})` : `new Table(${shown})`;
  throw new UsageError(`${method}() was given the text ${shown}, which names no table and no record: give it ${meant}`);
}

function requireInsert(table: unknown, data: unknown): void {
  if (table instanceof Table) {
    if (typeof data === 'object' && data !== null) return;
    throw new UsageError(`insert(table, data) takes an object or an array of them, and was given ${describe(data)}`);
  }
  if (typeof table === 'string') refuseText(table, 'insert');
  if (typeof table === 'object' && table !== null) return;
  throw new UsageError(`insert() takes a Table with data, or data with ids, and was given ${describe(table)}`);
}

function requireRun(name: unknown, parameters: unknown): void {
  if (typeof name !== 'string')
    throw new UsageError(`run() takes the name of a function, and was given ${describe(name)}`);
  if (parameters === undefined || Array.isArray(parameters)) return;
  throw new UsageError(`run(name, arguments) takes an array of arguments, and was given ${describe(parameters)}`);
}

function requireQuery(text: unknown, bindings: unknown): void {
  if (typeof text !== 'string') {
    if (text instanceof BoundQuery) return;
    throw new UsageError(`query() takes a text or a BoundQuery, and was given ${describe(text)}`);
  }
  if (bindings === undefined || bindings === null) return;
  if (typeof bindings !== 'object' || Array.isArray(bindings) || bindings instanceof Map) {
    throw new UsageError(
      `query(text, parameters) takes an object of parameters, such as { name: "Ada" } for $name, and was given ${describe(bindings)}`,
    );
  }
  for (const name in bindings) if (name.charCodeAt(0) === dollar) refuseDollar(name);
  if (Object.getPrototypeOf(bindings) !== Object.prototype) refuseInherited(bindings);
}

/** An object of a class that has all its content in getters would be sent as no parameters. */
function refuseInherited(bindings: object): void {
  const [name] = inheritedNames(bindings);
  if (name === undefined || Object.keys(bindings).length > 0) return;
  throw new UsageError(
    `the parameters of a query have no names of their own: ${JSON.stringify(name)} is one of their class and would not be sent; give a plain object`,
  );
}

const dollar = '$'.charCodeAt(0);

/** Refuses a leading dollar: the server would take it as part of the name, and find no such variable. */
export function refuseDollar(name: string): never {
  const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
  throw new UsageError(
    `a parameter is given by its name without the dollar: ${JSON.stringify(shown.slice(1))} for ${shown}`,
  );
}
