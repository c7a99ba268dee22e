import { createHash } from 'node:crypto';
import { StrictCodec } from '../wire/sendable.js';

const codec = new StrictCodec();

/**
 * The SHA-256 of a text and its parameters, so that equal calls have equal hashes whatever the order of their
 * parameters: of the CBOR of `[text, [[name, value], …]]`, sorted by name, and so within objects. The SDK numbers the
 * parameters of its builders anew for each query; here they count from 0 in each.
 */
export function hashOfCall(text: string, bindings: Readonly<Record<string, unknown>>): Buffer {
  const names = new Map<string, string>();
  const renamed = text.replace(/\$bind__\d+/g, (found) => {
    const name = names.get(found) ?? `$bind__${names.size}`;
    names.set(found, name);
    return name;
  });
  const entries = Object.entries(bindings).map(
    ([name, value]) => [names.get(`$${name}`)?.slice(1) ?? name, canonical(value)] as const,
  );
  return createHash('sha256')
    .update(codec.encode([renamed, sorted(entries)]))
    .digest();
}

/** The hash of several calls in their order, in hexadecimal digits: the SHA-256 of their hashes one after the other. */
export function hashOfCalls(hashes: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const one of hashes) hash.update(one);
  return hash.digest('hex');
}

/** A value with the entries of plain objects as sorted pairs; other values as the codec writes them. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return { entries: sorted(Object.entries(value).map(([name, inner]) => [name, canonical(inner)] as const)) };
}

function sorted(entries: readonly (readonly [string, unknown])[]): (readonly [string, unknown])[] {
  return [...entries].sort(([one], [other]) => (one < other ? -1 : Number(one > other)));
}
