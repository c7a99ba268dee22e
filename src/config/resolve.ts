import { type Form, read, refused } from './form.js';
import type { Credentials, CredentialsProvider, ResolvedConfig } from './options.js';
import { Refusal, readRecord } from './refusal.js';
import { credentialsSchema, databaseConfigSchema, optionPaths, urlConfigSchema } from './schema.js';

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

/**
 * Checks and completes a configuration in the short form.
 *
 * @throws ConfigurationError with every problem it has
 */
export function resolveOptions(url: unknown, options: unknown): ResolvedConfig {
  const record = readRecord(options, 'an object with at least namespace and database');
  if (record instanceof Refusal) throw refused(shortForm.title, [{ path: 'options', ...record }]);
  const { namespace, database, credentials, logger, ...poolConfig } = record;
  const config = { connectionMode: url, namespace, database, credentials, logger, poolConfig };
  return read(urlConfigSchema, config, shortForm);
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
