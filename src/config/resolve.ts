import type { SqlExportOptions } from 'surrealdb';
import type * as v from 'valibot';
import type { Target } from './endpoint-options.js';
import { endpointNames, listItemSchema, listSchema } from './endpoint-schema.js';
import { exportNames, exportSchema } from './export-schema.js';
import { type Form, read, refused } from './form.js';
import type { Credentials, CredentialsProvider, IdentityOptions } from './identity-options.js';
import { credentialsSchema, identitySchema } from './identity-schema.js';
import type { ResolvedConfig } from './options.js';
import { describe, Refusal, readRecord } from './refusal.js';
import { commonNames, databaseConfigSchema, optionPaths, urlConfigSchema } from './schema.js';

/** The long form: one object. */
export const longForm: Form = {
  title: 'The configuration',
  name: (path) => (path === '' ? 'config' : path),
  names: optionPaths,
  hints: new Map([['url', "connectionMode, such as { type: 'local', endpoint: 'ws://<host>:<port>' }"]]),
};

/** The short form: an address and options; the pool's options are beside the others instead of in `poolConfig`. */
const shortForm: Form = {
  title: 'The options of the pool',
  name: shortName,
  names: [
    'loadBalancing',
    ...optionPaths.filter((path) => !/^(connectionMode|poolConfig$)/.test(path)).map(shortName),
    ...endpointNames.map((name) => `url.${name}`),
  ],
  hints: new Map([
    ['poolConfig', 'its options right here, beside namespace and database'],
    ['connectionMode', 'the address, or several, as the first argument'],
    ['endpoints', 'the addresses as the first argument'],
    ['url', 'the address as the first argument'],
  ]),
};

/** The form of credentials returned by a function. */
const answerForm: Form = {
  title: 'What the credentials function returned',
  name: (path) => (path === '' ? 'credentials()' : `credentials().${path}`),
  names: optionPaths
    .filter((path) => path.startsWith('credentials.'))
    .map((path) => path.replace('credentials.', 'credentials().')),
};

/**
 * Checks and completes a configuration in the long form.
 *
 * @throws ConfigurationError with every problem it has
 */
export function resolveConfig(config: unknown): ResolvedConfig {
  return read(databaseConfigSchema, config, longForm);
}

/** In the short form all other options are the pool's. */
const sharedNames: ReadonlySet<string> = new Set([
  'loadBalancing',
  ...commonNames.filter((name) => name !== 'poolConfig'),
]);

/**
 * Checks and completes a configuration in the short form.
 *
 * @throws ConfigurationError with every problem it has
 */
export function resolveOptions(url: unknown, options: unknown): ResolvedConfig {
  const record = readRecord(options, 'an object with at least namespace and database');
  if (record instanceof Refusal) throw refused(shortForm.title, [{ path: 'options', ...record }]);
  const entries = Object.entries(record);
  const config = Object.fromEntries(entries.filter(([name]) => sharedNames.has(name)));
  const poolConfig = Object.fromEntries(entries.filter(([name]) => !sharedNames.has(name)));
  return read(urlConfigSchema, { ...config, connectionMode: url, poolConfig }, shortForm);
}

/**
 * Checks servers that were found while the pool runs, as the list of a configuration.
 *
 * @param title what they are, in words: `What discover() returned`
 * @param path what they are called in the error
 * @throws ConfigurationError with every problem of the list
 */
export function resolveEndpoints(list: unknown, title: string, path: string): readonly Target[] {
  const form = { title, name: (below: string) => (below === '' ? path : `${path}.${below}`) };
  return read(listSchema, list, { ...form, names: endpointNames.map(form.name) });
}

const endpointForm: Form = {
  title: 'The server',
  name: (path) => path || 'endpoint',
  names: ['url', 'weight', 'zone', 'priority'],
};

/**
 * Checks and completes one server of several.
 *
 * @throws ConfigurationError with every problem it has
 */
export function resolveEndpoint(endpoint: unknown): Target {
  return read(listItemSchema as v.GenericSchema<unknown, Target>, endpoint, endpointForm);
}

const exportForm: Form = {
  title: 'What is to be exported',
  name: (path) => path || 'options',
  names: exportNames,
};

/**
 * Checks the options of an export: an export with more than the caller meant may show it to others.
 *
 * @throws ConfigurationError with every problem it has
 */
export function resolveExport(options: unknown): Partial<SqlExportOptions> {
  return read(exportSchema, options, exportForm);
}

const identityNames = ['namespace', 'database', 'credentials', 'credentialsKey', 'variables'];

/** The form of an acquire's identity. */
const acquireForm: Form = {
  title: 'The identity of the connection',
  name: (path) => path,
  names: [...identityNames, ...optionPaths.filter((path) => path.startsWith('credentials.'))],
};

/**
 * Checks the identity options of an acquire; undefined when there are none. An option that is present but undefined is
 * refused: it usually means that a lookup failed, and the call must not run as the pool's own user. `credentials: null`
 * is allowed: an anonymous session.
 *
 * @throws ConfigurationError with every problem it has
 */
export function resolveIdentity(options: IdentityOptions): IdentityOptions | undefined {
  // Fast path: runs at every acquire, nearly always with this result.
  if (!identityNames.some((name) => name in options)) return undefined;
  const given = identityNames.filter((name) => name in options);
  const identity = Object.fromEntries(given.map((name) => [name, Reflect.get(options, name)]));
  const empty = given.filter(
    (name) => identity[name] === undefined || (identity[name] === null && name !== 'credentials'),
  );
  if (empty.length > 0) {
    const allowed = "a value, or to leave it out for the pool's own";
    throw refused(
      acquireForm.title,
      empty.map((path) => ({ path, given: describe(identity[path]), allowed })),
    );
  }
  return read(identitySchema, identity, acquireForm);
}

/**
 * Calls the credentials function, if there is one, and checks its result.
 *
 * @throws ConfigurationError when the result is no credentials; errors of the function unchanged
 */
export async function resolveCredentials(
  source: Credentials | CredentialsProvider | null,
): Promise<Credentials | null> {
  if (typeof source !== 'function') return source;
  return read(credentialsSchema, await source(), answerForm);
}

/** The short-form name of a long-form path. */
export function shortName(path: string): string {
  return path.replace(/^connectionMode(?=\.|$)/, 'url').replace(/^poolConfig\./, '');
}
