import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type EndpointSettings,
  type EndpointState,
  isTroubled,
  type Sign,
  told,
  unknownEndpoint,
  waitOf,
} from '../../src/endpoints/endpoint-state.js';

const settings: EndpointSettings = {
  failureThreshold: 3,
  probeInterval: 1000,
  idleProbeInterval: 60_000,
  backoff: (failures) => 100 * 2 ** failures,
};
const error = new Error('no');
const lasting = () => 1;

/** What is known after these signs, each given at its moment. */
function knownFrom(...signs: readonly (readonly [at: number, sign: Sign])[]): EndpointState {
  return signs.reduce((state, [at, sign]) => told(state, sign, at, settings, lasting), unknownEndpoint);
}

const failedAt = (at: number) => [at, { sign: 'failed', began: at, error }] as const;
const opened = knownFrom(failedAt(0), failedAt(1000), failedAt(2000));

describe('the circuit', () => {
  test('opens after that many failures in a row', () => {
    expect(knownFrom(failedAt(0), failedAt(1000)).circuit).toBe('closed');
    expect(opened.circuit).toBe('open');
  });

  test('opens after attempts that hang one beside the other, and counts those once that began together', () => {
    const lasts = 5000;
    const began = [0, 0, 1100, 1100, 2200, 3300];
    const signs: [number, Sign][] = [
      ...began.map((at): [number, Sign] => [at, { sign: 'attempted', began: at }]),
      ...began.map((at): [number, Sign] => [at + lasts, { sign: 'failed', began: at, error }]),
    ];
    const knownAfter = (count: number): EndpointState => knownFrom(...signs.slice(0, began.length + count));
    expect([1, 2, 3, 4].map((count) => knownAfter(count).failures)).toEqual([1, 1, 2, 2]);
    expect([knownAfter(4).circuit, knownAfter(5).circuit]).toEqual(['closed', 'open']);
  });

  test('is never opened with a threshold of 0', () => {
    const never = { ...settings, failureThreshold: 0 };
    let state = unknownEndpoint;
    for (let at = 0; at < 100_000; at += 1000) {
      state = told(state, { sign: 'failed', began: at, error }, at, never, lasting);
      state = told(state, { sign: 'unanswered', began: at, error }, at, never, lasting);
    }
    expect(state.circuit).toBe('closed');
  });

  test('makes one attempt after its pause, which is short while callers ask and long while none does', () => {
    expect([waitOf(opened, 2000, true, settings), waitOf(opened, 2000, false, settings)]).toEqual([1000, 60_000]);
    const attempted = told(opened, { sign: 'attempted', began: 3000 }, 3000, settings, lasting);
    expect([attempted.circuit, waitOf(attempted, 3000, true, settings)]).toEqual(['half-open', 1250]);
  });

  test.for([
    ['callers ask', true, 1250],
    ['no caller asks', false, 60_000],
  ] as const)('an attempt that hangs holds the next one up no longer than the spacing: %s', ([, asked, spacing]) => {
    let state = told(opened, { sign: 'attempted', began: 3000 }, 3000, settings, lasting);
    expect(waitOf(state, 3000, asked, settings)).toBe(spacing);
    expect(waitOf(state, 3000 + spacing, asked, settings)).toBe(0);
    state = told(state, { sign: 'attempted', began: 3000 + spacing }, 3000 + spacing, settings, lasting);
    expect([state.circuit, waitOf(state, 3000 + spacing, asked, settings)]).toEqual(['half-open', spacing]);
  });

  test('one of several attempts fails: callers are told, and the newest goes on and closes the circuit', () => {
    const two = [3000, 4250].reduce(
      (state, began) => told(state, { sign: 'attempted', began }, began, settings, lasting),
      opened,
    );
    const failed = told(two, { sign: 'failed', began: 3000, error }, 4300, settings, lasting);
    expect(failed.circuit).toBe('open');
    expect(waitOf(failed, 4300, true, settings), 'counted from the newest attempt').toBe(1200);
    const answered = told(failed, { sign: 'answered', began: 4290, at: 4310 }, 4310, settings, lasting);
    expect(answered.circuit).toBe('closed');
  });

  test('is open for a moment at least when one of several attempts fails', () => {
    const two = [3000, 4250].reduce(
      (state, began) => told(state, { sign: 'attempted', began }, began, settings, lasting),
      opened,
    );
    const failed = told(two, { sign: 'failed', began: 3000, error }, 5500, settings, lasting);
    expect([failed.circuit, waitOf(failed, 5500, true, settings)]).toEqual(['open', 100]);
  });

  test('stays closed although attempts fail that began before a connection was opened that answered', () => {
    const two = [3000, 4250].reduce(
      (state, began) => told(state, { sign: 'attempted', began }, began, settings, lasting),
      opened,
    );
    const answered = told(two, { sign: 'answered', began: 4300, at: 4310, byCall: true }, 4310, settings, lasting);
    expect(told(answered, { sign: 'failed', began: 3000, error }, 8000, settings, lasting)).toEqual(answered);
  });

  test('a pause counts from the beginning of the attempt: while it hung, the server was left alone', () => {
    const state = knownFrom([0, { sign: 'attempted', began: 0 }], [5000, { sign: 'failed', began: 0, error }]);
    expect([state.pause, waitOf(state, 5000, false, settings)]).toEqual([200, 0]);
  });

  const endings: readonly (readonly [string, Sign, string])[] = [
    ['fails', { sign: 'failed', began: 3000, error }, 'open'],
    ['is given up', { sign: 'abandoned', began: 3000 }, 'open'],
    ['brings a connection that is dropped', { sign: 'dropped', began: 3050, error }, 'open'],
    ['brings a connection that is lost', { sign: 'lost', began: 3050, error }, 'open'],
    ['brings one whose probe is not answered', { sign: 'unanswered', began: 3050, error }, 'open'],
    ['is not answered, for another identity', { sign: 'unanswered', began: 3050, identity: 'guest', error }, 'open'],
    ['is refused', { sign: 'refused', began: 3000, error }, 'closed'],
    ['is told to come later', { sign: 'busy', began: 3000, retryAfter: 500, error }, 'closed'],
    ['is answered', { sign: 'answered', began: 3050, at: 3100 }, 'closed'],
  ];
  test.for(endings)('has a way back when its attempt %s', ([, sign, circuit]) => {
    const attempted = told(opened, { sign: 'attempted', began: 3000 }, 3000, settings, lasting);
    expect(told(attempted, sign, 3100, settings, lasting).circuit).toBe(circuit);
  });

  test.for([
    { sign: 'failed', began: 1999, error },
    { sign: 'abandoned', began: 2999 },
    { sign: 'dropped', began: 1999, error },
    { sign: 'lost', began: 2999, error },
    { sign: 'unanswered', began: 1999, error },
  ] satisfies Sign[])(
    'leaves its attempt alone when one ends that is older, or older than the circuit is open: %o',
    (sign) => {
      const attempted = told(opened, { sign: 'attempted', began: 3000 }, 3000, settings, lasting);
      expect(told(attempted, sign, 3100, settings, lasting).circuit).toBe('half-open');
    },
  );

  test('keeps the pause that it told although older attempts fail meanwhile', () => {
    const later = told(opened, { sign: 'failed', began: 1999, error }, 2900, settings, lasting);
    expect(waitOf(later, 2900, true, settings)).toBe(100);
  });
});

