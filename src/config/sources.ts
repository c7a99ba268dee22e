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
 * Reads a configuration in the long form from a JSON file. A file cannot hold functions and a logger; add them to the
 * result: `{ ...(await configFromFile('pool.json')), logger }`.
 *
 * @throws ConfigurationError when the file cannot be read, is not JSON, or is not a valid configuration
 */
export async function configFromFile(path: string | URL): Promise<DatabaseConfig> {
  const title = `The file ${path}`;
  const config = parse(await readText(path, title), title);
  read(databaseConfigSchema, config, { ...longForm, title });
  // Checked above, but returned as written, so that the caller can still change or add to it.
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

/** Replaces the parser's message, which quotes the text around the error and so may show a password. */
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

/** The name of every environment variable, with the long-form path of the option it sets. */
export const environmentVariables: ReadonlyMap<string, string> = new Map(
  [
    'connectionMode',
    'namespace',
    'database',
    'name',
    'loadBalancing',
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

/** What `surreal-pool top` reads: a token of the live page, which a service may want in the same place. */
const ofLivePage = 'SURREAL_POOL_CONSOLE_TOKEN';

/**
 * Reads a configuration from variables such as `SURREAL_POOL_URL` and `SURREAL_POOL_MAX_CONNECTIONS`. An empty variable
 * counts as not set. An unknown one that begins with `SURREAL_POOL_` is an error, except those that Kubernetes sets for
 * a service named `surreal-pool` (`SURREAL_POOL_SERVICE_HOST` and the like), and `SURREAL_POOL_CONSOLE_TOKEN`, the token of
 * the live page; these are ignored.
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
    if (name === ofLivePage || isOfKubernetes(name, text)) continue;
    // An unknown variable keeps its name and is refused with all other problems, as an unknown option.
    const path = environmentVariables.get(name)?.split('.') ?? [name];
    put(config, path, valueAt(path, text));
  }
  const resolved = read(urlConfigSchema, config, environmentForm);
  const { loadBalancing, ...rest } = config;
  const connectionMode = connectionModeOf(resolved, loadBalancing !== undefined);
  return { ...(rest as Omit<DatabaseConfig, 'connectionMode'>), connectionMode };
}

/** Matches variables that Kubernetes sets for a service, whose names may begin like ours. */
const madeByKubernetes =
  /_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

function isOfKubernetes(name: string, text: string): boolean {
  if (environmentVariables.has(name) || !madeByKubernetes.test(name)) return false;
  // `SURREAL_POOL_PORT` is no option of ours; from Kubernetes its value is an address.
  return (
    !name.endsWith('_PORT') || /_(?:SERVICE|\d+_(?:TCP|UDP|SCTP))_PORT$/.test(name) || /^(?:tcp|udp|sctp):/.test(text)
  );
}

function variableOf(path: string): string {
  if (path.startsWith(environmentPrefix)) return path;
  const [, index] = /^connectionMode\.(\d+)/.exec(path) ?? [];
  if (index !== undefined) return `${environmentPrefix}URL, address ${Number(index) + 1}`;
  // Only mixed credentials are reported as a whole, and in the environment the token causes the mix.
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

function valueAt(path: readonly string[], text: string): unknown {
  if (path[0] === 'connectionMode') return addressesIn(text);
  return path[0] === 'poolConfig' && (path.at(-1) !== 'zone' || text === 'null') ? plainValue(text) : text;
}

/** Several servers are separated by commas; the path of a database on disk may have a comma in it. */
function addressesIn(text: string): string | string[] {
  if (!/^\s*wss?:/i.test(text) || !text.includes(',')) return text;
  return text.split(',').map((address) => address.trim());
}

/** Converts a text for an option of the pool that is no text; durations with units stay unchanged. */
function plainValue(text: string): unknown {
  if (text === 'null') return null;
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** @param chosen whether a strategy was given: it is kept for one server too, as there may be more later */
function connectionModeOf({ mode, url, endpoints, loadBalancing }: ResolvedConfig, chosen: boolean): ConnectionMode {
  switch (mode) {
    case 'in-memory':
      return { type: mode };
    case 'embedded':
      return { type: mode, path: url };
    case 'local':
    case 'remote': {
      // The environment has no form for names and functions.
      const urls = 'list' in endpoints ? endpoints.list.map((target) => target.url) : [];
      if (urls.length === 1 && !chosen) return { type: 'local', endpoint: url };
      return { type: 'remote', endpoints: urls, ...(chosen && { loadBalancing }) };
    }
  }
}
