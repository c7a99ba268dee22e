import { formatDuration as time } from '../time/format-duration.js';
import { inUse, nameOf, next, out, queue, reasonOf } from './phrases.js';
import type { EndpointReading, LeaseReading, VerdictReading } from './verdict-reading.js';
import { addressInShort, inShort, number, plural, withoutAddress } from './words.js';

/** Whom a verdict names: where somebody who is called at night must look first. */
export type VerdictKind =
  /** Nothing needs a look. */
  | 'healthy'
  /** Callers wait for more connections than the pool may have, or for connections that are being opened. */
  | 'pool'
  /** Queries take longer than they did, or get no answer. */
  | 'database'
  /** Callers keep connections without using them. */
  | 'caller'
  /** A server cannot be reached, or refuses connections. */
  | 'endpoint'
  /** Transactions are refused because they change the same records. */
  | 'conflicts'
  /** An agent is at a limit of its own. */
  | 'agent'
  /** This process stood still. */
  | 'process'
  /** Somebody called `pause()`. */
  | 'paused'
  /** The pool is being shut down, or was. */
  | 'shut-down';

/** What is the matter with a pool: the pool itself, the database, a caller or a server, in one sentence. */
export interface Verdict {
  readonly kind: VerdictKind;
  /** `critical`: callers are hurt now. `warning`: worth a look. `fine`: neither. */
  readonly severity: 'fine' | 'warning' | 'critical';
  readonly sentence: string;
}

/** A wait below a tenth of a second is not noticed by people, whatever the queries take. */
const shortestWait = 100;
/** One who waits for a second is noticed. */
const longWait = 1_000;
/** A caller that makes no call for a second does something else meanwhile: the next statement of a program comes sooner. */
const idleWhileOthersWait = 1_000;
/** Without anybody waiting only a lease forgotten for so long is worth a word: the alert has the same limit. */
const idleForLong = 30_000;
/**
 * Below this share of the time that connections are lent, callers do something else than query. A transaction of one
 * statement spends two of its three round trips on BEGIN and COMMIT, which are no queries: so a third is no fault.
 */
const leastUse = 0.2;
/** Leases shorter than this on average are not worth the question, in milliseconds. */
const shortLease = 10;
/** Slower by this factor and by this many milliseconds: below, a change of the work or a cold cache explains as much. */
const slowerBy = 3;
const slowerAtLeast = 20;
/** A connection that has had no answer for less than this is no sign of silence, while callers wait. */
const silentWhileOthersWait = 1_000;
/** While nobody waits a long query hurts nobody. */
const silentForLong = 5_000;
/** More connections do not help a database that takes this long for most queries, unless it waits for something else. */
const slowQuery = 100;
/** Fewer queries than this say nothing about the database. */
const fewestQueries = 5;
/** A part of conflicts this high, and so many, is no accident of two writers. */
const conflictShare = 0.2;
const fewestConflicts = 10;
/** A part of failed queries this high is said beside the verdict; the pool does not know whether a failure is a fault. */
const failedShare = 0.05;

/**
 * Says what is the matter, the most important first: what stops the pool from serving, then why callers wait, then what
 * will become a trouble. It computes and asks nothing.
 */
export function verdictOf(reading: VerdictReading): Verdict {
  return (
    ending(reading) ??
    paused(reading) ??
    unableToServe(reading) ??
    stoodStill(reading) ??
    (callersAreHurt(reading) ? whyTheyWait(reading) : worthALook(reading)) ??
    healthy(reading)
  );
}

type Finding = Verdict | undefined;

function ending({ stats: { state, leased }, leases }: VerdictReading): Finding {
  if (state === 'closed') return warning('shut-down', 'Shut down: the pool serves nobody any more.');
  if (state !== 'draining') return undefined;
  const longest = longestOf(leases);
  const since = longest === undefined ? '' : `; the longest, ${nameOf(longest)}, has lasted ${time(longest.held)}`;
  return warning(
    'shut-down',
    leased === 0
      ? 'Shutting down: no lease is left, connections are being closed.'
      : `Shutting down: ${plural(leased, 'lease has', 'leases have')} not ended yet${since}.`,
  );
}

