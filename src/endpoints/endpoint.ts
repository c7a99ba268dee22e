/**
 * What is known of one server, from the signs that its connections give, as a value:
 *
 *                failures in a row                 an attempt begins
 *     closed ──────────────────────────▶ open ◀─────────────────────────▶ half-open
 *        ▲                                       an attempt fails           │    ▲ │ the newest attempt is slow:
 *        │                                                                  │    └─┘ another one begins
 *        └───────── a connection opened since the last failure answers ─────┘
 *
 * (A circuit breaker: Nygard, "Release It!", 2007.)
 *
 * While openings prove nothing ({@link isProving}) one attempt is made at a time, but an attempt that hangs holds up no
 * other: it may have begun a moment before the server came back. When the newest is as old as the spacing, the next one
 * begins beside it. The spacing is never shorter than `probeInterval`, so that of attempts that take `openTimeout` at
 * most, no more than `openTimeout / probeInterval` are under way. Pauses count from the beginning of an attempt that
 * failed: while it hung, the server was left alone.
 *
 * A weak proof never resets a stronger one:
 *
 *     a session is open                            proves an opening, and resets nothing
 *     an old connection answers                    the server is alive: `unanswered` is 0, the circuit is closed
 *     one opened since the last failure answers    openings work: the circuit is closed, attempts need no long pauses
 *     what it answers is a call, not a probe       it serves: `failures` is 1
 *     and it has lasted                            what was wrong is over: `failures` is 0
 *
 * And an attempt that began before a connection was opened that answered tells nothing new when it fails.
 *
 * So a server that takes each connection and drops it soon after sees attempts that become rarer, as if it had refused
 * them. Every function is pure: it takes what was known and gives what is known now.
 */
export interface EndpointState {
  readonly circuit: Circuit;
  /** Attempts in a row that came to nothing: refused, lost, or dropped while young. */
  readonly failures: number;
  /** Probes and calls in a row, on different connections, that got no answer. */
  readonly unanswered: number;
  /** The last of these. An answer that came before it proves nothing. */
  readonly unansweredAt: number;
  /** Whose connections got no answer, while it is one identity that is not the pool's own. */
  readonly silentIdentity: string | undefined;
  /** How the last of these failed; undefined when none has since an answer. */
  readonly silence: unknown;
  readonly failedAt: number;
  /** When the first of these attempts failed. */
  readonly failingSince: number;
  /** When a connection answered last that was opened before: the server serves, it only takes no new connections. */
  readonly servedAt: number;
  /** When the newest attempt began, unless it failed or was given up. */
  readonly attemptedAt: number;
  /** When the newest connection was opened that has answered since the last failure. */
  readonly provenAt: number;
  /** How long the next attempt waits after `pausedFrom` while the circuit is closed. */
  readonly pause: number;
  /** When the last failure was, or the beginning of the attempt that failed. */
  readonly pausedFrom: number;
  /** When the last attempt began whose failure was counted. */
  readonly countedFrom: number;
  /** The server asked to be left alone until then. */
  readonly notBefore: number;
  /**
   * Drawn at each failure, and at each attempt while the circuit is not closed, from a half to 1: pauses are cut to this
   * share, so that many pools do not come in step.
   */
  readonly share: number;
  /** Why the last attempt failed; undefined when it did not. */
  readonly lastError: unknown;
}

export type Circuit = 'closed' | 'open' | 'half-open';

export interface EndpointSettings {
  /** Failures in a row that open the circuit; 0: it is never opened. */
  readonly failureThreshold: number;
  /** The longest pause between two attempts while callers ask, in milliseconds. */
  readonly probeInterval: number;
  /** The longest pause between two attempts while the circuit is open and no caller asks, in milliseconds. */
  readonly idleProbeInterval: number;
  /** How long to wait, in milliseconds, after this many failures in a row (1 and up). */
  readonly backoff: (failures: number) => number;
}

