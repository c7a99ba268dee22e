import { readServer, withoutQuery } from '../config/address.js';
import { defaultPoolConfig } from '../config/default-pool-config.js';
import type { PasswordCredentials } from '../config/identity-options.js';
import { Refusal, show } from '../config/refusal.js';
import { readAgents, workersForAgent } from './agent-options.js';
import { type Assertion, readAssertions } from './assertions.js';
import { shortestRun, usualRate } from './cluster/plan.js';
import { CommandLine } from './command-line.js';
import { formatRoundDuration } from './formats.js';
import { descriptions, type Name, otherNames } from './load-help.js';
import type { AgentPlan, Demand, Mix, Statement } from './load-plan.js';
import { readUiPort, type UiPort } from './load-ui.js';
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
import { notInReplay, notInReplaySweep, type ReplayOptions, readReplay } from './replay/replay-options.js';
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
  /** The file in which the load is written down; undefined for none. */
  readonly record: string | undefined;
  /** The recording that is replayed instead of a load; null for none. */
  readonly replay: ReplayOptions | null;
  /** The seed of random numbers. */
  readonly seed: number;
  readonly assertions: readonly Assertion[];
  readonly json: boolean;
  /** How often progress is shown; 0: never. */
  readonly progress: number;
  /** The port of the live page; `next` for the usual one or the next that is free; undefined for no page. */
  readonly ui: UiPort | undefined;
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
  const replay = readReplay(line, maxConnections);
  if (replay === null) {
    refuseBeside(line, 'sweep', notInSweep, 'which is a load by workers, for a time, with sizes of its own');
  } else {
    refuseBeside(line, 'sweep', notInReplaySweep, 'which replays in virtual time, without a database');
  }
  refuseBeside(line, 'replay', notInReplay, 'which says what the load is');
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
    duration: time ?? (operations === null && replay === null ? usualDuration(line) : null),
    operations,
    mix: line.read('mix', readMix) ?? { read: 80, write: 20 },
    statements,
    singleCalls: line.has('single-calls'),
    sweep: line.has('sweep'),
    record: line.read('record', readName),
    replay,
    seed: line.read('seed', countFrom(0)) ?? Math.floor(Math.random() * 1_000_000),
    assertions: line.all('assert').flatMap((list) => {
      const assertions = readAssertions(list);
      if (!(assertions instanceof Refusal)) return assertions;
      line.refuse('assert', assertions);
      return [];
    }),
    json: line.has('json'),
    progress: line.read('progress', readInterval) ?? 1_000,
    ui: line.read('ui', readUiPort),
  };
  if (statements !== null) requireOwnDatabase(line, options);
  if (options.sweep && replay === null) requireTime(line, options);
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
    'record',
    'replay',
    'pool-max',
    'pool-min',
  ] as const),
  ...(['seed', 'assert', 'progress'] as const),
];

/** What a run with servers of its own brings itself. */
const notWithEndpoints = [
  ...(['endpoint', 'username', 'password', 'operations', 'mix', 'query', 'file', 'single-calls'] as const),
  ...(['agents', 'scenario', 'sweep', 'record', 'replay', 'pool-min', 'assert'] as const),
];

const notInSweep = ['rate', 'agents', 'operations', 'record', 'pool-min', 'assert'] as const;
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
