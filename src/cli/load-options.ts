import { readServer, withoutQuery } from '../config/address.js';
import { defaultPoolConfig } from '../config/default-pool-config.js';
import type { PasswordCredentials } from '../config/identity-options.js';
import { Refusal, show } from '../config/refusal.js';
import { type AgentOption, agentDescriptions, readAgents, workersForAgent } from './agent-options.js';
import { type Assertion, readAssertions } from './assertions.js';
import { shortestRun, usualRate } from './cluster/plan.js';
import { CommandLine, type OptionDescriptions, optionsHelp } from './command-line.js';
import { formatRoundDuration, wrap } from './formats.js';
import type { AgentPlan, Demand, Mix, Statement } from './load-plan.js';
import {
  countFrom,
  nonEmpty,
  oneOf,
  readCredentials,
  readEndpoint,
  readInterval,
  readName,
  readTime,
} from './option-readers.js';
import { readQuery, readStatementFile } from './own-statements.js';
import { scenarios } from './scenarios/all.js';
import { leastTime, sweepPlan } from './sweep-plan.js';

/** The options of `surreal-pool load`. Durations are in milliseconds. */
export interface LoadOptions {
  /** The scenario to run instead of a plain load, or {@link scenarioList}. */
  readonly scenario: string | undefined;
  /** How many servers of its own the run has, of which it kills and freezes some; null to use the database of `addresses`. */
  readonly endpoints: number | null;
  /** Where the database is: one address, or those of several servers. */
  readonly addresses: readonly string[];
  /** The same for people: separated by commas, without query strings, which may be secret. */
  readonly endpoint: string;
  /** Whether the address comes from the environment. */
  readonly endpointIsOfEnvironment: boolean;
  readonly namespace: string;
  readonly database: string;
  readonly credentials: PasswordCredentials | null;
  readonly minConnections: number | undefined;
  readonly maxConnections: number;
  readonly demand: Demand;
  /** The agent sessions that share the workers; null when all workers use the pool itself. */
  readonly agents: AgentPlan | null;
  /** How long operations are begun; null when only `operations` limits the run. */
  readonly duration: number | null;
  /** The most operations to begin; null for no limit. */
  readonly operations: number | null;
  readonly mix: Mix;
  /** The user's own statements, instead of the mix; null for the mix. */
  readonly statements: readonly Statement[] | null;
  /** Whether operations are single calls of the pool, instead of a lease for each. */
  readonly singleCalls: boolean;
  /** Whether the load is repeated with several sizes of the pool, to find the right one. */
  readonly sweep: boolean;
  /** The seed of random numbers. */
  readonly seed: number;
  readonly assertions: readonly Assertion[];
  readonly json: boolean;
  /** How often progress is shown; 0: never. */
  readonly progress: number;
}

type Name =
  | AgentOption
  | 'endpoint'
  | 'endpoints'
  | 'namespace'
  | 'database'
  | 'username'
  | 'password'
  | 'workers'
  | 'rate'
  | 'duration'
  | 'operations'
  | 'mix'
  | 'query'
  | 'file'
  | 'single-calls'
  | 'scenario'
  | 'sweep'
  | 'pool-max'
  | 'pool-min'
  | 'seed'
  | 'assert'
  | 'json'
  | 'progress'
  | 'version'
  | 'help';