function paused(reading: VerdictReading): Finding {
  const { state, waiting } = reading.stats;
  if (state !== 'paused') return undefined;
  const sentence = `Paused: the pool lends nothing until resume(); ${waiting === 0 ? 'nobody waits' : queue(reading)}.`;
  return waiting === 0 ? warning('paused', sentence) : critical('paused', sentence);
}

function unableToServe(reading: VerdictReading): Finding {
  const { health, stats } = reading;
  if (health.healthy) return undefined;
  const waits = stats.waiting === 0 ? '' : `; ${queue(reading)}`;
  const unwell = health.endpoints.filter(({ state }) => state !== 'well');
  const [first] = unwell;
  if (stats.opened === 0 && stats.openFailed === 0 && first?.lastError === undefined) {
    return warning('endpoint', `Starting: no connection was made yet${waits}.`);
  }
  if (unwell.length > 1) {
    const errors = [...new Set(unwell.map(reasonOf))];
    const probe = Math.min(...unwell.map(({ nextProbeIn }) => nextProbeIn));
    return critical(
      'endpoint',
      `None of ${unwell.length} endpoints can be used: ${errors.slice(0, 2).join('; ')}${next(probe)}${waits}.`,
    );
  }
  if (first !== undefined && (first.circuit !== 'closed' || first.state === 'out')) {
    return critical('endpoint', `${out(first)}${waits}.`);
  }
  return critical('endpoint', `The pool cannot serve: ${inShort(withoutAddress(health.reason))}${waits}.`);
}

function stoodStill({ lately }: VerdictReading): Finding {
  if (lately === undefined || lately.gaps === 0) return undefined;
  return warning(
    'process',
    `This process stood still ${lately.gaps === 1 ? 'a moment ago' : `${lately.gaps} times lately`}: its event loop was blocked or the machine slept, so long waits and slow queries of the last minute are its own.`,
  );
}

/**
 * Whether callers are hurt: they were turned away, or one waits longer than a query usually takes. Shorter waits are what a
 * pool is for.
 */
function callersAreHurt({ stats, lastMinute }: VerdictReading): boolean {
  if (lastMinute !== undefined && lastMinute.timedOut + lastMinute.turnedAway > 0) return true;
  return stats.waiting > 0 && stats.oldestWaiter >= Math.max(shortestWait, stats.queryTime.lastMinute.p50);
}

function whyTheyWait(reading: VerdictReading): Finding {
  return (
    silentDatabase(reading) ??
    endpointOut(reading, true) ??
    openingsFail(reading, true) ??
    atOwnLimit(reading) ??
    nested(reading) ??
    heldIdle(reading) ??
    littleUsed(reading) ??
    slowDatabase(reading, true) ??
    conflicting(reading, true) ??
    growing(reading) ??
    over(reading) ??
    tooSmall(reading)
  );
}

function worthALook(reading: VerdictReading): Finding {
  return (
    silentDatabase(reading) ??
    endpointOut(reading, false) ??
    openingsFail(reading, false) ??
    slowDatabase(reading, false) ??
    forgotten(reading) ??
    conflicting(reading, false) ??
    refusedAgent(reading)
  );
}

function openingsFail(reading: VerdictReading, hurts: boolean): Finding {
  const { health, lately, stats } = reading;
  const failing = health.endpoints.find(({ failures, state }) => failures > 0 && state !== 'draining');
  if (failing === undefined || (lately !== undefined && lately.openFailed === 0 && failing.circuit === 'closed')) {
    return undefined;
  }
  const why = `Connections to ${addressInShort(failing.url)} cannot be opened: ${reasonOf(failing)}${next(failing.nextProbeIn)}`;
  if (hurts) return critical('endpoint', `${why}; ${queue(reading)}.`);
  return warning(
    'endpoint',
    `${why}; the ${plural(stats.total - stats.opening, 'open one serves', 'open ones serve')}.`,
  );
}

