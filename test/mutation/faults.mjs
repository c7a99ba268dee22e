/**
 * Faults that a change could make in the heart of the pool. For each of them at least one of its tests has to fail; see
 * scripts/mutation-check.mjs. `from` is source text that `src` holds exactly once, in whatever file; white space does
 * not count. Where `src` holds it more than once, `within` names the function, method or class that is meant.
 *
 * @typedef {{ name: string, from: string, within?: string, to: string, tests: readonly string[] }} Fault
 */

const core = ['test/pool', 'test/scenarios'];
const outcomes = ['test/transactions/outcomes.test.ts'];
const savepoints = ['test/transactions/savepoints-'];

/** @type {readonly Fault[]} */
export const faults = [
  // States and transitions
  {
    name: 'a slot that closes is not counted out of its kind',
    from: `slot.kind.connections--;
      this.#forgetUnused(slot.kind);`,
    within: '#move',
    to: ``,
    tests: core,
  },
  {
    name: 'a connection that dies while it is lent is lent again',
    from: `else if (state === 'leased') slot.retirement ??= 'died';`,
    to: `else if (state === 'leased') return;`,
    tests: core,
  },
  {
    name: 'a connection that was recycled by generation is lent again',
    from: `if (slot.generation !== this.#generation) return 'recycled';`,
    to: ``,
    tests: core,
  },
  {
    name: 'a connection past its lifetime is lent',
    from: `if (now >= slot.expiresAt) return 'lifetime';`,
    to: ``,
    tests: core,
  },
  {
    name: 'uses are not counted towards recycleAfterUses',
    from: `slot.uses++;`,
    to: ``,
    tests: core,
  },
  {
    name: 'what a lease changed is not reset',
    from: `perished === undefined ? !this.#isClean(slot) : this.#mayFinish(slot, perished)`,
    to: `perished === undefined ? false : this.#mayFinish(slot, perished)`,
    tests: core,
  },
  {
    name: 'calls under way are cut off when their connection is due for closing',
    from: `return perished !== 'died' && perished !== 'cut-off' && this.#factory.idleFor(slot.resource as R) === undefined;`,
    to: `return false;`,
    tests: [...core, 'test/connection/reset.test.ts'],
  },
  {
    name: 'a late arrival is not closed',
    from: `if (arrival !== undefined) await this.#factory.close(arrival.resource, signal);`,
    to: `void arrival; void signal;`,
    tests: core,
  },

  // Deadlines
  {
    name: 'no deadline is armed for a step of work',
    from: `const timer = clock.timer(step.timeout, true, () => giveUp(new DeadlineError(step.name, step.timeout)));`,
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
    name: 'a hand-over to a waiter whose time is over is not refused',
    from: `if (waiter.deadline <= now) {
        this.#timeOut(waiter);
        continue;
      }`,
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
    from: `return this.idle.last?.owner;`,
    to: `return this.idle.first?.owner;`,
    tests: core,
  },
  {
    name: 'who comes last is served first',
    from: `this.#waiters.append(waiter);`,
    to: `this.#waiters.insert(waiter, undefined);`,
    tests: core,
  },
  {
    name: 'an identity gets whatever is idle',
    from: `const slot = matching ?? this.#idle.oldest;`,
    to: `const slot = this.#idle.oldest;`,
    tests: core,
  },
  {
    name: 'the newest idle connection becomes one of another identity, not the oldest',
    from: `return this.#all.first;`,
    within: 'oldest',
    to: `return this.#all.last;`,
    tests: core,
  },
  {
    name: 'a health check makes a connection younger',
    from: `this.#idle.putBack(slot);`,
    to: `slot.idleSince = this.#clock.now();
    this.#idle.add(slot);`,
    tests: core,
  },

  // Bounds
  {
    name: 'more are opened at once than allowed',
    from: `if (slots.opening >= this.#settings.maxConnecting) return;`,
    to: ``,
    tests: core,
  },
  {
    name: 'closing is not bounded',
    from: `if (slots.closing + slots.opening > this.#max) return;`,
    to: ``,
    tests: core,
  },
  {
    name: 'a refused identity fails everybody who waits',
    from: `for (let waiter = kind.waiters.first?.owner; waiter !== undefined; waiter = kind.waiters.first?.owner) {`,
    to: `void kind;
    for (let waiter = this.#queue.next; waiter !== undefined; waiter = this.#queue.next) {`,
    tests: core,
  },
  {
    name: 'the backoff between attempts is left out',
    from: `this.#notBefore = now + wait;`,
    to: ``,
    tests: core,
  },
  {
    name: 'idle connections are closed below the minimum',
    from: `|| this.#counters.total <= this.#min) return;`,
    to: `) return;`,
    tests: core,
  },

  // Counters
  {
    name: 'acquires that time out are not counted',
    from: `this.#counters.timedOut++;`,
    to: ``,
    tests: core,
  },
  {
    name: 'a second release is not noticed',
    from: `this.#counters.releasedTwice++;`,
    to: ``,
    tests: core,
  },

  // Connections
  {
    name: 'a query and a change of the session run side by side',
    from: `if (this.#queries > 0) return;`,
    to: ``,
    tests: ['test/connection/session-order.test.ts', 'test/hazards'],
  },
  {
    name: 'a released lease still gives its connection',
    from: `if (this.#state !== 'active') throw this.ended();`,
    to: ``,
    tests: ['test/pool/release.test.ts', 'test/connection/lease.test.ts'],
  },
  {
    name: 'variables are not unset at the reset',
    from: `: protocol.unset(name, connection.session);`,
    to: `: Promise.resolve();`,
    tests: ['test/connection'],
  },
  {
    name: 'live queries are not killed at the reset',
    from: `for (const id of changes.liveQueries.values()) await killLiveQuery(connection, id);`,
    within: '#undo',
    to: ``,
    tests: ['test/connection'],
  },
  {
    name: 'a user that a lease signed in stays signed in',
    from: `if (changes.authentication) {`,
    to: `if (Number.isNaN(0)) {`,
    tests: ['test/connection', 'test/hazards/06-session-expiry.test.ts'],
  },
  {
    name: 'a session that nears its end is not signed in again',
    from: `if (performance.now() < this.#session.signInAgainAt || this.changes.authentication) return undefined;`,
    to: `if (this.#session !== undefined) return undefined;`,
    tests: ['test/connection/identity.test.ts', 'test/hazards/06-session-expiry.test.ts'],
  },
  {
    name: 'every connection signs in by password',
    from: `if (token !== undefined && performance.now() < token.usableUntil) {`,
    to: `if (token !== undefined && Number.isNaN(0)) {`,
    tests: ['test/connection'],
  },
  {
    name: 'a call that was given up leaves its connection in the pool',
    from: `lease.markForRecycling('cut-off');`,
    to: ``,
    tests: ['test/connection/limits.test.ts', 'test/hazards'],
  },
  {
    name: 'a probe is satisfied with any database',
    from: `&& database !== identity.database) {`,
    to: `&& Number.isNaN(0)) {`,
    tests: ['test/connection/probe.test.ts'],
  },
  {
    name: 'a probe is satisfied with nobody',
    from: `&& isSignedIn !== true) {`,
    to: `&& Number.isNaN(0)) {`,
    tests: ['test/connection/probe.test.ts'],
  },
  {
    name: 'a silent socket is not asked for a sign of life',
    from: `if (due) socket.ping();`,
    to: ``,
    tests: ['test/connection/transport.test.ts'],
  },

  // Resilience
  {
    name: 'the circuit never opens',
    from: `if (failures < settings.failureThreshold) return { state: 'closed', failures };`,
    to: `if (failures < Number.POSITIVE_INFINITY) return { state: 'closed', failures };`,
    tests: ['test/resilience.test.ts', 'test/pool/opening.test.ts'],
  },
  {
    name: 'two probes go through a half-open circuit',
    from: `return { state: 'half-open', openings: breaker.openings };`,
    to: `return breaker;`,
    tests: ['test/resilience.test.ts', 'test/pool/opening.test.ts'],
  },
  {
    name: 'the pause is not drawn at random',
    from: `return (failures) => random() * `,
    to: `return (failures) => `,
    tests: ['test/resilience.test.ts'],
  },
  {
    name: 'what may have been executed is done again',
    from: `return idempotent && outcomeOf(error) === 'unknown' ? 'later' : 'never';`,
    to: `return outcomeOf(error) === 'unknown' ? 'later' : idempotent ? 'never' : 'never';`,
    tests: ['test/manager/retry.test.ts'],
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
    tests: savepoints,
  },
  {
    name: 'what was read behind a savepoint is not verified',
    from: `const own = [...before.filter(({ undone, call }) => !undone || (mayRead && call.onlyReads)), ...reads];
    const all = { entries: [...before, ...behind],`,
    to: `const own = kept; const all = { entries: [...before],`,
    tests: savepoints,
  },
  {
    name: 'what was read behind an undone write is not verified',
    from: `const all = { entries: [...before, ...behind],`,
    to: `const all = { entries: [...before],`,
    tests: ['test/transactions/savepoint-model.test.ts'],
  },
  {
    name: 'what was undone earlier is not verified',
    from: `for (const entries of branches) {`,
    to: `for (const entries of branches.slice(0, 0)) {`,
    tests: ['test/transactions/savepoint-model.test.ts'],
  },
  {
    name: 'a piece of work that cannot be undone leaves its savepoints',
    from: `this.#undoing().savepoints.keepOnly(outer);`,
    to: ``,
    tests: savepoints,
  },
  {
    name: 'what was undone and had only read is forgotten',
    from: `for (const { call } of reads) this.#entries.push({ call, undone: true });`,
    to: ``,
    tests: savepoints,
  },
  {
    name: 'a call that answers something else each time has the work done again',
    from: `lasting = again?.call === call && again.path === path && !isSame(again.found, found);`,
    to: `lasting = again === undefined;`,
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
];