const descriptions: OptionDescriptions<Name> = {
  endpoint: { short: 'e', value: '<url>', help: 'one or more; SURREAL_POOL_URL, or mem://' },
  endpoints: { value: '<count>', help: 'instead: servers to start, kill and freeze' },
  namespace: { value: '<name>', help: 'where the test table is made, and removed (load)' },
  database: { value: '<name>', help: 'the same (load)' },
  username: { short: 'u', value: '<name>', help: 'a root user, or SURREAL_POOL_USERNAME' },
  password: { short: 'p', value: '<text>', help: 'better in SURREAL_POOL_PASSWORD' },
  workers: { short: 'c', value: '<count>', help: 'callers, one operation after another (32)' },
  rate: { short: 'R', value: '<per second>', help: 'instead: operations begin at this rate' },
  duration: { short: 'd', value: '<time>', help: '500ms, 30s, 1m30s (10s; some loads 5s or 30s)' },
  operations: { short: 'n', value: '<count>', help: 'ends after so many, without a duration' },
  mix: { value: '<weights>', help: 'what operations are (read=80,write=20)' },
  query: { value: '<text>', help: 'instead: your own, with $i and $rand' },
  file: { short: 'f', value: '<path>', help: 'the same from a file; several are a mix' },
  'single-calls': { help: 'calls of the pool, without a lease for each' },
  ...agentDescriptions,
  scenario: { value: '<name>', help: 'one with something to show; "list" names them' },
  sweep: { help: 'finds the right --pool-max by measuring' },
  'pool-max': { value: '<count>', help: `connections at most (${defaultPoolConfig.maxConnections})` },
  'pool-min': { value: '<count>', help: `connections kept open (${defaultPoolConfig.minConnections})` },
  seed: { value: '<number>', help: 'of random numbers (drawn, and told by a sweep)' },
  assert: { value: '<list>', help: "else exit 99: 'wait.p99<50ms,errors=0'" },
  json: { short: 'j', help: 'the report as JSON' },
  progress: { short: 'P', value: '<time>', help: 'how often it is told on stderr; 0 never (1s)' },
  version: { short: 'v', help: 'show the version' },
  help: { short: 'h', help: 'show this' },
};

/** The names of these options in pgbench, k6, autocannon, oha and the command of SurrealDB. */
const otherNames: Readonly<Partial<Record<string, Name>>> = {
  client: 'workers',
  clients: 'workers',
  concurrency: 'workers',
  connections: 'workers',
  vus: 'workers',
  qps: 'rate',
  overallRate: 'rate',
  T: 'duration',
  time: 'duration',
  z: 'duration',
  a: 'operations',
  amount: 'operations',
  iterations: 'operations',
  requests: 'operations',
  transactions: 'operations',
  t: 'operations',
  host: 'endpoint',
  nodes: 'endpoints',
  servers: 'endpoints',
  url: 'endpoint',
  ns: 'namespace',
  db: 'database',
  user: 'username',
  U: 'username',
  pass: 'password',
  script: 'file',
  'random-seed': 'seed',
};

export function loadHelp(columns = 80): string {
  const metrics = `Assertions compare (< <= > >= =) throughput, errors, errors.<class>, refused, dropped, reuse, opened, closed, and p50, p90, p99, max or mean of wait, query, latency.`;
  const codes = 'Exit: 0 done, 1 no connection, 2 wrong options, 99 failed, 130 or 143 stopped.';
  const width = Math.min(columns, 80);
  return `${wrap('surreal-pool load: drives a workload through a pool and reports how it went', width).join('\n')}

Usage: surreal-pool load [options]
In brackets: what holds without it.

${optionsHelp(descriptions, columns)}

${[...wrap(metrics, width), ...wrap(codes, width)].join('\n')}
`;
}

export function scenariosHelp(columns = 80): string {
  const rows = Object.entries(scenarios).flatMap(([name, { summary }]) =>
    columns < 80
      ? [`  ${name}`, ...wrap(summary, columns - 6).map((line) => `      ${line}`)]
      : `  ${name.padEnd(18)} ${summary}`,
  );
  return `Scenarios of surreal-pool load, each with a pool and expectations of its own:\n\n${rows.join('\n')}\n`;
}

/**
 * Reads the options; undefined when the user asked for help.
 *
 * @throws ConfigurationError that lists every problem
 */