describe('a weak proof resets no stronger one', () => {
  const troubled = knownFrom(failedAt(0), failedAt(1000), [1500, { sign: 'unanswered', began: 0, error }]);

  test('an old connection that answers shows that the server is alive, and ends no pause', () => {
    const state = told(troubled, { sign: 'answered', began: 0, at: 1600 }, 1600, settings, lasting);
    expect(state).toMatchObject({ unanswered: 0, failures: 2, pause: troubled.pause });
  });

  test('an answer from before the silence proves nothing', () => {
    const state = told(troubled, { sign: 'answered', began: 0, at: 1400 }, 1600, settings, lasting);
    expect(state).toEqual(troubled);
  });

  test('a new connection that answers ends the pause, not the count; one that lasted ends the count', () => {
    const state = told(troubled, { sign: 'answered', began: 1500, at: 1600 }, 1600, settings, lasting);
    expect(state).toMatchObject({ pause: 0, failures: 2, circuit: 'closed' });
    const lasted = told(state, { sign: 'lasted', began: 1500 }, 2600, settings, lasting);
    expect([lasted.failures, isTroubled(lasted)]).toEqual([0, false]);
  });

  test('an old connection that lasts says nothing of new ones', () => {
    expect(told(troubled, { sign: 'lasted', began: 0 }, 1600, settings, lasting)).toEqual(troubled);
  });

  test('a server that accepts, answers and drops is left alone for longer and longer', () => {
    let state = unknownEndpoint;
    const circuits: string[] = [];
    for (let at = 0; at < 10_000; at += 2000) {
      state = told(state, { sign: 'attempted', began: at }, at, settings, lasting);
      state = told(state, { sign: 'answered', began: at, at: at + 1 }, at + 1, settings, lasting);
      state = told(state, { sign: 'dropped', began: at, error }, at + 2, settings, lasting);
      circuits.push(state.circuit);
    }
    expect(circuits).toEqual(['closed', 'closed', 'open', 'open', 'open']);
  });
});

