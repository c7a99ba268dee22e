/**
 * Faults that a change could make in the heart of the pool. For each of them at least one of its tests has to fail; see
 * scripts/mutation-check.mjs. `from` is source text that `src` holds exactly once, in whatever file; white space does
 * not count. Where `src` holds it more than once, `within` names the function, method or class that is meant.
 *
 * @typedef {{ name: string, from: string, within?: string, to: string, tests: readonly string[] }} Fault
 */

const parking = ['test/manager/parkable-lease-property.test.ts'];
const core = ['test/pool', 'test/scenarios'];
/** @param {string} name */
const endpoints = (name) => [`test/pool/endpoints-${name}.test.ts`];
const outcomes = ['test/transactions/outcomes.test.ts'];
const savepoints = ['test/transactions/savepoints-'];
const agents = ['test/agents/session.test.ts', 'test/agents/limits-in-force.test.ts', 'test/agents/audit.test.ts'];
const loss = ['test/transactions/transaction-loss.test.ts'];
const ownWrites = ['test/hazards/15-reads-of-own-writes.test.ts'];
const transaction = ['test/transactions/transaction.test.ts'];
const isolation = ['test/agents/isolation.test.ts'];
/** @param {string} name */
const cases = (name) => [`test/transactions/savepoint-cases/${name}.test.ts`];
/** @param {string} name */
const part = (name) => [`test/savepoints/${name}.test.ts`];

const http = ['test/http'];
const prometheus = ['test/prometheus'];
const health = ['test/health'];