export function readLoadOptions(
  parameters: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): LoadOptions | undefined {
  const line = new CommandLine(parameters, descriptions, otherNames);
  if (line.has('help')) return undefined;
  const maxConnections = line.read('pool-max', countFrom(1));
  const minConnections = line.read('pool-min', countFrom(0));
  const endpoints = line.read('endpoints', readEndpointCount) ?? null;
  const most = maxConnections ?? usualConnections(line, endpoints);
  if (minConnections !== undefined && minConnections > most) {
    line.refuse('pool-min', new Refusal(`at most --pool-max, which is ${most}`, show(minConnections)));
  }
  const scenario = line.read('scenario', oneOf([scenarioList, ...Object.keys(scenarios)]));
  refuseBeside(line, 'scenario', ownOfScenarios, 'which brings its own');
  refuseBeside(line, 'endpoints', notWithEndpoints, 'which has a database and a load of its own');
  refuseBeside(line, 'agents', ['rate'], 'whose callers are workers');
  refuseBeside(line, 'sweep', notInSweep, 'which is a load by workers, for a time, with sizes of its own');
  const agents = readAgents(line);
  const statements = readStatements(line);
  const operations = line.read('operations', countFrom(1)) ?? null;
  const time = line.read('duration', readTime);
  const url = line.has('endpoint') || endpoints !== null ? undefined : nonEmpty(environment.SURREAL_POOL_URL);
  const addresses =
    url === undefined ? readAddresses(line, line.all('endpoint')) : readAddresses(line, [url], ' by SURREAL_POOL_URL');
  const options: LoadOptions = {
    scenario,
    endpoints,
    addresses,
    endpoint: addresses.map(withoutQuery).join(', '),
    endpointIsOfEnvironment: url !== undefined,
    namespace: line.read('namespace', readName) ?? 'load',
    database: line.read('database', readName) ?? 'load',
    credentials: readCredentials(line, environment),
    minConnections,
    maxConnections: most,
    demand: readDemand(line, agents, endpoints),
    agents,
    duration: time ?? (operations === null ? usualDuration(line) : null),
    operations,
    mix: line.read('mix', readMix) ?? { read: 80, write: 20 },
    statements,
    singleCalls: line.has('single-calls'),
    sweep: line.has('sweep'),
    seed: line.read('seed', countFrom(0)) ?? Math.floor(Math.random() * 1_000_000),
    assertions: line.all('assert').flatMap((list) => {
      const assertions = readAssertions(list);
      if (!(assertions instanceof Refusal)) return assertions;
      line.refuse('assert', assertions);
      return [];
    }),
    json: line.has('json'),
    progress: line.read('progress', readInterval) ?? 1_000,
  };
  if (statements !== null) requireOwnDatabase(line, options);
  if (options.sweep) requireTime(line, options);
  if (endpoints !== null) requireConnections(line, endpoints, options);
  line.check('The options of surreal-pool load');
  return options;
}

/** The largest size a sweep tries without `--pool-max`. */
const mostInSweep = 64;
/** The connections of each server of the run's own. */
const connectionsOfEach = 4;

function usualConnections(line: CommandLine<Name>, endpoints: number | null): number {
  if (endpoints !== null) return connectionsOfEach * endpoints;
  return line.has('sweep') ? mostInSweep : defaultPoolConfig.maxConnections;
}

function usualDuration(line: CommandLine<Name>): number {
  if (line.has('sweep') || line.has('endpoints')) return 30_000;
  return line.has('scenario') ? 5_000 : 10_000;
}

function requireConnections(
  line: CommandLine<Name>,
  endpoints: number,
  { maxConnections, duration }: LoadOptions,
): void {
  if (maxConnections < endpoints) {
    line.refuse('pool-max', new Refusal(`at least one for each of the ${endpoints} servers`, show(maxConnections)));
  }
  if (duration !== null && duration < shortestRun) {
    const allowed = `at least ${formatRoundDuration(shortestRun)}, so that each thing that happens has its time`;
    line.refuse('duration', new Refusal(allowed, formatRoundDuration(duration)));
  }
}

function refuseBeside(line: CommandLine<Name>, other: Name, names: readonly Name[], reason: string): void {
  if (!line.has(other)) return;
  for (const name of names) {
    if (line.has(name)) line.refuse(name, new Refusal(`without --${other}, ${reason}`, `with --${other}`));
  }
}

function requireTime(line: CommandLine<Name>, { duration, demand, maxConnections }: LoadOptions): void {
  const workers = 'workers' in demand ? demand.workers : maxConnections;
  const { sizes, rounds, time } = sweepPlan(duration ?? 0, maxConnections, workers);
  if (time >= leastTime) return;
  const least = formatRoundDuration(leastTime * rounds * sizes.length);
  line.refuse(
    'duration',
    new Refusal(`at least ${least} for ${rounds} rounds of ${sizes.length} sizes`, `${duration} ms`),
  );
}

function readStatements(line: CommandLine<Name>): readonly Statement[] | null {
  const read = [
    ...line.all('query').map((text, index) => ['query', readQuery(text, index + 1)] as const),
    ...line.all('file').map((path) => ['file', readStatementFile(path)] as const),
  ];
  if (read.length === 0) return null;
  if (line.has('mix')) {
    line.refuse('mix', new Refusal('without --query and --file, which say what the operations are', 'with them'));
  }
  return read.flatMap(([option, statement]) => {
    if (!(statement instanceof Refusal)) return statement;
    line.refuse(option, statement);
    return [];
  });
}