/** What a connection, or an attempt to open one, tells of its server. `began`: when it was opened, or the attempt made. */
export type Sign =
  /** An opening begins. */
  | { readonly sign: 'attempted'; readonly began: number }
  /** The attempt ended without telling anything: the pool gave it up. */
  | { readonly sign: 'abandoned'; readonly began: number }
  /** A call (`byCall`) or a probe was answered, `at` that moment. */
  | { readonly sign: 'answered'; readonly began: number; readonly at: number; readonly byCall?: boolean }
  /** A connection that has answered is still there after a while. */
  | { readonly sign: 'lasted'; readonly began: number }
  /** The server took the attempt and said no: it is alive. */
  | { readonly sign: 'refused'; readonly began: number; readonly error: unknown }
  /** The server asks to be left alone for `retryAfter` milliseconds: it is starting, or has no room. Heeded within bounds. */
  | { readonly sign: 'busy'; readonly began: number; readonly error: unknown; readonly retryAfter: number }
  /** The attempt failed. */
  | { readonly sign: 'failed'; readonly began: number; readonly error: unknown }
  /** The attempt brought a connection that was lost soon after: a failed attempt. The first one needs no pause. */
  | { readonly sign: 'dropped'; readonly began: number; readonly error: unknown }
  /** A connection that had lasted was lost, as happens when a server is restarted: how opening goes will tell. */
  | { readonly sign: 'lost'; readonly began: number; readonly error: unknown }
  /** A probe or a call got no answer in time. `identity`: of the connection, unless it is the pool's own. */
  | {
      readonly sign: 'unanswered';
      readonly began: number;
      readonly identity?: string | undefined;
      readonly error: unknown;
    }
  /** An operator says that it is well again. */
  | { readonly sign: 'hurry' };

/** After each opening that follows failures, until one has lasted, in milliseconds. */
const trialPause = 100;
/** After an attempt that failed while a newer one goes on the circuit is open for a moment, so that callers are told. */
const moment = ({ probeInterval }: EndpointSettings): number => Math.min(trialPause, probeInterval / 4);

export const unknownEndpoint: EndpointState = {
  circuit: 'closed',
  failures: 0,
  unanswered: 0,
  unansweredAt: Number.NEGATIVE_INFINITY,
  silentIdentity: undefined,
  silence: undefined,
  failedAt: Number.NEGATIVE_INFINITY,
  failingSince: Number.NEGATIVE_INFINITY,
  servedAt: Number.NEGATIVE_INFINITY,
  attemptedAt: Number.NEGATIVE_INFINITY,
  provenAt: Number.NEGATIVE_INFINITY,
  pause: 0,
  pausedFrom: Number.NEGATIVE_INFINITY,
  countedFrom: Number.NEGATIVE_INFINITY,
  notBefore: Number.NEGATIVE_INFINITY,
  share: 1,
  lastError: undefined,
};

/** Whether anything is wrong, or was until a short while ago: then it is looked at what calls and time show. */
export function isTroubled({ circuit, failures, unanswered, silentIdentity }: EndpointState): boolean {
  return failures > 0 || unanswered > 0 || circuit !== 'closed' || silentIdentity !== undefined;
}

/** Whether an opening proves so little that a call has to be answered before the connection is lent. */
export function isSuspect({ circuit, failures, unanswered }: EndpointState): boolean {
  return failures > 1 || unanswered > 0 || circuit !== 'closed';
}

/** Whether nothing shows that openings work: the next attempt begins when the newest one has ended, or is slow. */
export function isProving({ circuit, failures, pause }: EndpointState): boolean {
  return circuit !== 'closed' || (failures > 1 && pause > 0);
}

/** How long until the next attempt may be made, in milliseconds: 0 for now. */
export function waitOf(state: EndpointState, now: number, asked: boolean, settings: EndpointSettings): number {
  const { circuit, attemptedAt, pause, pausedFrom, share, notBefore } = state;
  const longest = share * (asked || circuit === 'closed' ? settings.probeInterval : settings.idleProbeInterval);
  const wait = circuit === 'open' ? longest : asked ? Math.min(pause, longest) : pause;
  const pauseEnd = circuit === 'half-open' ? Number.NEGATIVE_INFINITY : pausedFrom + wait;
  const turn = isProving(state) ? attemptedAt + spacing(share, asked, settings) : Number.NEGATIVE_INFINITY;
  return Math.max(0, pauseEnd - now, turn - now, notBefore - now);
}