describe('silence', () => {
  const silent = (identity: string | undefined): Sign => ({ sign: 'unanswered', began: 0, identity, error });

  test('of one identity, however often, is its own', () => {
    const state = knownFrom(...Array.from({ length: 50 }, (_, at) => [at, silent('guest')] as const));
    expect(state).toMatchObject({ circuit: 'closed', unanswered: 0, silentIdentity: 'guest' });
  });

  test.for([['visitor'], [undefined]] as const)('of a second identity (%s) makes it that of the server', ([second]) => {
    const state = knownFrom([0, silent('guest')], [1, silent(second)], [2, silent('guest')], [3, silent('guest')]);
    expect(state.circuit).toBe('open');
  });

  test('of two identities with an answer between them stays their own', () => {
    const state = knownFrom(
      [0, silent('guest')],
      [1, { sign: 'answered', began: 0, at: 1 }],
      [2, silent('visitor')],
      [3, silent('visitor')],
      [4, silent('visitor')],
    );
    expect([state.circuit, state.unanswered]).toEqual(['closed', 0]);
  });
});

test('a server that asks to be left alone is, though callers ask; its failures are not counted', () => {
  const state = knownFrom([0, { sign: 'busy', began: 0, retryAfter: 5000, error }]);
  expect(state).toMatchObject({ failures: 0, circuit: 'closed' });
  expect(waitOf(state, 0, true, settings)).toBeGreaterThanOrEqual(5000);
  const forever = knownFrom([0, { sign: 'busy', began: 0, retryAfter: Number.MAX_SAFE_INTEGER, error }]);
  expect(waitOf(forever, 0, true, settings)).toBeLessThanOrEqual(1.5 * settings.idleProbeInterval);
  expect(waitOf(told(forever, { sign: 'hurry' }, 1, settings, lasting), 1, true, settings)).toBe(0);
});

/** How long an attempt takes at most. */
const openTimeout = 5000;
/** The longest wait while callers ask: for a slow attempt, which is longer than any other here. */
const longest = 1.25 * settings.probeInterval;