/** The user's own statements need the user's own database: without its name they would run in another. */
function requireOwnDatabase(line: CommandLine<Name>, { endpoint }: LoadOptions): void {
  if (endpoint === 'mem://') return;
  for (const name of ['namespace', 'database'] as const) {
    if (line.has(name)) continue;
    line.refuse(name, new Refusal('the name of the one your own statements are for', 'nothing'));
  }
}

function readDemand(line: CommandLine<Name>, agents: AgentPlan | null, endpoints: number | null): Demand {
  const workers = line.read('workers', countFrom(1));
  const rate = line.read('rate', readRate);
  if (line.has('workers') && line.has('rate')) {
    line.refuse(
      'workers',
      new Refusal('without --rate; at a fixed rate, callers are as many as it takes', 'with --rate'),
    );
  }
  if (agents !== null && workers !== undefined && workers < agents.count) {
    const allowed = `at least --agents, which is ${agents.count}: each agent has a worker of its own`;
    line.refuse('workers', new Refusal(allowed, show(workers)));
  }
  const usual = Math.max(32, workersForAgent * (agents?.count ?? 0));
  if (rate !== undefined) return { rate };
  // At a rate, so that a caller who waits holds up no other.
  return endpoints !== null && workers === undefined ? { rate: usualRate } : { workers: workers ?? usual };
}

/** Given instead of a scenario's name to list all scenarios. */
export const scenarioList = 'list';

/** The options that a scenario sets itself. */
const ownOfScenarios = [
  ...([
    'workers',
    'rate',
    'operations',
    'mix',
    'query',
    'file',
    'single-calls',
    'agents',
    'sweep',
    'pool-max',
    'pool-min',
  ] as const),
  ...(['seed', 'assert', 'progress'] as const),
];

/** What a run with servers of its own brings itself. */
const notWithEndpoints = [
  ...(['endpoint', 'username', 'password', 'operations', 'mix', 'query', 'file', 'single-calls'] as const),
  ...(['agents', 'scenario', 'sweep', 'pool-min', 'assert'] as const),
];

const notInSweep = ['rate', 'agents', 'operations', 'pool-min', 'assert'] as const;
/** One is killed and one is frozen. */
const fewestEndpoints = 2;
const mostEndpoints = 9;

function readEndpointCount(text: string): number | Refusal {
  const count = countFrom(fewestEndpoints)(text);
  if (typeof count === 'number' && count <= mostEndpoints) return count;
  const others = /[:/]/.test(text) ? '; the addresses of servers that are there are for --endpoint' : '';
  return new Refusal(`how many servers to start, from ${fewestEndpoints} to ${mostEndpoints}${others}`, show(text));
}

/** Where the database is; in memory when nothing was given. */
function readAddresses(line: CommandLine<Name>, texts: readonly string[], by = ''): readonly string[] {
  const given = texts.flatMap((text) => text.split(',')).map((text) => text.trim());
  const addresses = given.flatMap((text) => {
    const address = given.length > 1 ? readServer(text) : readEndpoint(text);
    if (!(address instanceof Refusal)) return address;
    line.refuse('endpoint', new Refusal(address.allowed, `${address.given}${by}`));
    return [];
  });
  return addresses.length === 0 ? ['mem://'] : addresses;
}

const fastest = 1_000_000;

function readRate(text: string): number | Refusal {
  const [, number] = /^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text) ?? [];
  const rate = Number(number);
  return rate > 0 && rate <= fastest
    ? rate
    : new Refusal(`operations per second, more than 0 and at most ${fastest}`, show(text));
}

function readMix(text: string): Mix | Refusal {
  const refusal = new Refusal('weights of which one is not 0, such as read=80,write=20', show(text));
  const mix = { read: 0, write: 0 };
  for (const part of text.split(',')) {
    const [, kind, weight] = /^\s*(read|write)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? [];
    if (kind === undefined) return refusal;
    mix[kind as keyof Mix] = Number(weight);
  }
  return mix.read + mix.write > 0 ? mix : refusal;
}