function endpointOut(reading: VerdictReading, hurts: boolean): Finding {
  const { endpoints } = reading.health;
  const isOut = ({ state, circuit }: EndpointReading): boolean =>
    state !== 'draining' && (state === 'out' || circuit !== 'closed');
  const [first, second] = endpoints.filter(isOut);
  const others = endpoints.filter((endpoint) => !isOut(endpoint) && endpoint.state !== 'draining').length;
  if (first === undefined) {
    const doubtful = endpoints.find(({ state }) => state === 'doubtful');
    if (hurts || doubtful === undefined) return undefined;
    return warning(
      'endpoint',
      `${addressInShort(doubtful.url)} is doubtful: ${inShort(withoutAddress(doubtful.lastError ?? 'a probe or call got no answer'))}.`,
    );
  }
  const also = second === undefined ? '' : ` (and ${addressInShort(second.url)})`;
  const serve = others === 0 ? 'open connections still serve' : `${plural(others, 'other serves', 'others serve')}`;
  const sentence = `${out(first)}${also}; ${serve}`;
  return hurts
    ? critical('endpoint', `${sentence}, but ${queue(reading)}.`)
    : warning('endpoint', `${sentence}, and nobody waits long.`);
}

/** Callers wait while connections are idle: then most wait for a limit of their own agent. */
function atOwnLimit(reading: VerdictReading): Finding {
  const { stats, waitingAgents } = reading;
  const ofAgents = waitingAgents.reduce((sum, { waiting }) => sum + waiting, 0);
  const [most] = [...waitingAgents].sort((one, other) => other.waiting - one.waiting);
  if (most === undefined || stats.idle === 0 || ofAgents * 2 < stats.waiting || most.waiting === 0) return undefined;
  return warning(
    'agent',
    `Agent ${most.agentId} is at its own limit: ${plural(most.waiting, 'of its calls waits', 'of its calls wait')} while ${plural(stats.idle, 'connection is', 'connections are')} idle; the oldest waits for ${time(stats.oldestWaiter)}.`,
  );
}

/**
 * Half of what is lent has had no answer for longer than queries take: statistics of answered queries say nothing about those
 * that get no answer.
 */
function silentDatabase(reading: VerdictReading): Finding {
  const { leases, stats } = reading;
  const atLeast = stats.waiting > 0 ? silentWhileOthersWait : silentForLong;
  const patience = Math.max(atLeast, stats.queryTime.p99 * slowerBy);
  const silent = leases.flatMap(({ unansweredFor = 0 }) => (unansweredFor < patience ? [] : unansweredFor));
  if (silent.length === 0 || silent.length * 2 < stats.leased) return undefined;
  const what = `The database does not answer${slowestOf(reading)}: ${number(silent.length)} of ${number(stats.leased)} lent connections have had no answer for ${time(Math.max(...silent))}`;
  if (stats.waiting > 0) return critical('database', `${what}; ${queue(reading)}.`);
  return warning('database', `${what}; it is silent, or these are long queries; nobody waits for a connection.`);
}

function nested(reading: VerdictReading): Finding {
  const { nestedAcquires } = reading;
  if (nestedAcquires === 0) return undefined;
  return critical(
    'caller',
    `Callers that hold a connection acquire another while all are in use (${plural(nestedAcquires, 'time', 'times')} in the last minute), so they wait for each other; ${queue(reading)}: pass the connection on instead.`,
  );
}

/** Half of what is lent is held without a call: without these the pool would have twice the room. */
function heldIdle(reading: VerdictReading): Finding {
  const { leases, stats } = reading;
  const idle = leases.filter(({ idle, shared }) => !shared && (idle ?? 0) >= idleWhileOthersWait);
  const longest = mostIdle(idle);
  if (longest === undefined || idle.length * 2 < stats.leased || stats.waiting === 0) return undefined;
  return asBadAs(
    reading,
    'caller',
    `Callers hold connections without using them: ${number(idle.length)} of ${number(stats.leased)} that are lent had no call for over ${time(idleWhileOthersWait)}, the longest, ${nameOf(longest)}, for ${time(longest.idle ?? 0)}; ${queue(reading)}.`,
  );
}

/** Connections are lent much longer than their queries run, however short each pause is. */
function littleUsed(reading: VerdictReading): Finding {
  const { lately } = reading;
  if (lately === undefined || lately.served < fewestQueries || lately.queries < fewestQueries) return undefined;
  const lease = lately.leaseTime / lately.served;
  if (lease < shortLease || lately.queryTime > lately.leaseTime * leastUse) return undefined;
  const share = Math.round((100 * lately.queryTime) / lately.leaseTime);
  return asBadAs(
    reading,
    'caller',
    `Callers hold connections without using them: queries ran for ${share} % of the time that connections were lent (${time(lease)} on average); ${queue(reading)}: acquire later, release earlier.`,
  );
}