/** How old the newest attempt is when the next one begins beside it: from 1 to 1¼ `probeInterval` while callers ask. */
function spacing(share: number, asked: boolean, { probeInterval, idleProbeInterval }: EndpointSettings): number {
  const whileAsked = (0.75 + share / 2) * probeInterval;
  return asked ? whileAsked : Math.max(whileAsked, share * idleProbeInterval);
}

/** @param random from 0 (inclusive) to 1 */
export function told(
  state: EndpointState,
  sign: Sign,
  now: number,
  settings: EndpointSettings,
  random: () => number,
): EndpointState {
  switch (sign.sign) {
    case 'attempted':
      return attempted(state, sign.began, random);
    case 'abandoned':
      return { ...ended(state, sign.began), circuit: isTheAttempt(state, sign) ? 'open' : state.circuit };
    case 'answered':
      return answered(state, sign, now);
    case 'lasted':
      return sign.began < state.failedAt ? state : { ...state, failures: 0 };
    case 'refused':
      return { ...failed(alive(state), sign, now, settings, random), circuit: 'closed' };
    case 'busy': {
      const wait = Math.min(sign.retryAfter, settings.idleProbeInterval) * (1 + random() / 2);
      return { ...ended(alive(state), sign.began), circuit: 'closed', notBefore: now + wait, lastError: sign.error };
    }
    case 'failed':
      return sign.began < state.provenAt ? state : failed(state, sign, now, settings, random);
    case 'dropped': {
      const next = failed(state, sign, now, settings, random);
      return next.failures > 1 ? next : { ...next, pause: 0 };
    }
    case 'lost':
      return isTheAttempt(state, sign) ? failed(state, sign, now, settings, random) : state;
    case 'unanswered':
      return unanswered(state, sign, now, settings, random);
    case 'hurry':
      return { ...unknownEndpoint, lastError: state.lastError };
  }
}

function attempted(state: EndpointState, began: number, random: () => number): EndpointState {
  if (state.circuit === 'closed') return { ...state, attemptedAt: began };
  return { ...state, circuit: 'half-open', attemptedAt: began, share: drawn(random) };
}

function drawn(random: () => number): number {
  return 0.5 + random() / 2;
}

/** What began then goes on no longer: when it is the newest attempt, no other one waits for it. */
function ended(state: EndpointState, began: number): EndpointState {
  return began < state.attemptedAt ? state : { ...state, attemptedAt: Number.NEGATIVE_INFINITY };
}

function answered(
  state: EndpointState,
  { began, at, byCall = false }: Sign & { sign: 'answered' },
  now: number,
): EndpointState {
  const heard = at > state.unansweredAt ? alive(state) : state;
  if (state.failures > 0 && began < state.failingSince) return { ...heard, circuit: 'closed', servedAt: now };
  if (began < state.failedAt) return heard;
  const provenAt = Math.max(state.provenAt, began);
  const proven: EndpointState = { ...heard, circuit: 'closed', pause: 0, provenAt, lastError: undefined };
  // It does what it is for, and if it is lost soon after: one more failure like this is the second in a row.
  if (byCall) return { ...proven, failures: Math.min(state.failures, 1) };
  // What was wrong may come back: until one has lasted, further connections are opened only now and then.
  const isOnTrial = state.failures > 1;
  return { ...proven, notBefore: isOnTrial ? Math.max(state.notBefore, began + trialPause) : Number.NEGATIVE_INFINITY };
}

/** Whether this is the newest attempt from a circuit that is not closed, or the connection that it brought. */
function isTheAttempt(
  { circuit, attemptedAt, failedAt }: EndpointState,
  { began }: { readonly began: number },
): boolean {
  return circuit !== 'closed' && attemptedAt >= failedAt && began >= attemptedAt;
}

function alive(state: EndpointState): EndpointState {
  return { ...state, unanswered: 0, silentIdentity: undefined, silence: undefined };
}

