import * as v from 'valibot';
import { Refusal, readRecord } from './refusal.js';
import { value } from './values.js';

/** The placeholder for what is allowed under an unknown key; the caller's form replaces it with a suggestion. */
export const unknownOption = 'a known option';

/** The keys that valibot skips, since they can reach the prototype of an object. */
const forbiddenKeys = ['__proto__', 'constructor', 'prototype'];

/** What a schema of these entries infers. */
export type Closed<Entries extends v.ObjectEntries> = v.ObjectSchema<Entries, undefined>;

/** An object with these keys and no others. A missing key is reported in the words of its own schema. */
export function closed<Entries extends v.ObjectEntries>(
  entries: Entries,
  allowed?: string,
): v.GenericSchema<v.InferInput<Closed<Entries>>, v.InferOutput<Closed<Entries>>> {
  const required = Object.keys(entries).filter((key) => !entries[key]?.type.endsWith('optional'));
  const missing = Object.fromEntries(required.map((key) => [key, undefined]));
  const record = value<v.InferInput<Closed<Entries>>, Record<string, unknown>>((given) => {
    const read = readRecord(given, allowed);
    if (read instanceof Refusal) return read;
    const forbidden = forbiddenKeys.find((key) => Object.hasOwn(read, key));
    if (forbidden !== undefined) return new Refusal('known options', `a key named ${forbidden}`);
    return { ...missing, ...read };
  });
  const unknownKey = value<unknown>(() => new Refusal(unknownOption, 'an unknown option'));
  const object = v.objectWithRest(entries, unknownKey) as unknown as v.GenericSchema<
    Record<string, unknown>,
    v.InferOutput<Closed<Entries>>
  >;
  return v.pipe(record, object);
}

/** Refuses a `low` above its `high`, unless one of them, or the object, was already refused. */
export function ordered<Output extends object>(
  low: keyof Output & string,
  high: keyof Output & string,
  unit = '',
): v.RawCheckAction<Output> {
  return v.rawCheck<Output>(({ dataset, addIssue }) => {
    const refused = dataset.issues?.map((issue) => issue.path?.[0]?.key) ?? [];
    if ([low, high, undefined].some((key) => refused.includes(key))) return;
    const output = dataset.value as Record<string, unknown>;
    const { [low]: lowest, [high]: highest } = output;
    if (typeof lowest !== 'number' || typeof highest !== 'number' || lowest <= highest) return;
    addIssue({
      expected: `at most ${high}, which is ${highest}${unit}`,
      received: `${lowest}${unit}`,
      path: [{ type: 'object', origin: 'value', input: output, key: low, value: lowest }],
    });
  });
}
