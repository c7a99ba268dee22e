import { types } from 'node:util';
import { RecordId } from 'surrealdb';
import { UsageError } from '../errors/configuration.js';

/** More than any server accepts; a value that contains itself has no end. */
const deepest = 1_000;

/**
 * A copy of the parameters of a call, for callers whose calls are judged before they are sent: what is sent is what was
 * judged, whatever code changes the given objects while the call waits. Each property is read once, so that a getter
 * cannot answer twice. Objects of other classes cannot change what a call does to which record, and stay the same.
 * @throws UsageError for values nested too deep, and what a getter throws
 */
export function ownValues(bindings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return copyOfEntries(bindings, 0);
}

function copyOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > deepest) {
    throw new UsageError(`a parameter contains itself, or is nested deeper than ${deepest} levels`);
  }
  if (Array.isArray(value)) return value.map((one) => copyOf(one, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return copyOfEntries(value, depth + 1);
  if (prototype === RecordId.prototype) {
    const { table, id } = value as RecordId;
    return typeof id === 'object' ? new RecordId(table, copyOf(id, depth + 1) as typeof id) : value;
  }
  if (types.isMap(value)) return new Map([...value].map(([name, one]) => [name, copyOf(one, depth + 1)]));
  if (types.isSet(value)) return new Set([...value].map((one) => copyOf(one, depth + 1)));
  if (types.isUint8Array(value)) return value.slice();
  if (types.isDate(value)) return new Date(Number(value));
  return value;
}

function copyOfEntries(value: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, copyOf(one, depth)]));
}
