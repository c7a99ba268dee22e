import { readFile } from 'node:fs/promises';
import { isError } from '../errors/is-error.js';
import { type Form, read, refused } from './form.js';
import { findJsonError } from './json-error.js';
import { environmentPrefix } from './nearest.js';
import type { ConnectionMode, DatabaseConfig, ResolvedConfig } from './options.js';
import { poolOptionPaths } from './pool-schema.js';
import { longForm, shortName } from './resolve.js';
import { databaseConfigSchema, urlConfigSchema } from './schema.js';

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
  // Checked just now, and returned as it was written, so that the caller can still change or add to it.
  return config as DatabaseConfig;
}

async function readText(path: string | URL, title: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = isError(cause) && 'code' in cause ? ` (${cause.code})` : '';
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

/** The name of every variable of the environment with the path, in the long form, of what it sets. */
export const environmentVariables: ReadonlyMap<string, string> = new Map(
  [
    'connectionMode',
    'namespace',
    'database',
    'name',
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
 * that is empty counts as not set; one that begins with `SURREAL_POOL_` and is not known is an error, except for those
 * that Kubernetes makes for a service named `surreal-pool` (`SURREAL_POOL_SERVICE_HOST` and the like), which are ignored.
 *
 * @param environment where to read from; default `process.env`
 * @throws ConfigurationError that names every variable with a problem
 */
export function configFromEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): DatabaseConfig {
  const config: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(environmentPrefix) || text === undefined || text === '') continue;
    if (isOfKubernetes(name, text)) continue;
    // An unknown variable keeps its name and is refused together with everything else, as an unknown option.
    const path = environmentVariables.get(name)?.split('.') ?? [name];
    put(config, path, path[0] === 'poolConfig' ? plainValue(text) : text);
  }
  const resolved = read(urlConfigSchema, config, environmentForm);
  return { ...(config as Omit<DatabaseConfig, 'connectionMode'>), connectionMode: connectionModeOf(resolved) };
}

/** What Kubernetes tells a pod of a service by variables, with a name that may begin as ours do. */
const madeByKubernetes =
  /_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

function isOfKubernetes(name: string, text: string): boolean {
  if (environmentVariables.has(name) || !madeByKubernetes.test(name)) return false;
  // A port of our own is not an option; with Kubernetes it is an address.
  return (
    !name.endsWith('_PORT') || /_(?:SERVICE|\d+_(?:TCP|UDP|SCTP))_PORT$/.test(name) || /^(?:tcp|udp|sctp):/.test(text)
  );
}

function variableOf(path: string): string {
  if (path.startsWith(environmentPrefix)) return path;
  // Only a mixture of credentials is reported as a whole, and in the environment the token is what makes it one.
  const name = path === 'credentials' ? 'token' : shortName(path).replace('credentials.', '');
  const words = name.replace(/([a-z])([A-Z])/g, '$1_$2').replaceAll('.', '_');
  return environmentPrefix + words.toUpperCase();
}

function put(record: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    record[key] = value;
    return;
  }
  record[key] ??= {};
  put(record[key] as Record<string, unknown>, rest, value);
}

/** What a text means for an option of the pool, none of which is a text; durations with units stay as they are. */
function plainValue(text: string): unknown {
  if (text === 'null') return null;
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function connectionModeOf({ mode, url }: ResolvedConfig): ConnectionMode {
  switch (mode) {
    case 'in-memory':
      return { type: mode };
    case 'embedded':
      return { type: mode, path: url };
    case 'local':
      return { type: mode, endpoint: url };
  }
}
