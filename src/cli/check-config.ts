import { withoutQuery } from '../config/address.js';
import { defaultPoolConfig } from '../config/default-pool-config.js';
import type { ResolvedConfig } from '../config/options.js';
import { isDuration } from '../config/pool-schema.js';
import { resolveConfig } from '../config/resolve.js';
import { CommandLine, type OptionDescriptions, optionsHelp } from './command-line.js';
import { formatDuration, formatRoundDuration, wrap } from './formats.js';
import { readName } from './option-readers.js';
import { columnsOf, type Paint, paintFor, print } from './output.js';
import { readConfig } from './source-options.js';

type Name = 'file' | 'json' | 'version' | 'help';

const descriptions: OptionDescriptions<Name> = {
  file: { short: 'f', value: '<path>', help: 'a JSON file, instead of the environment' },
  json: { short: 'j', help: 'the configuration as JSON' },
  version: { short: 'v', help: 'show the version' },
  help: { short: 'h', help: 'show this' },
};

function help(columns: number): string {
  const width = Math.min(columns, 80);
  return `${wrap('surreal-pool check-config: reads a configuration as a program does, and shows what it comes to', width).join('\n')}

Usage: surreal-pool check-config [options]

${optionsHelp(descriptions, columns)}

${wrap('Reads SURREAL_POOL_URL and the other variables, or the file. Opens no connection and shows no secret.', width).join('\n')}
${wrap('Exit: 0 it can be used, 2 it cannot; all problems are told at once.', width).join('\n')}
`;
}

/**
 * `surreal-pool check-config`. Returns the exit code.
 * @throws ConfigurationError that tells every problem there is
 */
export async function checkConfig(parameters: readonly string[]): Promise<number> {
  const line = new CommandLine(parameters, descriptions);
  if (line.has('help')) return await print(help(columnsOf(process.stdout)));
  const file = line.read('file', readName);
  line.check('The options of surreal-pool check-config');
  const { config, source } = await readConfig(file, process.env);
  const shown = withoutSecrets(resolveConfig(config));
  const given = new Set(pathsOf(config.poolConfig ?? {}));
  return await print(
    line.has('json')
      ? `${JSON.stringify(shown, undefined, 2)}\n`
      : configText(shown, given, source, paintFor(process.stdout), columnsOf(process.stdout)),
  );
}

/** What a configuration comes to. Durations are in milliseconds; 0 is for never, and a limit of null for none. */
export interface ShownConfig {
  readonly url: string;
  readonly namespace: string;
  readonly database: string;
  /** Who signs in, without the secret: `the user root`. */
  readonly credentials: string;
  readonly pool: Readonly<Record<string, unknown>>;
}

export function withoutSecrets({ url, namespace, database, credentials, pool }: ResolvedConfig): ShownConfig {
  return { url: withoutQuery(url), namespace, database, credentials: whoOf(credentials), pool: { ...pool } };
}

/** Who signs in, in words, without the secret. */
export function whoOf(credentials: ResolvedConfig['credentials']): string {
  if (credentials === null) return 'nobody: an anonymous session';
  if (typeof credentials === 'function') return 'whom a function names';
  if ('username' in credentials) {
    const { username, namespace, database } = credentials;
    const level = database !== undefined ? 'of a database' : namespace !== undefined ? 'of a namespace' : 'of the root';
    return `the user ${username} ${level}`;
  }
  return 'access' in credentials ? `by the access method ${credentials.access}` : 'by a token';
}

/** In fewer columns the values do not stand below each other. */
const leastColumns = 60;

function configText(
  shown: ShownConfig,
  given: ReadonlySet<string>,
  source: string,
  paint: Paint,
  columns: number,
): string {
  const order = Object.keys(flat({ ...defaultPoolConfig }));
  const rows = Object.entries(flat(shown.pool)).sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
  const width = Math.max(...rows.map(([name]) => name.length));
  const line = (name: string, text: string, mark: string): string =>
    columns < leastColumns ? `${mark} ${name}: ${text}` : `${mark} ${name.padEnd(width)}  ${text}`;
  const set = [...given].filter((path) => path in flat(shown.pool)).length;
  return [
    ...wrap(`The configuration in ${source} can be used.`, Math.min(columns, 80)).map((text) => paint('bold', text)),
    '',
    line('url', shown.url, '•'),
    line('namespace', shown.namespace, '•'),
    line('database', shown.database, '•'),
    line('credentials', shown.credentials, '•'),
    '',
    ...rows.map(([name, value]) => {
      const isGiven = given.has(name);
      const text = line(name, valueText(name, value), isGiven ? '•' : ' ');
      return isGiven ? text : paint('dim', text);
    }),
    '',
    ...wrap(
      `• is set there (${set} of ${rows.length} options of the pool); the others have their defaults.`,
      Math.min(columns, 80),
    ),
    '',
  ].join('\n');
}

function valueText(name: string, value: unknown): string {
  if (value === null || value === Number.POSITIVE_INFINITY) return 'no limit';
  if (typeof value !== 'number' || !isDuration(`poolConfig.${name}`)) return String(value);
  if (value === 0) return '0 (none)';
  return value % 1_000 === 0 ? formatRoundDuration(value) : formatDuration(value);
}

function flat(value: Readonly<Record<string, unknown>>, before = ''): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, entry]) =>
      typeof entry === 'object' && entry !== null
        ? Object.entries(flat(entry as Record<string, unknown>, `${before}${name}.`))
        : [[`${before}${name}`, entry] as const],
    ),
  );
}

function pathsOf(value: object): string[] {
  return Object.entries(flat(value as Record<string, unknown>)).flatMap(([path, entry]) =>
    entry === undefined ? [] : path,
  );
}