/** @type {readonly Fault[]} */
export const faults = [
  // Leases that wait for something else
  {
    name: 'a parked lease that ended keeps the connection that comes late',
    from: `if (waiting.signal.aborted) { lease.release(); throw this.ended(); }`,
    to: `if (waiting.signal.aborted) { throw this.ended(); }`,
    tests: parking,
  },
  {
    name: 'the release of a parked lease does not end its acquire',
    from: `this.#waiting?.abort();`,
    to: ``,
    tests: parking,
  },
  {
    name: 'a lease is parked although its session is changed',
    from: `rules.releases && resource.isAtRest`,
    to: `rules.releases`,
    tests: parking,
  },
  {
    name: 'two calls of a parked lease take two connections',
    from: `this.#resuming ??= this`,
    to: `this.#resuming = this`,
    tests: parking,
  },
  {
    name: 'maxHold counts anew after each parking',
    from: `rules.maxHold - this.#heldBefore`,
    to: `rules.maxHold`,
    tests: parking,
  },
  // Fairness between tenants
  {
    name: 'a lease is not charged before it ends',
    from: `Math.max(this.#portions * now - this.#begun, this.#promised)`,
    to: `0`,
    tests: ['test/pool/fairness.test.ts'],
  },
  {
    name: 'a lease counts as one, however long it takes',
    from: `this.#base += (portion * (now - since)) / this.#weight;`,
    to: `this.#base += 20 / this.#weight;`,
    tests: ['test/pool/fairness.test.ts'],
  },
  {
    name: 'the weight of a tenant does not count',
    from: `this.#base += (portion * (now - since)) / this.#weight;`,
    to: `this.#base += portion * (now - since);`,
    tests: ['test/pool/fairness.test.ts'],
  },
  {
    name: 'a tenant saves up what it did not use',
    from: `if (share.period !== this.#period || share.dueAt(now) < earliest) share.startAt(earliest, now);`,
    to: ``,
    tests: ['test/pool/fairness.test.ts', 'test/pool/tenants.test.ts'],
  },
  {
    name: 'a tenant goes on owing when nobody waits any more',
    from: `if (this.#heap.length === 0) this.#period++;`,
    to: ``,
    tests: ['test/pool/fairness.test.ts', 'test/pool/tenants.test.ts'],
  },
  {
    name: 'a tenant that was away saves up nothing',
    from: `const mostSaved = 100;`,
    to: `const mostSaved = 0;`,
    tests: ['test/pool/tenants.test.ts'],
  },
  {
    name: 'a tenant has one lease more than its cap',
    from: `return this.#inUse + this.#passed < this.#cap;`,
    to: `return this.#inUse + this.#passed <= this.#cap;`,
    tests: ['test/pool/fairness.test.ts'],
  },
  {
    name: 'a reserve does not count',
    from: `if (share.isOwed) this.#owed.add(share);`,
    to: ``,
    tests: ['test/pool/fairness.test.ts'],
  },
  {
    name: 'those who wait behind a waiter that gave up go on waiting beside an idle connection',
    from: `rejections.timeOut(waiter);
        leasing.serveOthers(waiter.tenant);`,
    to: `rejections.timeOut(waiter);`,
    tests: ['test/pool/tenants.test.ts'],
  },
  {
    name: 'a full line refuses who comes, whoever fills it',
    from: `if (crowd === undefined || crowd.tenant.queue.length <= tenant.queue.length + 1) {`,
    to: `if (true) {`,
    tests: ['test/pool/load-shedding.test.ts'],
  },
  {
    name: 'overload is seen in the longest wait instead of the shortest',
    from: `delay.shortest = Math.min(delay.shortest, now - since);`,
    to: `delay.shortest = Math.max(delay.shortest, now - since);`,
    tests: ['test/pool/load-shedding.test.ts'],
  },
  {
    name: 'the first waiter of an interval is refused too',
    from: `delay.until = now + interval;
      return false;`,
    to: `delay.until = now + interval;
      return true;`,
    tests: ['test/pool/load-shedding.test.ts'],
  },
  {
    name: 'a connection that was switched goes to another identity at its next release',
    from: `return Math.min(2 * duration, longestStay);`,
    to: `return 0;`,
    tests: ['test/pool/identities.test.ts'],
  },
  {
    name: 'a connection that was switched stays with its identity for ever',
    from: `return now < member.staysUntil && !next.tenant.isBelowReserve;`,
    to: `return member.staysUntil > 0 && !next.tenant.isBelowReserve;`,
    tests: ['test/pool/identities.test.ts'],
  },
  {
    name: 'a connection waits for callers of its identity while a tenant is below its reserve',
    from: `return now < member.staysUntil && !next.tenant.isBelowReserve;`,
    to: `return now < member.staysUntil;`,
    tests: ['test/pool/identities.test.ts'],
  },
  {
    name: 'a slow call follows others on a connection while tenants share the pool',
    from: `return now - this.#changedAt > remembered || calls * tenant.usualTime < longestQueue;`,
    to: `return true;`,
    tests: ['test/pool/seat.test.ts'],
  },
  {
    name: 'quick calls wait for each other while tenants share the pool',
    from: `return now - this.#changedAt > remembered || calls * tenant.usualTime < longestQueue;`,
    to: `return now - this.#changedAt > remembered;`,
    tests: ['test/pool/seat.test.ts'],
  },
  {
    name: 'calls of two tenants share a message',
    from: `const seat = this.#joinable.get(group)?.get(tenant);`,
    to: `const seat = [...(this.#joinable.get(group)?.values() ?? [])][0];`,
    tests: ['test/pool/seat.test.ts'],
  },
  // States and transitions
  {
    name: 'a connection that closes is not counted out of its identity',
    from: `group.connections--;
      endpoint.connections--;`,
    within: '#moveInGroup',
    to: ``,
    tests: core,
  },
  {
    name: 'a connection that dies while it is lent is lent again',
    from: `else if (state === 'leased') member.retirement ??= 'died';`,
    to: `else if (state === 'leased') return;`,
    tests: core,
  },
  {
    name: 'a connection that was recycled by generation is lent again',
    from: `if (member.generation !== this.#generation) return 'recycled';`,
    to: ``,
    tests: core,
  },
  {
    name: 'recycleAll() leaves the openings that are under way',
    from: `member.abandon?.(new Abandoned('it was begun before recycleAll()'));`,
    to: `void member;`,
    tests: ['test/pool/promises.test.ts', 'test/pool/pause-resize-recycle.test.ts'],
  },
  {
    name: 'a connection past its lifetime is lent',
    from: `if (now >= member.expiresAt) return 'lifetime';`,
    to: ``,
    tests: core,
  },
  {
    name: 'uses are not counted towards recycleAfterUses',
    from: `member.uses++;`,
    to: ``,
    tests: core,
  },
  {
    name: 'what a lease changed is not reset',
    from: `if (unfit === undefined && factory.isClean(member.resource as R)) {`,
    to: `if (unfit === undefined) {`,
    tests: core,
  },
  {
    name: 'calls under way are cut off when their connection is due for closing',
    from: `return this.#parts.factory.idleFor(member.resource as R) === undefined;`,
    to: `return false;`,
    tests: [...core, 'test/session/reset.test.ts'],
  },
  {
    name: 'a late arrival is not closed',
    from: `if (arrival !== undefined) await factory.close(arrival.resource, signal);`,
    to: `void arrival; void signal;`,
    tests: core,
  },

  // Deadlines
  {
    name: 'no deadline is armed for a step of work',
    from: `const timer = patientTimer(clock, step.timeout, true, () => giveUp(new DeadlineError(step.name, step.timeout)));`,
    to: `const timer = { cancel() {} };`,
    tests: core,
  },
  {
    name: 'no deadline is armed for a waiter',
    from: `this.#deadlines.add(waiter);`,
    to: ``,
    tests: core,
  },
  {
    name: 'a signal is not forgotten when the wait is over',
    from: `waiter.forgetSignal?.();`,
    to: ``,
    tests: core,
  },

  // Order and fairness
  {
    name: 'the connection that was used longest ago is lent first',
    from: `this.#lists[endpoint.slot]?.last?.owner;`,
    to: `this.#lists[endpoint.slot]?.first?.owner;`,
    tests: core,
  },
  {
    name: 'the caller who comes last is served first',
    from: `this.#all.append(waiter);`,
    to: `this.#all.insert(waiter, undefined);`,
    tests: core,
  },
  {
    name: 'the caller who comes last is served first among those of one identity',
    from: `this.#byGroup.of(waiter.group).append(waiter.place);`,
    to: `this.#byGroup.of(waiter.group).insert(waiter.place, undefined);`,
    tests: core,
  },
  {
    name: 'an identity gets whatever is idle',
    from: `const member = matching ?? idle.oldest;`,
    to: `const member = idle.oldest;`,
    tests: core,
  },
  {
    name: 'a caller who asks for a fresh connection is lent an idle one at once',
    from: `this.#state.isRunning && !fresh && tenant.mayBorrow) {`,
    to: `this.#state.isRunning && tenant.mayBorrow) {`,
    tests: ['test/pool/validation.test.ts'],
  },
  {
    name: 'a caller who waits for a fresh connection is given an idle one',
    from: `if (waiter.fresh) {`,
    to: `if (waiter.fresh && Number.isNaN(0)) {`,
    tests: ['test/pool/validation.test.ts'],
  },
  {
    name: 'a caller who waits for a fresh connection is given one that was lent before',
    from: `!waiter.fresh || (!reused && member.since >= waiter.since);`,
    to: `waiter !== undefined;`,
    tests: ['test/pool/validation.test.ts'],
  },
  {
    name: 'a caller who waits for a fresh connection is handed the next that is released',
    from: `const isNext = waiter !== undefined && !waiter.fresh && !waiter.isTooLate(now);`,
    to: `const isNext = waiter !== undefined && !waiter.isTooLate(now);`,
    tests: ['test/pool/validation.test.ts'],
  },
  {
    name: 'the newest idle connection becomes one of another identity, not the oldest',
    from: `return this.#all.first;`,
    within: 'IdleConnections',
    to: `return this.#all.last;`,
    tests: core,
  },
  {
    name: 'a health check makes a connection younger',
    from: `inventory.putBack(member);`,
    to: `member.idleSince = now;
          inventory.move(member, 'idle');`,
    tests: core,
  },

  // Bounds
  {
    name: 'more are opened at once than allowed',
    from: `if (!endpoints.many && endpoint.opening < settings.maxConnecting) return 0;`,
    to: `return 0;`,
    tests: core,
  },
  {
    name: 'openings that have become slow count against maxConnecting',
    from: `return oldest === undefined ? 0 : slow - (now - oldest.since);`,
    to: `return slow - (now - (oldest?.since ?? now));`,
    tests: ['test/pool/promises.test.ts', 'test/pool/opening.test.ts'],
  },
  {
    name: 'an identity that was never had is prepared without limit',
    from: `return (group.proven && group.silences === 0) || group.opening + group.preparing === 0;`,
    to: `return true;`,
    tests: ['test/pool/promises.test.ts', 'test/pool/identities.test.ts'],
  },
  {
    name: 'closing is not bounded',
    from: `if (counts.closing + counts.opening > sizing.max) return Number.POSITIVE_INFINITY;`,
    to: ``,
    tests: core,
  },
  {
    name: 'a refused identity fails the callers of other identities too',
    from: `for (let waiter = line.anyOf(group); waiter !== undefined; waiter = line.anyOf(group)) {`,
    to: `for (let waiter = line.oldest; waiter !== undefined; waiter = line.oldest) {`,
    tests: core,
  },
  {
    name: 'the backoff between attempts is left out',
    from: `pause: settings.backoff(failures),`,
    to: `pause: 0,`,
    tests: core,
  },
  {
    name: 'idle connections are closed below the minimum',
    from: `|| inventory.total <= sizing.min) return;`,
    to: `) return;`,
    tests: core,
  },

  // Counters
  {
    name: 'acquires that time out are not counted',
    from: `this.#timedOut++;`,
    to: ``,
    tests: core,
  },
  {
    name: 'how long callers waited who timed out is not recorded',
    from: `this.#waitTime.record(waited, this.#clock.now());`,
    within: '#gaveUp',
    to: ``,
    tests: ['test/pool/statistics.test.ts'],
  },
  {
    name: 'a second release is not noticed',
    from: `this.#releasedTwice++;`,
    to: ``,
    tests: core,
  },
  {
    name: 'a release is told after the closing it causes',
    from: `journal.released(member.id, now - lease.since, member.uses, now);`,
    to: `queueMicrotask(() => journal.released(member.id, now - lease.since, member.uses, now));`,
    tests: ['test/pool/promises.test.ts', 'test/pool/events.test.ts'],
  },
  {
    name: 'a release throws when a question to the factory does',
    from: `try {
      return this.#factory.idleFor(resource);
    } catch {
      return 0;
    }`,
    to: `return this.#factory.idleFor(resource);`,
    tests: ['test/pool/promises.test.ts'],
  },
  {
    name: 'a release throws when it cannot be known whether the connection is clean',
    from: `try {
      return this.#factory.isClean(resource);
    } catch {
      return false;
    }`,
    to: `return this.#factory.isClean(resource);`,
    tests: ['test/pool/promises.test.ts'],
  },

  // Readiness
  {
    name: 'a pool whose probes and calls get no answer is ready',
    from: `if (unanswered >= unhealthyThreshold) {`,
    to: `if (unanswered < 0) {`,
    tests: ['test/pool/health.test.ts', 'test/pool/promises.test.ts'],
  },
  {
    name: 'a call that got no answer is not told to the health of the pool',
    from: `if (health.troubled || member.retirement !== undefined) health.released(member, lease.since, now);`,
    to: `if (health.troubled && member.retirement !== 'unanswered') health.released(member, lease.since, now);`,
    tests: core,
  },
  {
    name: 'a pool is ready before it had its first connection',
    from: `if (opened === 0) return not(cause === '' ? 'no connection was made yet' : \`cannot open connections\${cause}\`);`,
    to: ``,
    tests: ['test/pool/promises.test.ts'],
  },

  // Connections
  {
    name: 'a query and a change of the session run side by side',
    from: `if (this.#queries > 0) return;`,
    to: ``,
    tests: ['test/session/session-order.test.ts', 'test/hazards'],
  },
  {
    name: 'a released lease still gives its connection',
    from: `if (this.#state !== 'active') throw this.ended();`,
    to: ``,
    tests: ['test/pool/release.test.ts', 'test/session/lease.test.ts'],
  },
  {
    name: 'variables are not unset at the reset',
    from: `: transport.unset(name, session)`,
    to: `: Promise.resolve()`,
    tests: ['test/session'],
  },
  {
    name: 'live queries are not killed at the reset',
    from: `for (const id of changes.liveQueries.values()) await killLiveQuery(connection, id);`,
    within: '#undo',
    to: ``,
    tests: ['test/session'],
  },
  {
    name: 'a user that a lease signed in stays signed in',
    from: `if (changes.authentication) {`,
    to: `if (Number.isNaN(0)) {`,
    tests: ['test/session', 'test/hazards/06-session-expiry.test.ts'],
  },
  {
    name: 'a lease leaves the next one in the database that it chose',
    from: `if (changes.database) await this.#sessions.use(connection, identity, signal);`,
    to: ``,
    tests: isolation,
  },
  {
    name: 'a user that a lease signed in is met by another agent',
    from: `this.changes.authentication = true;`,
    within: 'authenticate',
    to: ``,
    tests: isolation,
  },
  {
    name: 'a variable that a lease took away is not noted',
    from: `this.changes.variables.add(name);`,
    within: 'unset',
    to: ``,
    tests: ['test/session/identity.test.ts'],
  },
  {
    name: 'a live query started by a statement is not noted',
    from: `if (id instanceof Uuid) connection.liveQueryBegan(id);`,
    to: `void id; void connection;`,
    tests: isolation,
  },
  {
    name: 'a transaction that a lease left open is not cancelled',
    from: `for (const id of changes.transactions) await connection.transport.cancel(id, connection.session);`,
    to: ``,
    tests: isolation,
  },
  {
    name: 'the signal of a transaction keeps a lease that was dropped',
    from: `const open = new WeakRef(channel);`,
    to: `const open = { deref: () => channel };`,
    tests: ['test/manager/leaks.test.ts'],
  },
  {
    name: 'the failure of a transaction keeps a lease that was dropped',
    from: `writeStacks(failure);`,
    to: ``,
    tests: ['test/manager/leaks.test.ts'],
  },
  {
    name: 'a session that nears its end is not signed in again',
    from: `if (systemClock.now() < this.#session.signInAgainAt || this.changes.authentication) return undefined;`,
    to: `if (this.#session !== undefined) return undefined;`,
    tests: ['test/session/identity.test.ts', 'test/hazards/06-session-expiry.test.ts'],
  },
  {
    name: 'every connection signs in by password',
    from: `return isUsable(token) ? token : undefined;`,
    to: `return undefined;`,
    tests: ['test/session'],
  },
  {
    name: 'an idle connection is lent past the end of its token',
    from: `if (now >= factory.lendableUntil(member.resource as R)) return false;`,
    to: ``,
    tests: ['test/session/token-end.test.ts', 'test/pool/validation.test.ts'],
  },
  {
    name: 'a probe does not ask the server again who the session is',
    from: `if (isDue) await this.#renewSession(() => this.#keeper.proveAgain(this));`,
    to: `if (isDue && Number.isNaN(0)) await this.#renewSession(() => this.#keeper.proveAgain(this));`,
    tests: ['test/session/token-end.test.ts'],
  },
  {
    name: 'a record that is gone is not noticed',
    from: `else if (this.#seenRecord === record) {`,
    to: `else if (Number.isNaN(0)) {`,
    tests: ['test/session/token-end.test.ts'],
  },
  {
    name: 'a user is let into a place where it has no rights',
    from: `if (place !== undefined && !covers(level, place)) throw placeRefused(user, place);`,
    to: ``,
    tests: ['test/session/credentials.test.ts'],
  },
  {
    name: 'a token that is known to have ended is tried on a connection',
    from: `this.#refuseEnded();
    if (typeof this.#source`,
    to: `if (typeof this.#source`,
    tests: ['test/session/token-end.test.ts'],
  },
  {
    name: 'a credentials function is asked while a connection waits for it',
    from: `credentials = this.#factory.prepare(identity);`,
    to: `credentials = undefined;`,
    tests: ['test/session/credentials.test.ts'],
  },
  {
    name: 'the next refresh token is lost',
    from: `this.#refresh = tokens.refresh;`,
    to: ``,
    tests: ['test/session/credentials.test.ts'],
  },
  {
    name: 'a call that was given up leaves its connection in the pool',
    from: `lease.markForRecycling(error instanceof QueryTimeoutError ? 'unanswered' : 'cut-off');`,
    to: ``,
    tests: ['test/session/limits.test.ts', 'test/hazards'],
  },
  {
    name: 'a probe is satisfied with any database',
    from: `&& database !== identity.database) {`,
    to: `&& Number.isNaN(0)) {`,
    tests: ['test/session/probe.test.ts'],
  },
  {
    name: 'a probe is satisfied with nobody',
    from: `&& isSignedIn !== true) {`,
    to: `&& Number.isNaN(0)) {`,
    tests: ['test/session/probe.test.ts'],
  },
  {
    name: 'a socket is lent until its connection ends, though its close was announced',
    from: `if (announced) observer.closing(`,
    to: `if (announced && code === 0) observer.closing(`,
    tests: ['test/session/closing-sockets.test.ts'],
  },
  {
    name: 'a call under way waits for the end of the connection, though no answer can come',
    from: `setImmediate(() => this.terminate());`,
    to: ``,
    tests: ['test/session/closing-sockets.test.ts'],
  },
  {
    name: 'a call whose message the server could not read waits for ever while others were under way',
    from: `return this.#candidates.delete(id) ? this.#found() : [];`,
    to: `return [];`,
    tests: ['test/wire/unread-requests.test.ts', 'test/hazards/16-unreadable-message.test.ts'],
  },
  {
    name: 'the server says that it cannot read a message, and the caller is not told',
    from: `if (isUnreadRequest(reply)) return this.#refuseUnread(this.#unread.told(this.#pending.keys()), settle);`,
    to: ``,
    tests: ['test/hazards/16-unreadable-message.test.ts'],
  },
  {
    name: 'a call that was sent before a message that was too large is told as not sent',
    from: `if (index >= first) call.refused`,
    to: `call.refused`,
    tests: ['test/session/closing-sockets.test.ts'],
  },
  {
    name: 'a client that reads its notifications too slowly counts as an illness of the server',
    from: `return !this.isTooLarge && !(this.closeCode === tryAgainLater && lagging.test(this.reason));`,
    to: `return !this.isTooLarge;`,
    tests: ['test/session/closing-sockets.test.ts'],
  },
  {
    name: 'a socket that takes no further session is a refusal of the identity',
    from: `if (isMethodRefused(error, 'attach') && sessions.size > 0)`,
    to: `if (isMethodRefused(error, 'attach') && this.#sessions.size < 0)`,
    tests: ['test/session/full-socket.test.ts'],
  },
  {
    name: 'a silent socket is not asked for a sign of life',
    from: `if (asks) socket.ping();`,
    to: ``,
    tests: ['test/wire/transport.test.ts'],
  },
  {
    name: 'a socket is given up although the event loop was blocked',
    from: `const blocked = now - due > probeTimeout / 2;`,
    to: `const blocked = Number.isNaN(due);`,
    tests: ['test/wire/liveness.test.ts'],
  },

  // Time
  {
    name: 'a timer is believed before what has arrived is read',
    from: `this.#reading = afterReading(this.#callback);`,
    to: `this.#callback();`,
    tests: ['test/time/clock.test.ts', 'test/time/blocked-loop.test.ts'],
  },
  {
    name: 'a blocked event loop uses up all the time of a step',
    from: `const parts = 4;`,
    to: `const parts = 1;`,
    tests: ['test/time/patient-timer.test.ts'],
  },
  {
    name: 'a signal cuts off a call whose answer has arrived',
    from: `if (request.sent) reading = afterReading(onSignal);`,
    to: `if (Number.isNaN(0)) reading = afterReading(onSignal);`,
    tests: ['test/time/blocked-loop.test.ts'],
  },
  {
    name: 'the clock is one that a test may replace',
    from: `const now = performance.now.bind(performance);`,
    to: `const now = () => globalThis.performance.now();`,
    tests: ['test/time/clock.test.ts'],
  },
  {
    name: 'timers and openings keep the request that they happened in',
    from: `return own.runInAsyncScope(work);`,
    to: `return work();`,
    tests: ['test/time/clock.test.ts', 'test/time/own-context.test.ts'],
  },
  {
    name: 'a suspension of the machine is not noticed',
    from: `return slept > jump ? slept : 0;`,
    to: `return slept > Number.POSITIVE_INFINITY ? slept : 0;`,
    tests: ['test/time/suspension.test.ts'],
  },
  {
    name: 'each wish to end with a signal is a listener of its own',
    from: `if (told.size === 0) signal.addEventListener('abort', tellAll, { once: true });`,
    to: `signal.addEventListener('abort', () => tellAll.call(signal), { once: true });`,
    tests: ['test/time/on-abort.test.ts'],
  },

  // Resilience
  {
    name: 'the circuit never opens',
    from: `if (circuit !== 'closed' || Math.max(failures, unanswered) >= failureThreshold) return 'open';`,
    to: `if (circuit !== 'closed') return 'open';`,
    tests: ['test/endpoints', 'test/pool/opening.test.ts'],
  },
  {
    name: 'two attempts are made from an open circuit',
    from: `return attempted(state, sign.began, random);`,
    to: `return state;`,
    tests: ['test/endpoints', 'test/pool/opening.test.ts'],
  },
  {
    name: 'an opening resets the backoff',
    from: `health.report(endpoint, { sign: 'opened', began: now });`,
    to: `health.report(endpoint, { sign: 'answered', began: now, at: now });
    health.report(endpoint, { sign: 'lasted', began: now });`,
    tests: ['test/pool/promises.test.ts', 'test/pool/opening.test.ts'],
  },
  {
    name: 'a connection that is lost soon after its opening is no failed attempt',
    from: `const young = now - member.since < settlingTime;`,
    to: `const young = Number.isNaN(now);`,
    tests: ['test/pool/promises.test.ts', 'test/pool/opening.test.ts'],
  },
  {
    name: 'a probe that is answered resets the count of failures',
    from: `if (byCall) return { ...proven, failures: Math.min(state.failures, 1) };`,
    to: `return { ...proven, failures: 0 };`,
    tests: ['test/endpoints'],
  },
  {
    name: 'a half-open circuit has no way back when its attempt is given up',
    from: `circuit: isTheAttempt(state, sign) ? 'open' : state.circuit };`,
    to: `circuit: state.circuit };`,
    tests: ['test/endpoints'],
  },
  {
    name: 'a backoff that has grown outlives the circuit',
    from: `asked ? Math.min(pause, longest) : pause`,
    to: `pause`,
    tests: ['test/pool/model.test.ts'],
  },
  {
    name: 'attempts that hang one beside the other are one failure, and the circuit stays closed',
    from: `const countedFrom = sign === 'failed' ? began : now;`,
    to: `const countedFrom = sign === 'failed' ? Math.max(began, attemptedAt) : now;`,
    tests: ['test/endpoints/endpoint.test.ts'],
  },
  {
    name: 'an attempt that hangs holds up the next one',
    from: `const openings = !health.proving || pause > 0;`,
    to: `const openings = true;`,
    tests: ['test/pool/hanging-attempts.test.ts'],
  },
  {
    name: 'a waiter gets no grace after a blocked loop',
    from: `if (lateness < late || now >= first.deadline + first.timeout) this.#expire(first);`,
    to: `if (lateness >= 0) this.#expire(first);`,
    tests: ['test/pool/deadlines.test.ts'],
  },
  {
    name: 'the silence of one identity counts for the server',
    from: `const isItsOwn = identity !== undefined`,
    to: `const isItsOwn = Number.isNaN(0)`,
    tests: ['test/endpoints', 'test/pool/promises.test.ts'],
  },
  {
    name: 'the pause is not drawn at random',
    from: `return (failures) => random() * `,
    to: `return (failures) => `,
    tests: ['test/time/backoff.test.ts'],
  },
  {
    name: 'what may have been executed is done again',
    from: `if (idempotent) return 'sparingly';`,
    to: `return 'sparingly';`,
    tests: ['test/manager/retry.test.ts', 'test/calls/repeated-reads.test.ts'],
  },
  {
    name: 'a read is not made again when its connection ends',
    from: `isEndOfConnection(error) && onlyReads() ?`,
    to: `isEndOfConnection(error) && !onlyReads ?`,
    tests: ['test/calls/repeated-reads.test.ts'],
  },
  {
    name: 'a write is made again when its connection ends',
    from: `isEndOfConnection(error) && onlyReads() ?`,
    to: `isEndOfConnection(error) ?`,
    tests: ['test/calls/repeated-reads.test.ts'],
  },
  {
    name: 'an answer that cannot be read is asked for again',
    from: `if (cause instanceof SocketClosedError) return cause.isIllness;
    if (typeof (cause as NodeJS.ErrnoException).syscall === 'string') return true;
  }
  return false;`,
    to: `void cause;
  }
  return true;`,
    tests: ['test/hazards/11-corrupt-frame.test.ts'],
  },
  {
    name: 'a read is made again although repeatReads is off',
    from: `idempotent === undefined && retryPolicy.repeatReads`,
    to: `idempotent === undefined`,
    tests: ['test/calls/repeated-reads.test.ts'],
  },
  {
    name: 'a statement that is not known counts as a read',
    from: `!isUnknownStatement(token, at, context) && `,
    to: ``,
    tests: ['test/surrealql'],
  },
  // Savepoints
  {
    name: 'a replay that gives something else is taken for equal',
    from: `this.#compare(call, answers, calls, from + offset);`,
    to: `this.#compare(call, [...call.answers()], calls, from + offset);`,
    tests: savepoints,
  },
  {
    name: 'a statement that fails when it is made again is told as a status',
    from: `&& !isSameError(before, now, comparison.keys)) {`,
    to: `&& Number.isNaN(0)) {`,
    tests: savepoints,
  },
  {
    name: 'moments of others are taken for those that the server made for the replay',
    from: `if (again?.young === made.young) throw`,
    to: `if (again?.young === 0n) throw`,
    tests: cases('moments'),
  },
  {
    name: 'what was read behind a savepoint is not verified',
    from: `mayRead && call.onlyReads)), ...reads];`,
    to: `mayRead && call.onlyReads))];`,
    tests: ['test/transactions/savepoints-rollback.test.ts', ...cases('reads')],
  },
  {
    name: 'a witness gets only what came before the savepoint',
    from: `entries: [...before, ...behind], looks, lookAt: before.length + reads.length };`,
    to: `entries: before, looks, lookAt: before.length };`,
    tests: cases('reads'),
  },
  {
    name: 'what was undone earlier is not verified',
    from: `for (const entries of branches) {`,
    to: `for (const entries of branches.slice(0, 0)) {`,
    tests: cases('reads'),
  },
  {
    name: 'a piece of work that cannot be undone leaves its savepoints',
    from: `this.#undoing().savepoints.keepOnly(outer);`,
    to: ``,
    tests: savepoints,
  },
  {
    name: 'what was undone and had only read is forgotten',
    from: `for (const entry of reads) this.#entries.push(entry.undone ? entry : { ...entry, undone: true, part });`,
    to: ``,
    tests: savepoints,
  },
  {
    name: 'a call that answers something else each time has the work done again',
    from: `lasting = other !== undefined && !agree(one, other) && sawTheSame(one, other, looks);`,
    to: `lasting = false;`,
    tests: savepoints,
  },
  {
    name: 'what cannot be verified is undone all the same',
    from: `this.#refuseUnverifiable([...history.before, ...history.behind]);`,
    to: ``,
    tests: savepoints,
  },
  {
    name: 'the second transaction does not take the place of the first',
    from: `this.#current = second;`,
    to: `this.#current = first;`,
    tests: savepoints,
  },
  {
    name: 'a second transaction that diverged is left open',
    from: `void this.#server.drop(second);
      if (error instanceof`,
    to: `if (error instanceof`,
    tests: savepoints,
  },
  {
    name: 'a witness is left open',
    from: `void this.#server.drop(witness);`,
    to: `void witness;`,
    tests: savepoints,
  },
  {
    name: 'what came behind a savepoint stays in the log',
    from: `const behind = this.#entries.splice(mark.length);`,
    to: `const behind = this.#entries.slice(mark.length);`,
    tests: savepoints,
  },
  {
    name: 'replayed calls are not counted',
    from: `this.#replayed += calls.length + looks.length;`,
    to: `if (this.#replayed > 2 * replayBudget) throw new RangeError('too many'); this.#replayed += calls.length / 4;`,
    tests: savepoints,
  },
  {
    name: 'a batch has as little time as one call',
    from: `call.timeoutFactor = calls;`,
    to: ``,
    tests: savepoints,
  },
  {
    name: 'the work of another context joins an open transaction',
    from: `if (!transaction.nesting.isAroundCaller) {`,
    to: `if (transaction.nesting.isAroundCaller === undefined) {`,
    tests: savepoints,
  },
  {
    name: 'what was refused before it was sent aborts the transaction',
    from: `if (error instanceof UsageError) throw error;`,
    within: 'TransactionChannel',
    to: ``,
    tests: ['test/transactions/transaction.test.ts'],
  },
  {
    name: 'work that committed by itself is done again after a conflict',
    from: `if (mayBeApplied || (`,
    to: `if ((`,
    tests: outcomes,
  },
  {
    name: 'a begin that was lost is of unknown outcome',
    from: `throw lossOf(error)?.ofTransaction ?? error;`,
    to: `throw error;`,
    tests: outcomes,
  },
  {
    name: 'a call that was cut off in a transaction is of unknown outcome',
    from: `{ outcome: 'not-sent', cause: error }) };`,
    to: `{ outcome: 'unknown', cause: error }) };`,
    tests: outcomes,
  },
  {
    name: 'what came after a commit is told as not applied',
    from: `{ committed: 'applied', unknown: 'unknown' }`,
    to: `{ unknown: 'unknown' }`,
    tests: outcomes,
  },
  {
    name: 'the end of its time hides what became of a commit',
    from: `return givenUp ? failure : error;`,
    to: `return failure === undefined ? failure : error;`,
    tests: outcomes,
  },
  {
    name: 'pieces of work run beside each other',
    from: `!pieces.includes(outer)`,
    to: `pieces.includes(outer)`,
    tests: savepoints,
  },
  {
    name: 'a savepoint has the queries that were made during its rollback forgotten',
    from: `const unsentNow = [...unsent];`,
    to: `const unsentNow = unsent;`,
    tests: [...cases('forgotten'), ...outcomes],
  },
  {
    name: 'what is behind a savepoint stays one',
    from: `savepoints.keepUpTo(made);`,
    to: ``,
    tests: savepoints,
  },
  {
    name: 'a rollback to a savepoint goes on though its transaction has ended meanwhile',
    from: `refuse();
      this.#server.adopt(second);`,
    to: `this.#server.adopt(second);`,
    tests: ['test/transactions/savepoints-faults.test.ts'],
  },
  {
    name: 'the snapshots of the second transaction and of the witness are not held against each other',
    from: `of looks.entries()) {`,
    to: `of looks.slice(0, 0).entries()) {`,
    tests: ['test/transactions/there-and-back.test.ts'],
  },
  {
    name: 'what was undone and had written is forgotten',
    from: `this.#branches.push([...this.#entries, ...behind]);`,
    to: `void 0;`,
    tests: cases('reads'),
  },
  {
    name: 'when calls were made again is forgotten',
    from: `if (window !== undefined) this.#replays.push(window);`,
    to: ``,
    tests: [...part('call-log'), ...cases('moments')],
  },
  // Reads that write
  {
    name: 'the second transaction is gone on in although a read has written in it',
    from: `if (!adopted.onlyRead) return undefined;`,
    to: ``,
    tests: cases('hidden-writes'),
  },
  {
    name: 'computed fields are taken for harmless',
    from: `[computed, permissions?.select]`,
    to: `[permissions?.select]`,
    tests: cases('hidden-writes'),
  },
  {
    name: 'the permissions of tables are taken for harmless',
    from: `...tables.map(({ permissions }) => permissions?.select),`,
    to: ``,
    tests: ['test/savepoints/schema-scan.test.ts'],
  },
  // Times and ids that the server makes
  {
    name: 'a time may be another one in records of others',
    from: `const isOwn = record === undefined ? call.writes : call.wrote(record);`,
    to: `const isOwn = true;`,
    tests: part('answer-comparison'),
  },
  {
    name: 'a time may be another one whenever it was made the first time',
    from: `!call.madeFirst(old) ||`,
    to: ``,
    tests: part('answer-comparison'),
  },
  {
    name: 'a time may be another one whenever it was made again',
    from: `|| !call.madeAgain(young)) return false;`,
    to: `) return false;`,
    tests: part('answer-comparison'),
  },
  {
    name: 'one time may become two',
    from: `if (known !== undefined) return known.young === young;`,
    to: `if (known !== undefined) return true;`,
    tests: part('answer-comparison'),
  },
  {
    name: 'the server has made every time at once, whatever its clock says',
    from: `return time >= from + this.#leastOffset && time <= until + this.#mostOffset;`,
    to: `return time >= from + this.#leastOffset - 60_000 && time <= until + this.#mostOffset;`,
    tests: part('server-clock'),
  },
  {
    name: 'a time from before the question counts as made since',
    from: `return time >= this.#asked && time <=`,
    to: `return time <=`,
    tests: part('server-clock'),
  },
  {
    name: 'a time that is given back before a rollback is not refused',
    from: `if (windows.some((window) => server.isWithin(moment, window))) return call;`,
    to: `void server;`,
    tests: cases('moments'),
  },
  {
    name: 'a time that is given back behind a rollback is not refused',
    from: `for (const moment of replaced) log.replaced.add(moment);`,
    to: ``,
    tests: cases('moments'),
  },
  {
    name: 'an id may be another one in an answer that has made none',
    from: `if (!call.makesIds`,
    to: `if (Number.isNaN(0)`,
    tests: part('answer-comparison'),
  },
  {
    name: 'parameters name records by the ids of the first time',
    from: `const bindings = withKeysEncoded(message.bindings, keys);`,
    to: `const { bindings } = message;`,
    tests: part('rerun'),
  },
  {
    name: 'texts name records by the ids of the first time',
    from: `const text = withKeys([...(timed ? this.#before() : []), message.text].join(';\\n'), keys);`,
    to: `const text = [...(timed ? this.#before() : []), message.text].join(';\\n');`,
    tests: part('rerun'),
  },
  {
    name: 'builders leave the ids of new records to the server',
    from: `return pinned instanceof Unpinnable ? bindings : pinned;`,
    to: `return bindings;`,
    tests: part('pinned-ids'),
  },
  // Replays
  {
    name: 'the parameters of a call are set outside of a block',
    from: `texts.push(own.length === 0 ? call.text : \`{ \${sets.join(' ')}\\n\${call.text}\\n}\`);`,
    to: `for (const set of sets) {
        added.add(texts.length);
        texts.push(set.slice(0, -1));
      }
      texts.push(call.text);`,
    tests: cases('parameters'),
  },
  {
    name: 'parameters travel under names that can be known',
    from: `readonly #prefix = \`_\${randomBytes(8).toString('hex')}\`;`,
    to: `readonly #prefix = '_4f1c';`,
    tests: part('replay-messages'),
  },
  {
    name: 'a name that the server gives a meaning is set in a block',
    from: `access|after|auth|before|event|`,
    to: `access|auth|before|event|`,
    tests: part('replay-messages'),
  },
  {
    name: 'the cache is not emptied between the calls of a replay',
    from: `if (!emptiesCache || call.onlyReads) return;`,
    to: `if (emptiesCache || call.onlyReads) return;`,
    tests: part('replay-mending'),
  },
  {
    name: 'the cache is not emptied behind a call that is made again alone',
    from: `call.failure === undefined ? this.#mending : noMending);`,
    to: `noMending);`,
    tests: part('replay-mending'),
  },
  // What the server gets wrong
  {
    name: 'the cache is emptied only behind the last statement of a text',
    from: `if (onlyReads(new SurrealText(text.slice(start, end)))) continue;`,
    to: `if (onlyReads(new SurrealText(text.slice(start, end))) || end !== statements.at(-1)?.end) continue;`,
    tests: ownWrites,
  },
  {
    name: 'the cache is not emptied where it is not certain how the server cuts a text',
    from: `if (!certain) return {`,
    to: `if (!certain) return { text: before + text, added }; if (!certain) return {`,
    tests: part('replay-mending'),
  },
  {
    name: 'the database is not named to a planner that does not know it',
    from: `const use = losesOrder ?`,
    to: `const use = Number.isNaN(losesOrder) ?`,
    tests: ownWrites,
  },
  {
    name: 'a text that cannot be read with what was added is not sent by itself',
    from: `if (!isParseError(error)) throw error;`,
    to: `throw error;`,
    tests: ['test/calls/mended-calls.test.ts'],
  },
  {
    name: 'the cache is not emptied behind a text that was sent by itself',
    from: `await next(new Call({ text: emptyCache, bindings: {}, transaction, added: new Set([0]) }));`,
    to: ``,
    tests: ['test/calls/mended-calls.test.ts'],
  },
  {
    name: 'a statement that the pool adds counts as a failed query',
    from: `failureIn(added === undefined ? answer : withoutAdded(answer, added))`,
    to: `failureIn(answer)`,
    tests: ['test/manager/connections.test.ts'],
  },
  {
    name: 'a report of a connection holds the whole identity, with its variables',
    from: `resource?.database ?? identity;\n  return {\n    id,`,
    to: `resource?.database ?? identity;\n  return {\n    ...(resource?.database ?? identity),\n    id,`,
    tests: ['test/manager/connections.test.ts'],
  },
  {
    name: 'the queries of the lease before count for this one',
    from: `if (this.#askedBy !== lease) {`,
    to: `if (false) {`,
    tests: ['test/manager/connections.test.ts'],
  },
  {
    name: 'a lease with an open live query counts as idle',
    from: `return this.changes.liveQueries.size > 0 ? undefined : this.idleFor;`,
    to: `return this.idleFor;`,
    tests: ['test/manager/connections.test.ts'],
  },
  {
    name: 'a failed query counts as one that did not fail',
    from: `if (error !== undefined) this.#failed++;`,
    to: ``,
    tests: ['test/telemetry/query-journal.test.ts'],
  },
  {
    name: 'a duration at a boundary is in the bucket above',
    from: `if (duration <= boundary) break;`,
    to: `if (duration < boundary) break;`,
    tests: ['test/pool/duration-buckets.test.ts'],
  },
  {
    name: 'two pools of one name make one series',
    from: `for (let count = 2; taken.has(free); count++)`,
    to: `for (let count = 2; false; count++)`,
    tests: ['test/metrics/families.test.ts'],
  },
  // Transactions
  {
    name: 'a call that failed leaves its transaction active',
    from: `if (failed !== undefined) await this.#failed(failed.error, call.text, before);`,
    to: ``,
    tests: transaction,
  },
  {
    name: 'the calls of a transaction run side by side',
    from: `this.#arrived = true;
    await this.#before?.over();`,
    to: `this.#arrived = true;`,
    tests: transaction,
  },
  {
    name: 'queries that were never sent are left out of a commit in silence',
    from: `if (names.length > 0) {`,
    within: '#incomplete',
    to: `if (names.length < 0) {`,
    tests: transaction,
  },
  {
    name: 'a call that was begun before the commit is refused during it',
    from: `this.#refuseUnlessDraining();
    return await next(call);`,
    to: `this.refuseLateCalls();
    return await next(call);`,
    tests: transaction,
  },
  {
    name: 'a savepoint that was asked for before the commit is refused during it',
    from: `if (refuse === undefined) this.#refuseUnlessDraining();`,
    to: `if (refuse === undefined) this.refuseLateCalls();`,
    tests: ['test/transactions/savepoints-before-commit.test.ts'],
  },
  {
    name: 'the end of its time does not wait for a commit that the work has asked for',
    from: `if (state.word === 'draining' || state.word === 'committing') {`,
    to: `if (state.word === 'draining' && Number.isNaN(0)) {`,
    tests: outcomes,
  },
  {
    name: 'a begin that was given up is not waited for at the reset',
    from: `await Promise.allSettled(this.#beginning);`,
    to: ``,
    tests: loss,
  },
  {
    name: 'a transaction in which the begin failed further on is left open',
    from: `await lease.ask((connection) => connection.cancel(id)).catch(() => {});`,
    to: ``,
    tests: ['test/transactions/facts.test.ts', 'test/transactions/commit-fence.test.ts'],
  },
  {
    name: 'a transaction is not told that its connection is lost',
    from: `connection.dependents.add(this.#over);`,
    to: ``,
    tests: loss,
  },
  {
    name: 'a fence is taken for the marker of a commit',
    from: `if (state === 'committed') return 'committed';
    if (state !== 'fenced') throw unreadable();`,
    to: `return 'committed';`,
    tests: ['test/transactions/commit-fence.test.ts'],
  },
  {
    name: 'a fence in a table that was made again is believed',
    from: `=== birth ? 'not-committed' : 'unknown';`,
    to: `=== birth ? 'not-committed' : 'not-committed';`,
    tests: ['test/transactions/marker-table.test.ts'],
  },
  {
    name: 'a rollback to a savepoint that a commit waits for takes calls again',
    from: `this.state.recover(this.#committing === undefined ? 'active' : 'draining');`,
    to: `this.state.recover('active');`,
    tests: ['test/transactions/savepoints-before-commit.test.ts'],
  },
  {
    name: 'a rollback to a savepoint does not see that its time is up',
    from: `signal?.throwIfAborted();`,
    within: '#refuseReturn',
    to: ``,
    tests: ['test/transactions/savepoints-faults.test.ts'],
  },
  {
    name: 'a name is that of the first savepoint that has it',
    from: `this.#made.findLast(({ name }) => name === which)`,
    to: `this.#made.find(({ name }) => name === which)`,
    tests: ['test/transactions/savepoints-rollback.test.ts'],
  },
  {
    name: 'queries of a connection go past its open transaction',
    from: `return (this.transaction ?? this.lease).query<T>(query, session);`,
    to: `return this.lease.query<T>(query, session);`,
    tests: transaction,
  },
  {
    name: 'the session is changed while a transaction is open',
    from: `if (this.transaction !== undefined) {
      throw new UsageError(
        'the database,`,
    to: `if (Number.isNaN(0)) {
      throw new UsageError(
        'the database,`,
    tests: transaction,
  },
  {
    name: 'a rollback waits for its answer as long as that takes',
    from: `await withDeadline('rolling back a transaction', rollbackTimeout, [], cancel);`,
    to: `await cancel();`,
    tests: loss,
  },
  {
    name: 'a call is sent although its caller has given it up',
    from: `if (this.#state === 'waiting') this.#state = 'givenUp';`,
    to: ``,
    tests: ['test/calls/call.test.ts', 'test/calls/limits.test.ts'],
  },
  {
    name: 'every version of a server that may not be asked counts as mended',
    from: `const is30 = major < 3 || (major === 3 && minor === 0);`,
    to: `const is30 = major < 3 && minor === 0;`,
    tests: ownWrites,
  },
  {
    name: 'the marker of a transaction is believed in whatever its age',
    from: `const trusted = Date.now() - begunAt < trustedAge;`,
    to: `const trusted = begunAt < Number.POSITIVE_INFINITY;`,
    tests: ['test/transactions/commit-fence-age.test.ts'],
  },
  {
    name: 'an undone part whose read has written is taken for a difference',
    from: `if (whole.difference === undefined || parts.length === 0) return whole;`,
    to: `if (parts.length >= 0) return whole;`,
    tests: cases('hidden-writes'),
  },
  {
    name: 'an undone part that answers something else by itself is let pass',
    from: `if (difference !== undefined) return { ...whole, difference };`,
    to: `void difference;`,
    tests: cases('hidden-writes'),
  },
  {
    name: 'looks stand in blocks in which they answer something else',
    from: `if (parameters.length > 0 && tokens[0]?.value !== 'SELECT') continue;`,
    to: ``,
    tests: part('looks'),
  },

  // Statistics
  {
    name: 'what is older than a minute stays in the window of a histogram',
    from: `this.#window.subtract(oldest, this.#slices);`,
    to: ``,
    tests: ['test/pool/recent-histogram.test.ts'],
  },
  {
    name: 'a slice that is over is lost to the total of a histogram',
    from: `this.#before.add(this.#present);`,
    to: ``,
    tests: ['test/pool/recent-histogram.test.ts'],
  },
  {
    name: 'each refused caller is a line of the log',
    from: `if (now - reason.writtenAt >= pause) this.#tell(reason, now);
    else this.#arm(now);`,
    within: 'add',
    to: `this.#tell(reason, now);`,
    tests: ['test/telemetry'],
  },
  {
    name: 'lines that were held back are not told when the outage is over',
    from: `if (isOutageOver) lines.flush();`,
    to: ``,
    tests: ['test/telemetry'],
  },

  // Calls of the pool itself
  {
    name: 'a text with LIVE is sent by a call of the pool',
    from: `refuseStatements(call.surrealText, 'pool');`,
    to: ``,
    tests: ['test/surrealql/refused-statements.test.ts'],
  },
  {
    name: 'calls are made again without a budget in a brown-out',
    from: `if (decision === 'sparingly' && budget?.take() === false) throw failure;`,
    to: ``,
    tests: ['test/time', 'test/manager/retry.test.ts'],
  },
  {
    name: 'the caller is told of a repetition that found no connection, and not of its request',
    from: `if (attempt === 1 || isUnsent(failure) || !isUnsent(error)) failure = error;`,
    to: `failure = error;`,
    tests: ['test/time'],
  },
  {
    name: 'an attempt that sent nothing counts',
    from: `if (isFree) unsent++;`,
    to: ``,
    tests: ['test/time', 'test/calls'],
  },
  {
    name: 'a pause between two attempts outlasts the shutdown',
    from: `signals: [signal, this.#ending]`,
    to: `signals: [signal]`,
    tests: ['test/manager/retry.test.ts'],
  },
  {
    name: 'the stack of a lease is kept unwritten for as long as the lease',
    from: `const origin = lease.origin?.text;`,
    within: '#reportLeases',
    to: `const origin = undefined;`,
    tests: ['test/manager/leaks.test.ts'],
  },
  {
    name: 'a connection counts as held when the work on it is over',
    from: `held.lease = undefined;`,
    to: ``,
    tests: ['test/manager/nested-acquire-guard.test.ts'],
  },
  {
    name: 'an acquire is refused as nested while the pool has a connection to lend',
    from: `if (seen.leased < seen.maxConnections) return undefined;`,
    to: ``,
    tests: ['test/manager/nested-acquire-guard.test.ts'],
  },
  {
    name: 'what a shutdown ends before a connection is taken counts as its own failure',
    from: `if (ending.aborted) break;`,
    to: ``,
    tests: ['test/session/first-use.test.ts'],
  },
  {
    name: 'an acquire that fails before a connection is taken is not counted',
    from: `this.#pool.noteFailure(error, identity);`,
    to: ``,
    tests: ['test/session/credentials.test.ts'],
  },

  // Single calls that share connections and messages
  {
    name: 'of single calls in a message one sees the parameters of another',
    from: `bindings[\`\${prefix}\${index}_\${name}\`] = value;`,
    to: `bindings[\`\${prefix}\${index}_\${name}\`] = bindings[name] = value;`,
    tests: ['test/calls/batch-property.test.ts'],
  },
  {
    name: 'of single calls one joins a message before its text was read alone',
    from: `if (known === undefined || known.alone || (known.usual ?? 0) > slow) return false;`,
    to: `if (known === undefined) return true; if (known.alone || (known.usual ?? 0) > slow) return false;`,
    tests: ['test/calls/known-texts.test.ts'],
  },
  {
    name: 'of single calls one joins a message with a text of several statements',
    from: `known.alone || (known.usual ?? 0) > slow`,
    to: `(known.usual ?? 0) > slow`,
    tests: ['test/calls/known-texts.test.ts'],
  },
  {
    name: 'of single calls one joins a message with a RETURN that servers refuse in a block',
    from: `if (known.aloneWithParameters && Object.keys(bindings).length > 0) return false;`,
    to: ``,
    tests: ['test/calls/known-texts.test.ts', 'test/calls/batch-property.test.ts'],
  },
  {
    name: 'of single calls one joins a message with a value that fails it',
    from: `plainName.test(name) && !reserved.has(name) && room.fits(value)`,
    to: `plainName.test(name) && !reserved.has(name)`,
    tests: ['test/session/shared-calls.test.ts'],
  },
  {
    name: 'of single calls one joins a message with a name that the server keeps for itself',
    from: `!reserved.has(name)`,
    to: `true`,
    tests: ['test/calls/known-texts.test.ts'],
  },
  {
    name: 'of single calls in a message that cannot be read all fail',
    from: `if (!isParseError(error) && !(error instanceof UsageError)) {`,
    to: `if (error !== undefined) {`,
    tests: ['test/session/shared-calls.test.ts'],
  },
  {
    name: 'of single calls in a message one is given the answer of another',
    from: `if (answers.length !== joined.length) {`,
    to: `if (answers.length > joined.length) {`,
    tests: ['test/session/shared-calls.test.ts'],
  },
  {
    name: 'a key of a reply is taken for another one with the same place in the memory of keys',
    from: `if (text.charCodeAt(index) !== bytes[start + index]) return false;`,
    to: `if (index > 8 && text.charCodeAt(index) !== bytes[start + index]) return false;`,
    tests: ['test/wire/reply-decoder.test.ts'],
  },
  {
    name: 'a reply that was cut off is decoded beyond its end',
    from: `if (this.#at > this.#bytes.length) throw new NotCommonError();`,
    to: `if (this.#at > this.#bytes.length + 1) throw new NotCommonError();`,
    tests: ['test/wire/reply-decoder.test.ts'],
  },
  {
    name: 'the time of a statement is read in the wrong unit',
    from: `const unit = units[time.slice(time.search(/[^\\d.]/))] ?? 1;`,
    to: `const unit = units[time.slice(-1)] ?? 1;`,
    tests: ['test/wire/answer.test.ts'],
  },
  {
    name: 'of single calls one that is cut off takes the answers of its neighbours',
    from: `if (lease.isAlone) limits.sever(connection);`,
    to: `limits.sever(connection);`,
    tests: ['test/calls/limits.test.ts', 'test/session/shared-calls.test.ts'],
  },
  {
    name: 'of single calls the last that is cut off leaves its connection open',
    from: `if (lease.isAlone) limits.sever(connection);`,
    to: ``,
    tests: ['test/calls/limits.test.ts', 'test/session/shared-calls.test.ts'],
  },
  {
    name: 'single calls are put on a connection that is to be closed',
    from: `if (this.#isShareable(member, now)) return line.mayFollow(member.seatsTaken, tenant, now) ? member : undefined;`,
    to: `return line.mayFollow(member.seatsTaken, tenant, now) ? member : undefined;`,
    tests: ['test/pool/seat.test.ts'],
  },
  {
    name: 'single calls leave a connection that is to be closed open',
    from: `if (member.seatsTaken === 0) return false;`,
    to: ``,
    tests: ['test/pool/seat.test.ts'],
  },
  {
    name: 'single calls go on while a caller waits for a connection of its own',
    from: `if (sizing.mayPrepare(group, now)) seatsEnd = true;`,
    to: ``,
    tests: ['test/pool/seat.test.ts'],
  },
  {
    name: 'single calls go on while a connection cannot be opened for a caller',
    from: `inventory.total >= sizing.max || now - waiter.since >= patience`,
    to: `inventory.total >= sizing.max`,
    tests: ['test/pool/seat.test.ts'],
  },
  {
    name: 'single calls end while a caller waits whose identity does not answer',
    from: `if (sizing.mayPrepare(group, now)) seatsEnd = true;`,
    to: `seatsEnd = true;`,
    tests: ['test/pool/seat.test.ts'],
  },
  {
    name: 'single calls wait behind the first although seats are left',
    from: `if (line.any && inventory.shared.any) dispatch();`,
    to: `if (line.any && Number.isNaN(0)) dispatch();`,
    tests: ['test/pool/seat.test.ts'],
  },
  {
    name: 'single calls join a message without bound',
    from: `while (seat?.joins && seat.calls < callsPerMessage) {`,
    to: `while (seat?.joins) {`,
    tests: ['test/pool/seat.test.ts'],
  },
  {
    name: 'single calls hold a seat of their own although one of several is released',
    from: `if (seat.calls > 0) return true;`,
    to: ``,
    tests: ['test/pool/seat.test.ts'],
  },

  // What is refused before it is sent
  {
    name: 'a misspelt option is taken for none',
    from: `if (!Object.hasOwn(read, name)) continue;
        throw this.#refused(read);`,
    to: `continue;`,
    tests: ['test/manager/closed-doors.test.ts'],
  },
  {
    name: 'an event that there is not is waited for',
    from: `if (!eventNames.includes(name)) throw unknownEvent(name);`,
    to: ``,
    tests: ['test/manager/closed-doors.test.ts'],
  },
  {
    name: 'an int of more than 64 bits is sent as another',
    from: `if (value <= largestInteger && value >= smallestInteger) return value;`,
    to: `return value;`,
    tests: ['test/wire/sendable.test.ts'],
  },
  {
    name: 'a time before 1970 is sent wrongly',
    from: `const second = Math.floor(time / 1_000);`,
    to: `const second = Math.trunc(time / 1_000);`,
    tests: ['test/wire/sendable.test.ts'],
  },
  {
    name: 'a query in a transaction selects from a text',
    from: `checkArguments(name, parameters);
        return make(this)(...parameters);`,
    to: `return make(this)(...parameters);`,
    tests: ['test/calls/arguments.test.ts'],
  },
  // Agent sessions
  {
    name: 'agent session: one operation more than maxOperations',
    from: `if (usage.#operations >= maxOperations) {`,
    to: `if (usage.#operations > maxOperations) {`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: one transaction more than maxTransactions',
    from: `if (usage.#transactions >= maxTransactions) {`,
    to: `if (usage.#transactions > maxTransactions) {`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: connections are refused where callers are to wait',
    from: `if (refusesAtMaxConnections && usage.#connections >= maxConnections) {`,
    to: `if (usage.#connections >= maxConnections) {`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: an operation counts for the session alone',
    from: `usage.#operations++;`,
    to: `this.#operations++; usage = undefined; break;`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: an operation that is given back stays counted at the parents',
    from: `usage.#operations--;`,
    to: `if (usage === this) usage.#operations--;`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: a token is not given back with its operation',
    from: `usage.#bucket?.giveBack(this.#clock.now());`,
    to: ``,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: the first empty bucket tells when to come back, not the slowest',
    from: `if (wait <= retryAfter) continue;`,
    to: `if (wait === 0 || slowest !== undefined) continue;`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: a connection that was never lent counts as held for no time',
    from: `if (held !== undefined) {`,
    to: `held ??= 0; {`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: the time until a connection is released forgets how many there are',
    from: `Math.ceil(this.#usualHold / this.#connections)`,
    to: `Math.ceil(this.#usualHold)`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: an answer that is too large is not counted',
    from: `usage.#rows += rows;`,
    to: `if (rows <= usage.#limits.maxRows) usage.#rows += rows;`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: refusals are not counted at the parents',
    from: `usage.#refused ??= {};`,
    to: `if (usage !== this) break; usage.#refused ??= {};`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: no violation is told',
    from: `this.#onViolation?.(error);`,
    to: ``,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: a count goes below zero',
    from: `if (counted === 0) throw new UsageError(\`the session gave back`,
    to: `if (counted < 0) throw new UsageError(\`the session gave back`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: a limit that is refused changes the others',
    from: `this.#given = changedLimits(this.#given, limits);
    this.#limits`,
    to: `this.#given = { ...this.#given, ...Object(limits) };
    this.#given = changedLimits(this.#given, limits);
    this.#limits`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: a time of 0 is the shortest',
    from: `if (duration !== 0 && (shortest === 0 || duration < shortest)) shortest = duration;`,
    to: `if (shortest === 0 || duration < shortest) shortest = duration;`,
    tests: ['test/agents/usage.test.ts'],
  },
  {
    name: 'agent session: a bucket holds more than its burst',
    from: `return Math.min(this.#burst, this.#tokens +`,
    to: `return Math.min(this.#burst + 1, this.#tokens +`,
    tests: ['test/agents/token-bucket.test.ts'],
  },
  {
    name: 'agent session: a bucket is filled by a change of its rate',
    from: `const tokens = this.tokens(now);
    this.#rate`,
    to: `const tokens = burst;
    this.#rate`,
    tests: ['test/agents/token-bucket.test.ts'],
  },
  {
    name: 'agent session: a change of the rate counts for the past',
    from: `const tokens = this.tokens(now);
    this.#rate = rate;`,
    to: `this.#rate = rate;
    const tokens = this.tokens(now);`,
    tests: ['test/agents/token-bucket.test.ts'],
  },
  {
    name: 'agent session: a refused caller is told a millisecond too little',
    from: `Math.ceil((missing * 1000) / this.#rate)`,
    to: `Math.floor((missing * 1000) / this.#rate)`,
    tests: ['test/agents/token-bucket.test.ts'],
  },
  {
    name: 'agent session: rounding keeps a whole token back',
    from: `const missing = 1 - rounding - this.tokens(now);`,
    to: `const missing = 1 - this.tokens(now);`,
    tests: ['test/agents/token-bucket.test.ts'],
  },
  {
    name: 'agent session: two names of one limit are taken',
    from: `if (own in limits) {`,
    within: 'ownNames',
    to: `if (false) {`,
    tests: ['test/agents/limits.test.ts'],
  },
  {
    name: 'agent session: null is no default',
    from: `if (merged[name] === null) delete merged[name];`,
    to: `if (merged[name] === null) merged[name] = present[name];`,
    tests: ['test/agents/limits.test.ts'],
  },
  {
    name: 'agent session: a burst stays when its rate is taken back',
    from: `const { burst: _, ...rest } = limits;`,
    to: `const { ...rest } = limits;`,
    tests: ['test/agents/limits.test.ts'],
  },
  {
    name: 'agent session: an entry of the log ends twice',
    from: `if (entry.outcome !== 'pending') {`,
    to: `if (entry.outcome === outcome) {`,
    tests: ['test/agents/session-log.test.ts'],
  },
  {
    name: 'agent session: history gives the entries themselves',
    from: `this.#inOrder().map((entry) => ({ ...entry }))`,
    to: `this.#inOrder()`,
    tests: ['test/agents/session-log.test.ts'],
  },
  {
    name: 'agent session: the chain breaks when an entry falls out',
    from: `if (this.#chained) this.#droppedHash =`,
    to: `if (this.#chained && this.#dropped < 2) this.#droppedHash =`,
    tests: ['test/agents/session-log.test.ts'],
  },
  {
    name: 'agent session: entries that are never kept are not counted',
    from: `if (this.#size === 0 && !this.#chained) {
      this.#dropped++;`,
    to: `if (this.#size === 0 && !this.#chained) {`,
    tests: ['test/agents/session-log.test.ts'],
  },
  {
    name: 'agent session: the log turns the wrong way',
    from: `this.#oldest = (this.#oldest + 1) % this.#size;`,
    to: `this.#oldest = (this.#oldest + this.#size - 1) % this.#size;`,
    tests: ['test/agents/session-log.test.ts'],
  },
  {
    name: 'agent session: a larger log begins in the middle',
    from: `this.#entries = entries.length === 0 ? undefined : entries;
    this.#oldest = 0;`,
    to: `this.#entries = entries.length === 0 ? undefined : entries;`,
    tests: ['test/agents/session-log.test.ts'],
  },
  {
    name: 'agent session: lines that were cut off at the end go unnoticed',
    from: `if (end === undefined || previous === undefined) return problem('the end of the log is missing');`,
    to: `if (end === undefined || previous === undefined) return { valid: true, entries, dropped: 0, hash: previous ?? '' };`,
    tests: ['test/agents/session-log.test.ts'],
  },
  {
    name: 'agent session: lines that were cut off at the beginning go unnoticed',
    from: `if (number !== undefined && number !== end.dropped + entries) {`,
    to: `if (false) {`,
    tests: ['test/agents/session-log.test.ts'],
  },
  {
    name: 'agent session: the hash of the line before is not looked at',
    from: `if (previous !== undefined && read.prev !== previous) {`,
    to: `if (previous !== undefined && read.prev.length !== previous.length) {`,
    tests: ['test/agents/session-log.test.ts'],
  },
  {
    name: 'agent session: a key of a record stays in the log',
    from: `return next !== '(' && next !== '::' && tokens[at - 2]?.kind !== 'parameter';`,
    to: `return false;`,
    tests: ['test/surrealql/normalised-statements.test.ts'],
  },
  {
    name: 'agent session: the end of a range of keys stays in the log',
    from: `return tokens[at - 2]?.text === '.';`,
    to: `return false;`,
    tests: ['test/surrealql/normalised-statements.test.ts'],
  },
  {
    name: 'agent session: a key that is an object stays in the log',
    from: `if (before?.text !== ':' || (token.text !== '[' && token.text !== '{')) return undefined;`,
    to: `return undefined;`,
    tests: ['test/surrealql/normalised-statements.test.ts'],
  },
  {
    name: 'agent session: a text that is cut off stays in the log',
    from: `if (token.text.length > 1) return 'open';`,
    to: `if (token.text.length < 1) return 'open';`,
    tests: ['test/surrealql/normalised-statements.test.ts'],
  },
  {
    name: 'agent session: the rest of a UUID stays in the log',
    from: `return before.start === hiddenTo && before.end === token.start;`,
    to: `return false;`,
    tests: ['test/surrealql/normalised-statements.test.ts'],
  },
  {
    name: 'agent session: the greediest is the one with most time, whatever its weight',
    from: `return busyTime / weight;`,
    to: `return busyTime * Math.min(1, weight);`,
    tests: ['test/agents/fairness.test.ts'],
  },
  {
    name: "agent session: Jain's index overflows",
    from: `const part = value / largest;`,
    to: `const part = value;`,
    tests: ['test/agents/fairness.test.ts'],
  },

  // Guards on the statements of agents
  {
    name: 'an agent deletes a table because a statement within it has a WHERE',
    from: `if (this.#hasOwnWhere(token, at)) return false;`,
    to: ``,
    tests: ['test/surrealql/destructive-statements.test.ts'],
  },
  {
    name: 'an agent deletes a table because of a WHERE behind its RETURN',
    from: `if (behindWhere.has(token.value) && this.#begins(at)) return false;`,
    to: ``,
    tests: ['test/surrealql/destructive-statements.test.ts'],
  },
  {
    name: 'an agent deletes a table whose name is a parameter',
    from: `return Array.isArray(value) ? value.every(isRecordId) : isRecordId(value);`,
    to: `return value !== undefined;`,
    tests: ['test/surrealql/destructive-statements.test.ts'],
  },
  {
    name: 'an agent deletes a range of records as if it were one',
    from: `return next.kind === 'word' && clauses.has(next.value);`,
    to: `return true;`,
    tests: ['test/surrealql/destructive-statements.test.ts'],
  },
  {
    name: 'an agent deletes a table in a value of an object',
    from: `if (before.text !== ':' || before.end !== token.start || context.at(at - 2)?.end !== before.start) return true;`,
    to: `if (before.text === ':') return false;`,
    tests: ['test/surrealql/destructive-statements.test.ts'],
  },
  {
    name: 'an agent deletes a table by the argument of a function with the name of a bound id',
    from: `this.#bound = new BoundValues(tokens, namesOwn ? {} : bindings);`,
    to: `this.#bound = new BoundValues(tokens, bindings);`,
    tests: ['test/surrealql/destructive-statements.test.ts'],
  },
  {
    name: 'an agent that reads sends a statement that is not known',
    from: `if (onlyReads(text, bindings) && statements.every(({ tokens }) => isKnown(tokens))) return undefined;`,
    to: `if (onlyReads(text, bindings)) return undefined;`,
    tests: ['test/surrealql/read-access.test.ts'],
  },
  {
    name: 'a field with an escaped call in its name is read',
    from: `/^["'][\\w.*]*["']$/.test(text)`,
    to: `/^["'][^(]*["']$/.test(text)`,
    tests: ['test/surrealql/only-reads.test.ts'],
  },
  {
    name: 'a guard function that answers nothing allows',
    from: `if (answer === 'allow') return;`,
    to: `if (answer !== 'refuse') return;`,
    tests: ['test/agents/guards.test.ts'],
  },
  {
    name: 'a statement is sent though its guard function failed',
    from: `throw refusal('the guard function failed, so it allowed nothing', { cause });`,
    to: `return;`,
    tests: ['test/agents/guards.test.ts'],
  },

  // Agent sessions: what is counted, guarded and audited
  {
    name: 'ledger: a single call of a session is not admitted',
    from: `if (ledger === undefined) return await this.#send(call);`,
    to: `if (ledger !== null) return await this.#send(call);`,
    tests: agents,
  },
  {
    name: 'ledger: a call on a lease of a session is not admitted',
    from: `return this.#limits.ledger === undefined ? this.#ways.query(asked) : this.#ways.admitted(asked);`,
    to: `return this.#ways.query(asked);`,
    tests: agents,
  },
  {
    name: 'ledger: a call in a transaction of a session is not admitted',
    from: `if (admitted !== undefined) layers.push(admitted.admits);`,
    to: ``,
    tests: agents,
  },
  {
    name: 'ledger: an answer in a transaction that is too large does not abort it',
    from: `if (admitted !== undefined) layers.push(admitted.settles);`,
    to: ``,
    tests: agents,
  },
  {
    name: 'ledger: a call of a session that never ran stays counted',
    from: `if (outcome === 'not-sent') this.#session.usage.giveBackOperation();`,
    to: ``,
    tests: agents,
  },
  {
    name: 'ledger: a call whose answer is measured shares a message',
    from: `const joins = admission?.size === undefined && texts.mayJoin(call);`,
    to: `const joins = texts.mayJoin(call);`,
    tests: agents,
  },
  {
    name: 'ledger: an import passes the guards of a session',
    from: `if (guarding !== undefined) await guarding;`,
    to: `void guarding;`,
    tests: agents,
  },
  {
    name: 'ledger: a transaction is committed before its last statement has been sent',
    from: `if (last !== undefined) await this.#sendLast(last);`,
    to: `if (last !== undefined) void this.#sendLast(last).catch(() => {});`,
    tests: agents,
  },
  {
    name: 'ledger: a row of the audit that a user may not write passes as written',
    from: `if ((answer[0]?.result?.length ?? 0) === 0) throw new Error(noRight(table));`,
    to: `void answer;`,
    tests: agents,
  },
  {
    name: 'ledger: calls undone by a savepoint stay in the row of the audit',
    from: `admission?.undoneTo(mark);`,
    to: ``,
    tests: agents,
  },
  {
    name: 'ledger: the calls of an attempt that is repeated stay in the row of the audit',
    from: `admission?.restarted();`,
    to: ``,
    tests: agents,
  },
  {
    name: 'ledger: the guards of a parent are not asked',
    from: `return own === undefined ? above : [own, ...above];`,
    to: `return own === undefined ? noGuards : [own];`,
    tests: agents,
  },
  {
    name: 'ledger: a lease of a session may use another database',
    from: `this.#refuseToLeave('use()');`,
    to: ``,
    tests: agents,
  },
  {
    name: 'ledger: the end of a session leaves its leases to their holders',
    from: `endLease(lease, \`the lease of connection \${lease.id} has ended: \${reason.message}, and its grace period is over\`);`,
    to: ``,
    tests: agents,
  },
  // Many endpoints
  {
    name: 'many: a slow opening at one endpoint is joined by others there',
    from: `if (mayWaitElsewhere && slow.has(candidate)) return false;`,
    to: ``,
    tests: endpoints('opening'),
  },
  {
    name: 'many: openings that are slow everywhere hold up all',
    from: `if (mayWaitElsewhere && slow.has(candidate)) return false;`,
    to: `if (slow.has(candidate)) return false;`,
    tests: endpoints('opening'),
  },
  {
    name: 'many: an attempt at an ill endpoint takes the only place',
    from: `if (sizing.max - inventory.total < (inventory.live > 0 ? 1 : 2)) return;`,
    to: `if (sizing.max - inventory.total < 1) return;`,
    tests: endpoints('opening'),
  },
  {
    name: 'many: a refusal everywhere is tried again without a caller',
    from: `if (sizing.isStopped) return;`,
    to: ``,
    tests: endpoints('opening'),
  },
  {
    name: 'many: an identity that never worked waits for its only attempt',
    from: `(expected.hedges && supply === 0 && this.#mayHedge(group, now))`,
    to: `false`,
    tests: endpoints('opening'),
  },
  {
    name: 'many: one server that refuses the credentials is only in doubt',
    from: `this.#isUnavailable || this.#refusal !== undefined) return 'failing'`,
    to: `this.#isUnavailable) return 'failing'`,
    tests: endpoints('opening'),
  },
  {
    name: 'many: an endpoint that is shutting down is tried again at once',
    from: `return { ...state, notBefore: Math.max(state.notBefore, now + spacing(drawn(random), true, settings)) };`,
    to: `return state;`,
    tests: endpoints('recovery'),
  },
  {
    name: 'many: room is made again and again for one attempt',
    from: `for (const { retirement } of inventory) if (retirement !== undefined) return false;`,
    to: ``,
    tests: endpoints('recovery'),
  },
  {
    name: 'many: none is opened for one that is moved',
    from: `if (member.isReplaced) sizing.replace(inventory.total, now);`,
    to: ``,
    tests: endpoints('recovery'),
  },
  {
    name: 'many: what is being moved is not counted where it will be',
    from: `if (first !== undefined) first.surplus++;`,
    to: ``,
    tests: endpoints('recovery'),
  },
  {
    name: 'many: a connection without an answer is reported every second',
    from: `roundTrip.isOverdue = true;`,
    to: ``,
    tests: endpoints('recovery'),
  },
  {
    name: 'many: a connection without an answer hides the others of its endpoint',
    from: `if (asked.has(member.endpoint) || this.#underWay.has(member) || !member.isOpen) continue;`,
    to: `if (asked.has(member.endpoint) || !member.isOpen) continue;`,
    tests: endpoints('recovery'),
  },
  {
    name: 'many: a discovery that finds nothing usable empties the pool',
    from: `if (areNeeded && !endpoint.isDraining) continue;`,
    to: ``,
    tests: endpoints('list'),
  },
  {
    name: 'many: the last endpoint can be taken away',
    from: `if (endpoints.staying.every((other) => other === endpoint)) {`,
    to: `if (endpoints.staying.length === 0) {`,
    tests: endpoints('list'),
  },
  {
    name: 'many: the discovery takes back what the operator drains',
    from: `if (order === 'removed' || order === 'drained') known?.retarget(target);`,
    to: `if (order === 'removed') known?.retarget(target);`,
    tests: endpoints('list'),
  },
  {
    name: 'many: leases outlive the time of a removal',
    from: `member.lease?.expire(reason);`,
    to: ``,
    tests: endpoints('list'),
  },
  {
    name: 'many: leases that a shutdown ends stay counted',
    from: `member.endpoint.inUse -= sharers.size + (lease === undefined ? 0 : 1);`,
    to: ``,
    tests: endpoints('lending'),
  },
  {
    name: 'many: all endpoints may be out',
    from: `const kept = condition === 'failing' ? (serves ? 'out' : 'doubtful') : condition;`,
    to: `const kept = condition === 'failing' ? 'out' : condition;`,
    tests: endpoints('standing'),
  },
  {
    name: 'many: silence at one endpoint is held against the identity',
    from: `const isItsOwn = !this.#endpoints.many || (group.silentAt !== undefined && group.silentAt !== endpoint.slot);`,
    to: `const isItsOwn = true;`,
    tests: endpoints('standing'),
  },
  {
    name: 'many: idle connections of an endpoint that is out are kept',
    from: `if (endpoints.takeClosed()) this.#closeIdle(now);`,
    to: ``,
    tests: endpoints('standing'),
  },

  // Handlers of HTTP, metrics and health checks
  {
    name: 'http: a stream is not closed when its client of node:http leaves',
    from: `await ended(response, signal, ''); } finally { stream.close(); }`,
    to: `await ended(response, signal, ''); } finally { }`,
    tests: http,
  },
  {
    name: 'http: a stream is not closed when its client of fetch leaves',
    from: `cancel() { ended = true; client.abort(); }`,
    to: `cancel() { ended = true; }`,
    tests: http,
  },
  {
    name: 'http: a stream is not closed when its client of Fastify leaves',
    from: `forget(); stream.close(); done(error);`,
    to: `forget(); done(error);`,
    tests: http,
  },
  {
    name: 'http: a stream is read faster than its client reads',
    from: `if (!response.write(text)) await drained(response, signal);`,
    to: `response.write(text);`,
    tests: http,
  },
  {
    name: 'http: a body may be of any length',
    from: `if (length <= longestBody) chunks.push(bytes);`,
    to: `if (length > 0) chunks.push(bytes);`,
    tests: http,
  },
  {
    name: 'http: the client is told why an answer failed',
    from: `return textReply(500, 'The handler failed. The process that serves it has the reason in its warnings.');`,
    to: `return textReply(500, String(error));`,
    tests: http,
  },
  {
    name: 'prometheus: two series have the same labels',
    from: `const key = labels.map((label) => label ?? '').join('\\0');`,
    to: `const key = String(found.size);`,
    tests: prometheus,
  },
  {
    name: 'prometheus: buckets are not cumulative',
    from: `sum += count; return sum;`,
    to: `return count;`,
    tests: prometheus,
  },
  {
    name: 'prometheus: a line feed of a name is written as it is',
    from: `.replaceAll('"', '\\\\"').replaceAll('\\n', '\\\\n');`,
    to: `.replaceAll('"', '\\\\"');`,
    tests: prometheus,
  },
  {
    name: 'prometheus: a pool that was taken out of the list keeps its name',
    from: `if (!pools.includes(pool)) this.#names.forget(pool);`,
    to: `if (!pools.includes(pool)) continue;`,
    tests: prometheus,
  },
  {
    name: 'prometheus: each metric of a registry reads the pools anew',
    from: `this.#now = this.#scraper.scrape();`,
    to: `this.#now = undefined; return this.#scraper.scrape();`,
    tests: prometheus,
  },
  {
    name: 'prometheus: some metrics stay in a registry that has another of such a name',
    from: `if (taken.length > 0) {`,
    within: 'registerWith',
    to: `if (taken.length > 1) {`,
    tests: prometheus,
  },
  {
    name: 'metrics: a series of an agent falls when a call is given back',
    from: `const used = highest(seen, usedBy(session));`,
    to: `const used = usedBy(session);`,
    tests: ['test/metrics/tenants.test.ts'],
  },
  {
    name: 'metrics: the series of the other agents falls when a call is given back',
    from: `this.#others = highest(this.#others, left);`,
    to: `this.#others = left;`,
    tests: ['test/metrics/tenants.test.ts'],
  },
  {
    name: 'health: an outage counts from each event anew',
    from: `if (ready === this.#told) return;`,
    to: ``,
    tests: ['test/pool/health.test.ts'],
  },
  {
    name: 'health: no outage is tolerated',
    from: `if (outage >= outageTolerance) {`,
    to: `if (outage >= 0) {`,
    tests: health,
  },
  {
    name: 'health: every outage is tolerated',
    from: `if (outage >= outageTolerance) {`,
    to: `if (outage < 0) {`,
    tests: health,
  },
  {
    name: 'health: a pool that tries a server only for callers gets none',
    from: `if (awaitsCaller) return ok('No server is known to work, and the pool tries one when a caller comes.');`,
    to: ``,
    tests: health,
  },
  {
    name: 'health: a pool is ready before its first connection',
    from: `if (opened === 0) return beforeFirst(facts);`,
    to: ``,
    tests: health,
  },
  {
    name: 'health: one ready pool of several is enough',
    from: `const unwell = found.filter(({ status }) => status !== 'ok');`,
    to: `const unwell = found.filter(({ status }) => status !== 'ok' && first.status !== 'ok');`,
    tests: health,
  },
  {
    name: 'health: the body names servers to everybody',
    from: `verdictOf(details ? reading : withoutNames(reading))`,
    to: `verdictOf(reading)`,
    tests: health,
  },
  {
    name: 'console: a page that leads a name of its own here gets in',
    from: `if (!ownHost.test(request.headers('host') ?? '')) {`,
    to: `if (false) {`,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: a host that begins like this machine is taken for it',
    from: `const ownHost = /^(?:localhost|127(?:\\.\\d{1,3}){3}|\\[::1\\])(?::\\d+)?$/i;`,
    to: `const ownHost = /^(?:localhost|127(?:\\.\\d{1,3}){3}|\\[::1\\])/i;`,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: every address is of this machine',
    from: `if (!ownAddress.test(remoteAddress)) {`,
    to: `if (false) {`,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: who asks through a proxy is taken for local',
    from: `if (proxy !== undefined) {`,
    to: `if (false) {`,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: an action needs no token',
    from: `    requireOwnPage(request);
    this.#requireToken(request);`,
    to: `    requireOwnPage(request);`,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: any token will do',
    from: `if (!timingSafeEqual(digestOf(given), expected)) throw`,
    to: `if (false) throw`,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: remote viewers need no token',
    from: `if (this.#rules.allowRemote) this.#requireToken(request);`,
    to: ``,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: pages of other origins may ask',
    from: `if (origin !== undefined && hostOf(origin) !== request.headers('host')?.toLowerCase()) {`,
    to: `if (false) {`,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: pages of other sites may ask',
    from: `if (site !== undefined && site !== 'same-origin' && site !== 'none') {`,
    to: `if (false) {`,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: actions are on by themselves',
    from: `if (!this.#rules.actions) {`,
    to: `if (false) {`,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: actions can be on without a token',
    from: `if (token === undefined && (actions || allowRemote)) {`,
    to: `if (token === undefined && allowRemote) {`,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: nobody hears of an action',
    from: `    ConnectionManager.partsOf(manager).pool.events.emit('operatorActed', { action, target, by });
`,
    to: ``,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: it listens on when nobody looks',
    from: `    for (const watch of this.#watches.values()) watch.end();
`,
    to: ``,
    tests: ['test/console/console-handler.test.ts'],
  },
  {
    name: 'console: a viewer that leaves leaves the timer',
    from: `if (this.#viewers.size === 0) this.#rest();
    };`,
    to: `};`,
    tests: ['test/console/live-feed.test.ts'],
  },
  {
    name: 'console: old snapshots are kept for slow clients',
    from: `if (this.#waiting === undefined) this.#newest = text;`,
    to: `if (this.#waiting === undefined) this.#newest ??= text;`,
    tests: ['test/console/live-feed.test.ts'],
  },
  {
    name: 'console: errors of queries are shown',
    from: `could not be cancelled (\${nameOf(error)})\`, 'rollback'`,
    to: `could not be cancelled (\${reasonOf(error)})\`, 'rollback'`,
    tests: ['test/console/live-feed.test.ts'],
  },
  {
    name: 'verdict: a slow database is taken for a small pool',
    from: `    slowDatabase(reading, true) ??
`,
    to: ``,
    tests: ['test/verdict/verdict.test.ts'],
  },
  {
    name: 'verdict: callers who hold connections are taken for a small pool',
    from: `    heldIdle(reading) ??
`,
    to: ``,
    tests: ['test/verdict/verdict.test.ts'],
  },
  {
    name: 'verdict: connections that single calls share are held by a caller',
    from: `leases.filter(({ idle, shared }) => !shared && (idle ?? 0) >= idleForLong)`,
    to: `leases.filter(({ idle }) => (idle ?? 0) >= idleForLong)`,
    tests: ['test/verdict/verdict.test.ts'],
  },
  {
    name: 'endLease: a call under way keeps the connection',
    from: `if (lease.present?.idleFor === undefined) lease.markForRecycling('aborted');`,
    to: ``,
    tests: ['test/manager/end-lease.test.ts'],
  },
  {
    name: 'connections: a lease is as old as the connection is lent',
    from: `return state === 'leased' ? (lease?.since ?? leasedAt) : stepBegan;`,
    to: `return state === 'leased' ? leasedAt : stepBegan;`,
    tests: ['test/pool/member-report.test.ts'],
  },
];
