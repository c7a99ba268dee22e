/**
 * In which situations something is shown: there it must be. In parentheses: where it may be, since it depends on the moment.
 * Everywhere else it must not be.
 */
export type Shown = string;

const everywhere =
  'gap quiet busy queue failing breaker servers conflicts savepoints leak agents tokens unknown users paused silent';
/** Callers get connections. */
const served = 'busy queue failing servers conflicts savepoints leak agents unknown users silent (breaker)';
/** And ask something on them. */
const asked = 'busy queue failing servers conflicts savepoints agents unknown users silent (breaker leak)';
/** A connection is in use for long enough to be seen. */
const inUse = 'queue conflicts leak agents users (busy failing breaker servers savepoints unknown silent)';
/** Callers wait for long enough to be seen: for each other, or for a connection to be opened. */
const waiting = 'queue agents (busy failing breaker servers conflicts savepoints leak unknown users silent)';
/** Again and again; where it happens once, OpenTelemetry's histogram begins with it, and no rate sees it. */
const opened = 'busy unknown silent (failing servers conflicts savepoints leak users)';
/** Again and again, as before: the one lease of the queue is released at the end. */
const released = 'busy failing servers conflicts savepoints leak agents unknown users silent (queue breaker)';
const failedQueries = 'failing conflicts agents (unknown breaker servers savepoints silent)';

/** For each panel of the dashboard, and each of its queries by its legend without the labels. */
export const shownIn: Readonly<Record<string, Shown | Readonly<Record<string, Shown>>>> = {
  'In use / limit': { 'in use': inUse, limit: everywhere },
  Waiting: waiting,
  'Oldest waiter': waiting,
  'Acquires per second': served,
  'Wait for a connection': { p50: `${served} breaker`, p99: `${served} breaker` },
  'Errors per minute': {
    'timed out': 'queue',
    refused: 'breaker (servers unknown silent)',
    'not opened': 'users (breaker)',
    'query failed': failedQueries,
    conflict: 'conflicts (savepoints)',
    lost: 'unknown (silent savepoints)',
  },
  'State of each pool': 'paused',
  'Can it serve?': 'breaker paused (servers unknown silent)',

  'Waits against queries (p99)': { wait: `${served} breaker`, query: asked },
  'Connections by state, under the limit': { '': everywhere, limit: everywhere },
  'Callers who wait': waiting,
  'Oldest waiter and the acquire time-out': { oldest: waiting, 'time-out': everywhere },
  'Time-outs per minute': 'queue',
  'How long callers keep a connection': { p99: released, mean: released },
  'Queries per second, by operation': asked,
  'Time of a query, by operation (p99)': asked,
  'Acquires per minute, by outcome': `${served} breaker`,
  'Failed queries per minute, by error': failedQueries,

  'State of each server': 'breaker servers (unknown silent)',
  'Circuit breaker of each server': 'breaker servers',
  'Connections and leases of each server': { '': everywhere, leases: inUse },
  'Latency of each server': 'servers',
  'Share of new work': everywhere,
  'Panics per minute': 'servers',
  'Messages and calls per second': {
    messages: 'busy failing servers agents users silent (breaker)',
    calls: 'busy failing servers agents users silent (breaker)',
  },

  'Opened, and attempts that failed, per minute': { opened, failed: 'breaker servers (busy unknown silent)' },
  'Closed per minute, by reason': 'busy breaker servers unknown silent (leak)',
  'Time to open a connection': { p99: opened, mean: opened },
  'Probes, resets and changes of identity per minute': {
    'probes passed': 'leak silent (busy queue failing breaker servers conflicts savepoints agents unknown users)',
    'probes failed': 'silent (breaker servers)',
    'resets passed': 'users (savepoints)',
    'resets failed': 'silent',
    'identity changes passed': 'users',
    'identity changes failed': 'users',
  },
  'Idle connections and their bounds': { idle: everywhere, least: 'quiet tokens', most: everywhere },
  'Acquires served by an open connection': served,
  'Being closed': 'silent (busy breaker servers unknown leak)',
  'Identities in use': 'users',

  'Transactions per minute, by outcome': 'conflicts savepoints unknown silent',
  'Conflicts and retries': { conflicts: 'conflicts (savepoints)', retries: 'conflicts' },
  'Open transactions': 'conflicts (savepoints unknown silent)',
  'Aborted, and outcomes found out, per minute': { aborted: 'conflicts (savepoints)', 'found out': 'unknown' },
  'Savepoints per minute': { created: 'savepoints', rollbacks: 'savepoints', divergences: 'savepoints' },
  'Savepoints: refused, and calls replayed, per minute': { refused: 'savepoints', replayed: 'savepoints' },

  'Agent sessions': { open: 'agents', 'new per minute': 'agents' },
  'Fairness between agents': 'agents',
  'Refused by a limit, per minute': 'agents',
  'Audit rows lost per minute': 'agents',
  'Connections and waiting, by tenant': { has: 'agents', 'waits for': 'agents' },
  'Operations per second, by tenant': 'agents',
  'Connections kept busy, by tenant': 'agents',
  'Refused per minute, by tenant': 'agents',

  'Token renewals per minute': { renewed: 'tokens', failed: 'tokens' },
  'Gaps per minute': 'gap',
  'Released twice, and lost leases, per minute': { 'released twice': 'leak', lost: 'leak' },
  'Longest lease, and longest without a call': {
    oldest: 'queue conflicts leak users (busy failing breaker servers savepoints agents unknown silent)',
    idle: 'leak (busy queue failing breaker servers conflicts savepoints agents unknown users silent)',
  },
};

/** For each alert, by its severity: the pools for which it is pending or fires. */
export const alertsIn: Readonly<Record<string, Shown>> = {
  'SurrealPoolCallersWait warning': waiting,
  'SurrealPoolWaitersNearTimeout warning': 'queue',
  'SurrealPoolAcquiresTimeOut critical': 'queue',
  'SurrealPoolAtLimit warning': 'queue agents (conflicts savepoints failing unknown users silent)',
  'SurrealPoolBreakerOpen critical': 'breaker (servers)',
  'SurrealPoolBreakerOpen warning': 'servers (breaker)',
  'SurrealPoolLeaseIdle warning': 'leak',
  'SurrealPoolTokenRenewalFailed warning': 'tokens',
  'SurrealPoolCommitUnknown critical': 'unknown',
};

/** The two parts of an expectation. */
export function readShown(shown: Shown): { readonly must: readonly string[]; readonly may: readonly string[] } {
  const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
  const must = words(shown.replace(/\(.*?\)/g, ''));
  const may = [...shown.matchAll(/\((.*?)\)/g)].flatMap(([, inside = '']) => words(inside));
  return { must: [...new Set(must)], may: may.filter((word) => !must.includes(word)) };
}
