import { readAddress } from '../config/address.js';
import { readDuration } from '../config/duration.js';
import { nearest } from '../config/nearest.js';
import { defaultPoolConfig, type PasswordCredentials } from '../config/options.js';
import { Refusal, show } from '../config/refusal.js';
import { type Assertion, readAssertions } from './assertions.js';
import { CommandLine, type OptionDescriptions, optionsHelp } from './command-line.js';
import type { Demand, Mix } from './load-plan.js';
import { scenarios } from './scenarios/all.js';

/** What `surreal-pool load` was asked to do. Durations are in milliseconds. */
export interface LoadOptions {
  /** The scenario that is played instead of a load of its own making, or {@link scenarioList}. */
  readonly scenario: string | undefined;
  readonly endpoint: string;
  /** Whether it is the one of the environment. */
  readonly endpointIsOfEnvironment: boolean;
  readonly namespace: string;
  readonly database: string;
  readonly credentials: PasswordCredentials | null;
  readonly minConnections: number | undefined;
  readonly maxConnections: number;
  readonly demand: Demand;
  readonly duration: number;
  readonly mix: Mix;
  readonly assertions: readonly Assertion[];
  readonly json: boolean;
  /** How often progress is shown; 0 for never. */
  readonly progress: number;
}

type Name =
  | 'scenario'
  | 'endpoint'
  | 'namespace'
  | 'database'
  | 'username'
  | 'password'
  | 'workers'
  | 'rate'
  | 'duration'
  | 'mix'
  | 'pool-max'
  | 'pool-min'
  | 'assert'
  | 'json'
  | 'progress'
  | 'help';

const descriptions: OptionDescriptions<Name> = {
  endpoint: { value: '<url>', help: 'ws://host:8000, rocksdb://path (SURREAL_POOL_URL; mem://)' },
  namespace: { value: '<name>', help: 'where the test table is made, and removed (load)' },
  database: { value: '<name>', help: 'the same (load)' },
  username: { value: '<name>', help: 'a root user, or SURREAL_POOL_USERNAME' },
  password: { value: '<text>', help: 'better in SURREAL_POOL_PASSWORD than typed' },
  workers: { value: '<count>', help: 'callers, each doing one operation after another (32)' },
  rate: { value: '<per second>', help: 'instead: operations begin at this rate, come what may' },
  duration: { value: '<time>', help: 'how long: 500ms, 30s, 1m30s (30s; a scenario 5s)' },
  mix: { value: '<weights>', help: 'what the operations are (read=80,write=20)' },
  scenario: { value: '<name>', help: 'one that has something to show; "list" names them' },
  'pool-max': { value: '<count>', help: `connections at most (${defaultPoolConfig.maxConnections})` },
  'pool-min': {
    value: '<count>',
    help: `connections kept open (${defaultPoolConfig.minConnections}, or the most if less)`,
  },
  assert: { value: '<list>', help: "what must hold, else exit 99: 'wait.p99<50ms,errors=0'" },
  json: { help: 'the report as JSON' },
  progress: { value: '<time>', help: 'how often progress is told on stderr; 0 never (1s)' },
  help: { help: 'show this' },
};

export function loadHelp(): string {
  return `surreal-pool load: drives a workload through a pool and reports how it went

Usage: surreal-pool load [options]            (in brackets: what holds without)

${optionsHelp(descriptions)}

Assertions compare (< <= > >= =) throughput, errors, errors.<class>, dropped,
reuse, opened, closed, and p50, p90, p99, max or mean of wait, query, latency.
Exit: 0 done, 1 no connection, 2 wrong options, 99 failed, 130 or 143 stopped.
`;
}

export function scenariosHelp(): string {
  const rows = Object.entries(scenarios).map(([name, { summary }]) => `  ${name.padEnd(18)} ${summary}`);
  return `Scenarios of surreal-pool load, each with a pool and expectations of its own:\n\n${rows.join('\n')}\n`;
}

/**
 * Reads the options; undefined when help was asked for instead.
 *
 * @throws ConfigurationError that tells every problem there is
 */
