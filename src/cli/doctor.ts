import { withoutQuery } from '../config/address.js';
import type { DatabaseConfig, ResolvedConfig } from '../config/options.js';
import { Refusal } from '../config/refusal.js';
import { resolveConfig } from '../config/resolve.js';
import { ConnectionManager } from '../manager.js';
import { CommandLine, type OptionDescriptions, optionsHelp } from './command-line.js';
import { type Diagnosis, failure, type Level, reasonOf } from './diagnosis.js';
import { diagnoseServer, diagnoseSession, diagnoseSize, diagnoseWay } from './doctor-database.js';
import { diagnoseOpenFiles, diagnoseReach, diagnoseVersions, openFilesLimit } from './doctor-surroundings.js';
import { formatNumber, wrap } from './formats.js';
import { reportSchema } from './load-report.js';
import { readName } from './option-readers.js';
import { columnsOf, type Paint, paintFor, print } from './output.js';
import { type OverridingOption, overridingOptions, readConfig } from './source-options.js';

type Name = OverridingOption | 'file' | 'json' | 'version' | 'help';

const descriptions: OptionDescriptions<Name> = {
  file: { short: 'f', value: '<path>', help: 'a JSON file, instead of the environment' },
  endpoint: { short: 'e', value: '<url>', help: 'instead of SURREAL_POOL_URL' },
  namespace: { value: '<name>', help: 'instead of SURREAL_POOL_NAMESPACE' },
  database: { value: '<name>', help: 'instead of SURREAL_POOL_DATABASE' },
  username: { short: 'u', value: '<name>', help: 'instead of SURREAL_POOL_USERNAME' },
  password: { short: 'p', value: '<text>', help: 'better in SURREAL_POOL_PASSWORD' },
  'pool-max': { value: '<count>', help: 'instead of SURREAL_POOL_MAX_CONNECTIONS' },
  json: { short: 'j', help: 'what was found as JSON' },
  version: { short: 'v', help: 'show the version' },
  help: { short: 'h', help: 'show this' },
};

function help(columns: number): string {
  const text = (sentence: string): string => wrap(sentence, Math.min(columns, 80)).join('\n');
  return `${text('surreal-pool doctor: checks whether a pool works here, and says what to do if not')}

Usage: surreal-pool doctor [options]

${optionsHelp(descriptions, columns)}

${text('It writes nothing, but opens as many connections as the pool may have, and uses them all for a second.')}
${text('Exit: 0 a pool works here, perhaps with warnings; 1 it does not; 2 wrong options or configuration.')}
`;
}

/**
 * `surreal-pool doctor`. Returns the exit code.
 * @throws ConfigurationError that lists every problem of the options or the configuration
 */
export async function doctor(parameters: readonly string[]): Promise<number> {
  const line = new CommandLine(parameters, descriptions);
  if (line.has('help')) return await print(help(columnsOf(process.stdout)));
  const file = line.read('file', readName);
  const options: Partial<Record<OverridingOption, string>> = {};
  for (const name of overridingOptions) {
    const text = line.read(name, readName);
    if (text === undefined) continue;
    if (file !== undefined) line.refuse(name, new Refusal('without --file, which says it', 'with --file'));
    options[name] = text;
  }
  line.check('The options of surreal-pool doctor');
  const { config } = await readConfig(file, process.env, options);
  const resolved = resolveConfig(config);
  const found = await diagnose(config, resolved);
  const worst = worstOf(found);
  const target = `${withoutQuery(resolved.url)} ${resolved.namespace}/${resolved.database}`;
  await print(
    line.has('json')
      ? `${JSON.stringify({ schema: reportSchema, target, level: worst, findings: found }, undefined, 2)}\n`
      : diagnosisText(target, found, paintFor(process.stdout), columnsOf(process.stdout)),
  );
  return worst === 'failure' ? 1 : 0;
}

/** Runs the checks in the order of the way to the database; stops at the first failure that later checks depend on. */
async function diagnose(config: DatabaseConfig, resolved: ResolvedConfig): Promise<Diagnosis[]> {
  const found = [diagnoseVersions(), diagnoseOpenFiles(resolved, openFilesLimit())];
  const reach = await diagnoseReach(resolved);
  found.push(reach);
  if (reach.level === 'failure') return found;
  let pool: ConnectionManager;
  try {
    const once = { ...config.poolConfig, minConnections: 0, failFast: true, retryPolicy: { maxAttempts: 1 } };
    pool = await ConnectionManager.create({ ...config, poolConfig: once });
  } catch (error) {
    const advice =
      'look at user, password, namespace and database: a user of a namespace or of a database needs these names';
    found.push(failure('session', reasonOf(error), advice));
    return found;
  }
  try {
    await pool.withConnection(async (connection) => {
      found.push(await diagnoseServer(connection));
      const session = await diagnoseSession(connection, resolved);
      found.push(session);
      if (session.level !== 'failure') found.push(...(await diagnoseWay(connection)));
    });
    if (worstOf(found) !== 'failure') found.push(await diagnoseSize(pool, resolved));
  } catch (error) {
    found.push(
      failure('calls', reasonOf(error), 'the connection opens, but calls fail on it: look at the log of the server'),
    );
  } finally {
    await pool.shutdown({ gracePeriod: 0 });
  }
  return found;
}

function worstOf(found: readonly Diagnosis[]): Level {
  if (found.some(({ level }) => level === 'failure')) return 'failure';
  return found.some(({ level }) => level === 'warning') ? 'warning' : 'ok';
}

const marks = { ok: ['green', '✓'], warning: ['bold', '!'], failure: ['red', '✗'] } as const;
const subjectWidth = 12;

function diagnosisText(target: string, found: readonly Diagnosis[], paint: Paint, columns: number): string {
  const width = Math.max(40, Math.min(columns, 100));
  const count = (level: Level): number => found.filter((one) => one.level === level).length;
  const sentence = {
    ok: `A pool works with ${target}.`,
    warning: `A pool works with ${target}, with ${formatNumber(count('warning'), 'warning')}.`,
    failure: `A pool does not work with ${target}: ${formatNumber(count('failure'), 'failure')}.`,
  }[worstOf(found)];
  return [
    ...wrap(sentence, width).map((line) => paint('bold', line)),
    '',
    ...found.flatMap(({ subject, level, text, advice }) => {
      const [style, mark] = marks[level];
      const room = width - subjectWidth - 2;
      const lines = [...wrap(text, room), ...(advice === undefined ? [] : wrap(`→ ${advice}`, room))];
      return lines.map((line, index) =>
        index === 0
          ? `${paint(style, mark)} ${subject.padEnd(subjectWidth)}${line}`
          : ' '.repeat(subjectWidth + 2) + line,
      );
    }),
    '',
  ].join('\n');
}
