import { readFile } from 'node:fs/promises';
import type { ConfigurationIssue } from '../errors.js';
import { type Form, read, refused, unknownName } from './form.js';
import { findJsonError } from './json-error.js';
import type { ConnectionMode, DatabaseConfig, ResolvedConfig } from './options.js';
import { longForm } from './resolve.js';
import { databaseConfigSchema, poolOptionPaths, urlConfigSchema } from './schema.js';

/**
 * Reads a configuration in the long form from a JSON file. Functions and a logger cannot stand in a file; add them
 * to the result: `{ ...(await configFromFile('pool.json')), logger }`.
 *
 * @throws ConfigurationError when the file cannot be read, is not JSON or holds something that is not allowed
 */
export async function configFromFile(path: string | URL): Promise<DatabaseConfig> {
  const title = `The file ${path}`;
  const config = parse(await readText(path, title), title);
  read(databaseConfigSchema, config, { ...longForm, title });
  return config as DatabaseConfig;
}

async function readText(path: string | URL, title: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
    const issue = { path: 'file', given: `a path that cannot be read${code}`, allowed: 'the path of a JSON file' };
    throw refused(title, [issue], cause);
  }
}

/** The parser's own message quotes the text around the error, which may be a password: it is replaced. */
function parse(text: string, title: string): unknown {
  const byteOrderMark = /^\uFEFF/;
  const json = text.replace(byteOrderMark, '');
  try {
    return JSON.parse(json);
  } catch {
    const { line, column } = findJsonError(json);
    const given = `something that is not JSON at line ${line}, column ${column}`;
    throw refused(title, [{ path: 'file', given, allowed: 'JSON, without comments and trailing commas' }]);
  }
}

const prefix = 'SURREAL_POOL_';

/** The name of every variable of the environment with the path, in the long form, of what it sets. */
export const environmentVariables: ReadonlyMap<string, string> = new Map(
  [
    'connectionMode',
    'namespace',
    'database',
    'credentials.username',
    'credentials.password',
    'credentials.token',
    ...poolOptionPaths,
  ].map((path) => [variableOf(path), path]),
);

const environmentForm: Form = {
  title: 'The environment',
  name: variableOf,
  names: [...environmentVariables.keys()],
};

/**
 * Reads a configuration from variables such as `SURREAL_POOL_URL` and `SURREAL_POOL_MAX_CONNECTIONS`. A variable
 * that is empty counts as not set; one that begins with `SURREAL_POOL_` and is not known is an error.
 *
 * @param environment where to read from; default `process.env`
 * @throws ConfigurationError that names the variables with a problem
 */
export function configFromEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): DatabaseConfig {
  const unknownVariables: ConfigurationIssue[] = [];
  const sections: Record<'' | 'credentials' | 'poolConfig' | 'poolConfig.retryPolicy', Record<string, unknown>> 
  return {};
}