/** A sign about an attempt or a connection that began some time ago; numbers are taken modulo what there is. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('attempt' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('failed', 'abandoned', 'dropped', 'lost', 'refused', 'answered', 'lasted', 'busy' as const),
      which: fc.nat(20),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('unanswered' as const),
      which: fc.nat(20),
      identity: fc.constantFrom(undefined, 'guest', 'guest', 'visitor'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('advance' as const), duration: fc.constantFrom(0, 1, 60, 700) }),
  },
);

test('whatever signs come in whatever order: open only after enough, one attempt at a time, always a way back, no longer than told', () => {
  const random = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), random, (steps, drawn) => {
      let state = unknownEndpoint;
      let now = 0;
      /** When the attempts and connections there are began. */
      const began: number[] = [0];
      /** Every failure and every silence that is not one identity's own, since the circuit was closed by a proof. */
      let bad = 0;
      /** When the newest attempt began, until the circuit is closed or open. */
      let attempt: number | undefined;
      /** When attempts began that nobody told the end of: as if each of them hung. */
      const attempts: number[] = [];
      /** Until when an attempt has to be possible while callers ask. */
      let promised = 0;
      for (const chosen of steps) {
        const before = state;
        if (chosen.do === 'advance') {
          now += chosen.duration;
        } else if (chosen.do === 'attempt') {
          if (waitOf(state, now, true, settings) > 0) continue;
          if (state.circuit === 'half-open') {
            expect(now - (attempt ?? now), 'a further attempt only when the newest is slow').toBeGreaterThanOrEqual(
              settings.probeInterval,
            );
            attempts.push(now);
            const recent = attempts.filter((one) => one > now - openTimeout).length;
            expect(recent, 'no more hang at once than fit').toBeLessThanOrEqual(openTimeout / settings.probeInterval);
          } else {
            attempts.splice(0, attempts.length, now);
          }
          if (state.circuit !== 'closed') attempt = now;
          began.push(now);
          state = told(state, { sign: 'attempted', began: now }, now, settings, () => drawn);
        } else {
          const since = began[chosen.which % began.length] ?? 0;
          const sign = { sign: chosen.do, began: since, at: now, error, retryAfter: 700 } as Sign;
          state = told(
            state,
            'identity' in chosen ? ({ ...sign, identity: chosen.identity } as Sign) : sign,
            now,
            settings,
            () => drawn,
          );
          if (['failed', 'dropped', 'refused', 'unanswered'].includes(chosen.do)) bad++;
        }
        if (before.circuit === 'closed' && state.circuit === 'open') {
          expect(bad, 'open only after enough failures').toBeGreaterThanOrEqual(settings.failureThreshold);
        }
        if (before.circuit !== 'closed' && state.circuit === 'closed') {
          expect(['answered', 'refused', 'busy'], 'closed by a proof only').toContain(chosen.do);
        }
        if (state.circuit === 'half-open') {
          expect(attempt, 'half-open while one attempt is made').toBeDefined();
          const given = told(state, { sign: 'abandoned', began: attempt ?? 0 }, now, settings, () => drawn);
          expect(given.circuit, 'a way back').toBe('open');
          const turn = waitOf(state, now, true, settings);
          expect(turn, 'an attempt that hangs holds up no other for long').toBeLessThanOrEqual(longest);
          expect(waitOf(given, now, true, settings), 'and at once').toBeLessThanOrEqual(longest);
        } else {
          attempt = undefined;
          const wait = waitOf(state, now, true, settings);
          expect(wait).toBeLessThanOrEqual(longest);
          expect(wait, 'a caller who asks waits no longer than without').toBeLessThanOrEqual(
            waitOf(state, now, false, settings),
          );
          const isNewFailure =
            state.failedAt !== before.failedAt ||
            state.pausedFrom !== before.pausedFrom ||
            state.notBefore !== before.notBefore;
          if (
            isNewFailure ||
            state.attemptedAt !== before.attemptedAt ||
            state.unanswered > 0 ||
            state.pause > before.pause ||
            before.circuit !== state.circuit
          )
            promised = now + wait;
          expect(now + wait, 'no longer than told').toBeLessThanOrEqual(Math.max(promised, now));
        }
        if (chosen.do !== 'lasted' || state.failedAt > (began.at(-1) ?? 0)) {
          expect(state.failures, 'only a connection that lasted resets the count').toBeGreaterThanOrEqual(
            chosen.do === 'lasted'
              ? before.failures
              : Math.min(before.failures, state.failures === 0 ? 1 : state.failures),
          );
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('whatever one identity other than the own does, its silence opens nothing and pauses nothing', () => {
  const quiet = fc.array(fc.record({ pause: fc.nat(2000), began: fc.nat(100) }), { maxLength: 100 });
  fc.assert(
    fc.property(quiet, (silences) => {
      let now = 0;
      let state = unknownEndpoint;
      for (const { pause, began } of silences) {
        now += pause;
        state = told(state, { sign: 'unanswered', began, identity: 'guest', error }, now, settings, lasting);
        expect([state.circuit, state.unanswered, waitOf(state, now, true, settings)]).toEqual(['closed', 0, 0]);
      }
    }),
  );
});