function slowDatabase(reading: VerdictReading, hurts: boolean): Finding {
  const slower = slowerThanBefore(reading);
  if (slower === undefined) return undefined;
  const { queryTime } = reading.stats;
  const sentence = `The database is slow${slowestOf(reading)}: a query takes ${time(slower.now)} and took ${time(slower.before)} before (p99 of the last minute ${time(queryTime.lastMinute.p99)})`;
  return hurts
    ? asBadAs(reading, 'database', `${sentence}; ${queue(reading)}.`)
    : warning('database', `${sentence}; nobody waits long for a connection.`);
}

/** Averages of the last seconds against all before; and of the last minute, when that is a small part of all. */
function slowerThanBefore({ lately, stats }: VerdictReading): { now: number; before: number } | undefined {
  const isSlower = (now: number, before: number): boolean => now >= before * slowerBy && now - before >= slowerAtLeast;
  if (lately?.usualQueryTime !== undefined && lately.queries >= fewestQueries) {
    const now = lately.queryTime / lately.queries;
    return isSlower(now, lately.usualQueryTime) ? { now, before: lately.usualQueryTime } : undefined;
  }
  const { count, p90, lastMinute } = stats.queryTime;
  const isSmallPart = lastMinute.count >= fewestQueries && lastMinute.count * 4 <= count;
  return isSmallPart && isSlower(lastMinute.p90, p90) ? { now: lastMinute.p90, before: p90 } : undefined;
}

/** Names the server that is much slower than another, if round trips are measured. */
function slowestOf({ health: { endpoints } }: VerdictReading): string {
  const known = endpoints
    .flatMap(({ latency, url }) => (latency === undefined ? [] : [{ latency, url }]))
    .sort((one, other) => other.latency - one.latency);
  const [slowest] = known;
  const fastest = known.at(-1);
  if (slowest === undefined || fastest === undefined || slowest.latency < fastest.latency * slowerBy) return '';
  return ` on ${addressInShort(slowest.url)}`;
}

function conflicting(reading: VerdictReading, hurts: boolean): Finding {
  const { lastMinute } = reading;
  if (lastMinute === undefined) return undefined;
  const { committed, conflicts } = lastMinute;
  const ended = committed + conflicts;
  if (conflicts < fewestConflicts || conflicts < ended * conflictShare) return undefined;
  const sentence = `Transactions conflict: ${number(conflicts)} of ${number(ended)} were refused in the last minute because others changed the same records first`;
  return hurts
    ? asBadAs(reading, 'conflicts', `${sentence}; ${queue(reading)}.`)
    : warning('conflicts', `${sentence}; nobody waits long for a connection.`);
}

function growing(reading: VerdictReading): Finding {
  const { opening, openTime, total, maxConnections, waiting } = reading.stats;
  if (opening === 0 || waiting === 0) return undefined;
  const usual = openTime.count === 0 ? '' : `, which takes about ${time(openTime.p50)}`;
  return asBadAs(
    reading,
    'pool',
    `The pool grows: ${plural(opening, 'connection is', 'connections are')} being opened${usual} (${number(total)} of ${number(maxConnections)}); ${queue(reading)}.`,
  );
}

/** Callers were turned away in the last minute, and nobody waits any more: why is not seen now. */
function over(reading: VerdictReading): Finding {
  if (reading.stats.waiting > 0) return undefined;
  const failed = reading.lastMinute?.openFailed ?? 0;
  const now = `now ${inUse(reading)} and nobody waits`;
  if (failed === 0) return warning('pool', `Callers were turned away: ${queue(reading)}; ${now}.`);
  return warning(
    'endpoint',
    `Callers were turned away while connections could not be opened (${plural(failed, 'attempt', 'attempts')}): ${queue(reading)}; ${now}.`,
  );
}