function failed(
  state: EndpointState,
  { sign, began, error }: { readonly sign: Sign['sign']; readonly began: number; readonly error: unknown },
  now: number,
  settings: EndpointSettings,
  random: () => number,
): EndpointState {
  const { circuit, failedAt, attemptedAt } = state;
  // The circuit is open since, and what was told of its pause stays true; the newest attempt that is made goes on.
  if (circuit !== 'closed' && began < Math.max(failedAt, attemptedAt)) {
    const known = { ...state, lastError: error };
    if (circuit === 'open' || began < failedAt) return known;
    return { ...known, circuit: 'open', notBefore: Math.max(state.notBefore, now + moment(settings)) };
  }
  // What began side by side with a failed attempt and fails as well is the same failure seen again. One that began a pause
  // later is another one, also when it began before the first was known to have failed.
  const isAnother = began >= state.countedFrom + Math.min(state.pause, state.share * settings.probeInterval);
  const failures = isAnother ? state.failures + 1 : Math.max(1, state.failures);
  const countedFrom = sign === 'failed' ? began : now;
  const failingSince = state.failures === 0 ? now : state.failingSince;
  const next = {
    ...ended(state, began),
    failures,
    failingSince,
    failedAt: now,
    pause: settings.backoff(failures),
    pausedFrom: sign === 'failed' ? Math.max(began, attemptedAt) : now,
    countedFrom: isAnother ? countedFrom : state.countedFrom,
    share: drawn(random),
    lastError: error,
  };
  const serves = now - state.servedAt < settings.idleProbeInterval && state.unanswered < settings.failureThreshold;
  const known: EndpointState = { ...next, circuit: serves ? 'closed' : circuitOf(next, settings) };
  // A slow attempt has used its pause up: callers are told all the same.
  return known.circuit === 'open' ? { ...known, notBefore: Math.max(known.notBefore, now + moment(settings)) } : known;
}

/** The silence of one identity is its own until another one gets no answer either: its part of the server may be stuck. */
function unanswered(
  state: EndpointState,
  { sign, identity, began, error }: Sign & { sign: 'unanswered' },
  now: number,
  settings: EndpointSettings,
  random: () => number,
): EndpointState {
  const { silentIdentity } = state;
  const isItsOwn = identity !== undefined && state.unanswered === 0 && (silentIdentity ?? identity) === identity;
  const silent = {
    ...state,
    ...(isItsOwn ? { silentIdentity: identity } : { unanswered: state.unanswered + 1 }),
    unansweredAt: now,
    silence: error,
  };
  if (isTheAttempt(state, { began })) return failed(silent, { sign, began, error }, now, settings, random);
  const circuit = circuitOf(silent, settings);
  return circuit === state.circuit ? silent : failed(silent, { sign, began, error }, now, settings, random);
}

function circuitOf({ circuit, failures, unanswered }: EndpointState, { failureThreshold }: EndpointSettings): Circuit {
  if (failureThreshold === 0) return 'closed';
  // From half-open there is one way back: a proof. So the attempt that fails leads to open, whatever the numbers say.
  if (circuit !== 'closed' || Math.max(failures, unanswered) >= failureThreshold) return 'open';
  return 'closed';
}

/** Holds what is known of one server. {@link Endpoint.report} is the only way to change it. */
export class Endpoint {
  readonly #settings: EndpointSettings;
  readonly #random: () => number;
  #state = unknownEndpoint;
  #troubled = false;

  /** @param random from 0 (inclusive) to 1 */
  constructor(settings: EndpointSettings, random: () => number) {
    this.#settings = settings;
    this.#random = random;
  }

  get state(): EndpointState {
    return this.#state;
  }

  /** Whether anything is wrong, or was until a short while ago. Asked at each release, so it is kept. */
  get troubled(): boolean {
    return this.#troubled;
  }

  /** Whether nothing shows that openings work. */
  get proving(): boolean {
    return isProving(this.#state);
  }

  /** How long until the next attempt may be made, in milliseconds; `asked`: whether a caller waits for it. */
  wait(now: number, asked: boolean): number {
    return waitOf(this.#state, now, asked, this.#settings);
  }

  /** How long the circuit stays open, in milliseconds; 0 when an attempt may be made. */
  openFor(now: number): number {
    return this.#state.circuit === 'open' ? this.wait(now, true) : 0;
  }

  /** @returns whether the circuit changed */
  report(sign: Sign, now: number): boolean {
    const { circuit } = this.#state;
    this.#state = told(this.#state, sign, now, this.#settings, this.#random);
    this.#troubled = isTroubled(this.#state);
    return this.#state.circuit !== circuit;
  }
}
