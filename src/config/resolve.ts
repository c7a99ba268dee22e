import type { SqlExportOptions } from 'surrealdb';
import { exportNames, exportSchema } from './export-schema.js';
import { type Form, read, refused } from './form.js';
import type { Credentials, CredentialsProvider, IdentityOptions } from './identity-options.js';
import { credentialsSchema, identitySchema } from './identity-schema.js';
import type { ResolvedConfig } from './options.js';
import { describe, Refusal, readRecord } from './refusal.js';
import { commonNames, databaseConfigSchema, optionPaths, urlConfigSchema } from './schema.js';

/** The long form: one object, as it stands. */
export const longForm: Form = {
  title: 'The configuration',
  name: (path) => (path === '' ? 'config' : path),
  names: optionPaths,
  hints: new Map([['url', "connectionMode, such as { type: 'local', endpoint: 'ws://<host>:<port>' }"]]),
};

/** The short form: an address and options; the pool's options stand beside the others instead of in `poolConfig`. */
const shortForm: Form = {
  title: 'The options of the pool',
  name: shortName,
  names: optionPaths.filter((path) => !/^(connectionMode|poolConfig$)/.test(path)).map(shortName),
  hints: new Map([
    ['poolConfig', 'its options right here, beside namespace and database'],
    ['connectionMode', 'the address as the first argument'],
    ['url', 'the address as the first argument'],
  ]),
};

/** What a function for credentials returned. */
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
const sharedNames: ReadonlySet<string> = new Set(commonNames.filter((name) => name !== 'poolConfig'));

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

const exportForm: Form = {
  title: 'What is to be exported',
  name: (path) => path || 'options',
  names: exportNames,
};

/**
 * Checks what an export is asked for: one that holds more than was meant may show it to others.
 *
 * @throws ConfigurationError with every problem it has
 */
export function resolveExport(options: unknown): Partial<SqlExportOptions> {
  return read(exportSchema, options, exportForm);
}

const identityNames = ['namespace', 'database', 'credentials', 'credentialsKey', 'variables'];

/** What one acquire asks for. */
const acquireForm: Form = {
  title: 'The identity of the connection',
  name: (path) => path,
  names: [...identityNames, ...optionPaths.filter((path) => path.startsWith('credentials.'))],
};

/**
 * Checks what an acquire says of the identity it wants; undefined when it says nothing. A name that is there and has no
 * value is refused: a user that was not found must not become the pool's own. Only `credentials: null` says something.
 *
 * @throws ConfigurationError with every problem it has
 */
export function resolveIdentity(options: IdentityOptions): IdentityOptions | undefined {
  // Asked at every acquire, and nearly always with this answer.
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
 * Asks the provider, if there is one, and checks what it answers.
 *
 * @throws ConfigurationError when the answer is no credentials; whatever the provider throws, as it is
 */
export async function resolveCredentials(
  source: Credentials | CredentialsProvider | null,
): Promise<Credentials | null> {
  if (typeof source !== 'function') return source;
  return read(credentialsSchema, await source(), answerForm);
}

/** The name in the short form of a path of the long one. */
export function shortName(path: string): string {
  return path === 'connectionMode' ? 'url' : path.replace(/^poolConfig\./, '');
}