function tooSmall(reading: VerdictReading): Finding {
  const { idle, leased, maxConnections, queryTime } = reading.stats;
  const { count, p50, p99 } = queryTime.lastMinute;
  const longest = longestOf(reading.leases);
  const steady = reading.lately?.usualQueryTime === undefined ? 'queries take' : 'queries take no longer than before:';
  const queries = count === 0 ? '' : ` (${steady} ${time(p50)}, p99 ${time(p99)})`;
  const use = leased >= maxConnections ? `all ${number(maxConnections)} connections are in use` : inUse(reading);
  const prepared = leased < maxConnections && idle === 0 ? ', others are being probed or reset' : '';
  // One that is as short as the others is no place to look.
  const stands = longest !== undefined && longest.held >= Math.max(longWait, p99 * slowerBy);
  // How long the database took before is not known for ever: what is slow for long is the usual.
  const faster = count > 0 && p50 >= slowQuery ? ', if the server can take more, or make the queries faster' : '';
  const look = stands ? `, or look at the longest lease, ${nameOf(longest)} (${time(longest.held)})` : '';
  return asBadAs(
    reading,
    'pool',
    `The pool is the bottleneck: ${queue(reading)}, while ${use}${prepared}${queries}: raise maxConnections${faster}${look}.`,
  );
}

/** A lease without a call for long, though nobody waits long. */
function forgotten(reading: VerdictReading): Finding {
  const longest = mostIdle(reading.leases.filter(({ idle, shared }) => !shared && (idle ?? 0) >= idleForLong));
  if (longest === undefined) return undefined;
  const within = longest.inTransaction ? ' with an open transaction' : '';
  const waits = reading.stats.waiting === 0 ? 'nobody waits yet' : queue(reading);
  return warning(
    'caller',
    `A caller holds ${nameOf(longest)}${within} for ${time(longest.held)} and has made no call for ${time(longest.idle ?? 0)}; ${waits}.`,
  );
}

function refusedAgent({ refusedAgents, stats }: VerdictReading): Finding {
  const [most] = [...refusedAgents].sort((one, other) => other.refused - one.refused);
  if (most === undefined) return undefined;
  const others = new Set(refusedAgents.map(({ agentId }) => agentId)).size - 1;
  const also = others === 0 ? '' : ` (and ${plural(others, 'other agent', 'other agents')})`;
  return warning(
    'agent',
    `Agent ${most.agentId}${also} was refused ${plural(most.refused, 'time', 'times')} in the last minute by its limit ${most.limit}; the pool itself is well: ${number(stats.leased)} of ${number(stats.maxConnections)} connections in use.`,
  );
}

function healthy(reading: VerdictReading): Verdict {
  const { waiting } = reading.stats;
  const waits = waiting === 0 ? 'nobody waits' : queue(reading);
  return { kind: 'healthy', severity: 'fine', sentence: `Healthy: ${inUse(reading)}, ${waits}${failed(reading)}.` };
}

function failed({ lastMinute }: VerdictReading): string {
  if (lastMinute === undefined) return '';
  const { queries, queriesFailed } = lastMinute;
  if (queriesFailed < fewestQueries || queriesFailed < queries * failedShare) return '';
  return `; ${number(queriesFailed)} of ${number(queries)} queries failed in the last minute`;
}

function longestOf(leases: readonly LeaseReading[]): LeaseReading | undefined {
  return leases.reduce<LeaseReading | undefined>(
    (longest, lease) => (!lease.shared && (longest === undefined || lease.held > longest.held) ? lease : longest),
    undefined,
  );
}

function mostIdle(leases: readonly LeaseReading[]): LeaseReading | undefined {
  return leases.reduce<LeaseReading | undefined>(
    (longest, lease) => (longest === undefined || (lease.idle ?? 0) > (longest.idle ?? 0) ? lease : longest),
    undefined,
  );
}

/** Critical once callers were turned away or wait for a second. */
function asBadAs({ stats, lastMinute }: VerdictReading, kind: VerdictKind, sentence: string): Verdict {
  const lost = lastMinute === undefined ? 0 : lastMinute.timedOut + lastMinute.turnedAway;
  return lost > 0 || stats.oldestWaiter >= longWait ? critical(kind, sentence) : warning(kind, sentence);
}

function warning(kind: VerdictKind, sentence: string): Verdict {
  return { kind, severity: 'warning', sentence };
}

function critical(kind: VerdictKind, sentence: string): Verdict {
  return { kind, severity: 'critical', sentence };
}