export function readLoadOptions(
  parameters: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): LoadOptions | undefined {
  const line = new CommandLine(parameters, descriptions);
  if (line.has('help')) return undefined;
  const maxConnections = line.read('pool-max', countFrom(1));
  const minConnections = line.read('pool-min', countFrom(0));
  const most = maxConnections ?? defaultPoolConfig.maxConnections;
  if (minConnections !== undefined && minConnections > most) {
    line.refuse('pool-min', new Refusal(`at most --pool-max, which is ${most}`, show(minConnections)));
  }
  const scenario = line.read('scenario', readScenario);
  if (line.has('scenario')) {
    for (const name of ownOfScenarios) {
      if (line.has(name)) line.refuse(name, new Refusal('without --scenario, which brings its own', 'with --scenario'));
    }
  }
  const given = line.read('endpoint', readEndpoint);
  const url = line.has('endpoint') ? undefined : nonEmpty(environment.SURREAL_POOL_URL);
  const options: LoadOptions = {
    scenario,
    endpoint: given ?? readUrl(line, url) ?? 'mem://',
    endpointIsOfEnvironment: url !== undefined,
    namespace: line.read('namespace', readName) ?? 'load',
    database: line.read('database', readName) ?? 'load',
    credentials: readCredentials(line, environment),
    minConnections,
    maxConnections: most,
    demand: readDemand(line),
    duration: line.read('duration', readTime) ?? (scenario === undefined ? 30_000 : 5_000),
    mix: line.read('mix', readMix) ?? { read: 80, write: 20 },
    assertions: line.all('assert').flatMap((list) => {
      const assertions = readAssertions(list);
      if (!(assertions instanceof Refusal)) return assertions;
      line.refuse('assert', assertions);
      return [];
    }),
    json: line.has('json'),
    progress: line.read('progress', readInterval) ?? 1_000,
  };
  line.check('The options of surreal-pool load');
  return options;
}

function readCredentials(
  line: CommandLine<Name>,
  environment: Readonly<Record<string, string | undefined>>,
): PasswordCredentials | null {
  const username = line.read('username', readName) ?? nonEmpty(environment.SURREAL_POOL_USERNAME);
  const password = line.read('password', readSecret) ?? nonEmpty(environment.SURREAL_POOL_PASSWORD);
  if (username === undefined && password === undefined) return null;
  if (username !== undefined && password !== undefined) return { username, password };
  const [missing, other] =
    username === undefined ? (['username', 'password'] as const) : (['password', 'username'] as const);
  // One that was given, and refused, is told already.
  if (!line.has(missing))
    line.refuse(missing, new Refusal(`both --username and --password, or neither`, `only a ${other}`));
  return null;
}

/** A variable of the environment that is empty counts as not set. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function readDemand(line: CommandLine<Name>): Demand {
  const workers = line.read('workers', countFrom(1));
  const rate = line.read('rate', readRate);
  if (line.has('workers') && line.has('rate')) {
    line.refuse(
      'workers',
      new Refusal('without --rate; at a fixed rate, callers are as many as it takes', 'with --rate'),
    );
  }
  return rate === undefined ? { workers: workers ?? 32 } : { rate };
}

/** In the place of a scenario's name: asks which there are. */
export const scenarioList = 'list';

/** What a scenario decides by itself. */
const ownOfScenarios = ['workers', 'rate', 'mix', 'pool-max', 'pool-min', 'assert', 'progress'] as const;

function readScenario(text: string): string | Refusal {
  if (text === scenarioList || Object.hasOwn(scenarios, text)) return text;
  const meant = nearest(text, Object.keys(scenarios));
  const allowed = meant === undefined ? Object.keys(scenarios).join(', ') : `${meant} (did you mean that?)`;
  return new Refusal(allowed, show(text));
}

function readEndpoint(text: string): string | Refusal {
  const address = readAddress(text, undefined, '--username and --password');
  return address instanceof Refusal ? address : address.url;
}

function readUrl(line: CommandLine<Name>, url: string | undefined): string | undefined {
  const address = url === undefined ? undefined : readEndpoint(url);
  if (!(address instanceof Refusal)) return address;
  line.refuse('endpoint', new Refusal(address.allowed, `${address.given} by SURREAL_POOL_URL`));
  return undefined;
}

function readName(text: string): string | Refusal {
  return text === '' ? new Refusal('a name', 'an empty text') : text;
}

function readSecret(text: string): string | Refusal {
  return text === '' ? new Refusal('a password', 'an empty text') : text;
}

function countFrom(least: number): (text: string) => number | Refusal {
  return (text) => {
    const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return Number.isSafeInteger(count) && count >= least
      ? count
      : new Refusal(`a whole number, at least ${least}`, show(text));
  };
}

const fastest = 1_000_000;

function readRate(text: string): number | Refusal {
  const [, number] = /^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text) ?? [];
  const rate = Number(number);
  return rate > 0 && rate <= fastest
    ? rate
    : new Refusal(`operations per second, more than 0 and at most ${fastest}`, show(text));
}

function readTime(text: string): number | Refusal {
  const time = readDuration(text);
  return typeof time === 'number' && time > 0
    ? time
    : new Refusal('a time with its unit, such as 500ms, 30s or 1m30s', show(text));
}

function readInterval(text: string): number | Refusal {
  const time = text === '0' ? 0 : readDuration(text);
  return typeof time === 'number'
    ? time
    : new Refusal('a time with its unit, such as 500ms or 5s; 0 for never', show(text));
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
