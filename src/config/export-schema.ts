import type { SqlExportOptions } from 'surrealdb';
import * as v from 'valibot';
import { closed } from './closed-object.js';
import { describe, Refusal } from './refusal.js';
import { flag, value } from './values.js';

const part = v.exactOptional(flag());
const tableNames: v.GenericSchema<boolean | string[]> = value((given) => {
  if (typeof given === 'boolean') return given;
  const isNames = Array.isArray(given) && given.every((name) => typeof name === 'string' && name !== '');
  return isNames ? [...given] : new Refusal('true, false or a list of names', describe(given));
});

const exportEntries = {
  ...{ users: part, accesses: part, params: part, functions: part, analyzers: part, apis: part, buckets: part },
  ...{ modules: part, configs: part, records: part, sequences: part, versions: part, v3: part },
  tables: v.exactOptional(tableNames),
};

/** What an export may be asked for. What is left out is in it, but for `versions` and `v3`. */
export const exportSchema: v.GenericSchema<Partial<SqlExportOptions>> = closed(exportEntries);

export const exportNames: readonly string[] = Object.keys(exportEntries);
