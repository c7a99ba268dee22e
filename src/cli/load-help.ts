import { defaultPoolConfig } from '../config/default-pool-config.js';
import { type AgentOption, agentDescriptions } from './agent-options.js';
import { type OptionDescriptions, optionsHelp } from './command-line.js';
import { wrap } from './formats.js';
import { scenarios } from './scenarios/all.js';

/** The options of `surreal-pool load`. */
export type Name =
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
  | 'record'
  | 'replay'
  | 'replay-pool'
  | 'speed'
  | 'pool-max'
  | 'pool-min'
  | 'seed'
  | 'assert'
  | 'json'
  | 'progress'
  | 'ui'
  | 'version'
  | 'help';

export const descriptions: OptionDescriptions<Name> = {
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
  record: { value: '<path>', help: 'writes the load down, to replay it' },
  replay: { value: '<path>', help: 'instead: the load of a recording' },
  'replay-pool': { value: '<number>', help: 'which pool of the recording, if it has several' },
  speed: { value: '<factor>', help: 'with --replay: it comes so much faster (1)' },
  'pool-max': { value: '<count>', help: `connections at most (${defaultPoolConfig.maxConnections})` },
  'pool-min': { value: '<count>', help: `connections kept open (${defaultPoolConfig.minConnections})` },
  seed: { value: '<number>', help: 'of random numbers (drawn, and told by a sweep)' },
  assert: { value: '<list>', help: "else exit 99: 'wait.p99<50ms,errors=0'" },
  json: { short: 'j', help: 'the report as JSON' },
  progress: { short: 'P', value: '<time>', help: 'how often it is told on stderr; 0 never (1s)' },
  ui: { value: '[port]', help: 'shows the pool in a browser, and to top' },
  version: { short: 'v', help: 'show the version' },
  help: { short: 'h', help: 'show this' },
};

/** The names of these options in pgbench, k6, autocannon, oha and the command of SurrealDB. */
export const otherNames: Readonly<Partial<Record<string, Name>>> = {
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
