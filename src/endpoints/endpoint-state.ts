/**
 * What is known about one server, derived from signs of its connections, as a value:
 *
 *                failures in a row                 an attempt begins
 *     closed ──────────────────────────▶ open ◀─────────────────────────▶ half-open
 *        ▲                                       an attempt fails           │    ▲ │ the newest attempt is slow:
 *        │                                                                  │    └─┘ another one begins
 *        └───────── a connection opened since the last failure answers ─────┘
 *
 * (A circuit breaker: Nygard, "Release It!", 2007.)
 *
 * While no opening is known to work ({@link isProving}), one attempt is made at a time. But an attempt that hangs does
 * not block others: it may have begun just before the server came back. When the newest attempt is as old as the
 * spacing, the next one begins beside it. The spacing is never shorter than `probeInterval`, so with attempts of
 * `openTimeout` at most, no more than `openTimeout / probeInterval` are under way. Pauses count from the start of a
 * failed attempt, since no other was made while it hung.
 *
 * A weak proof never resets a stronger one:
 *
 *     a session is open                            proves an opening, and resets nothing
 *     an old connection answers                    the server is alive: `unanswered` is 0, the circuit is closed
 *     one opened since the last failure answers    openings work: the circuit is closed, attempts need no long pauses
 *     what it answers is a call, not a probe       it serves: `failures` is 1
 *     and it has lasted                            what was wrong is over: `failures` is 0
 *
 * The failure of an attempt that began before a working connection was opened says nothing new.
 *
 * So a server that accepts each connection and drops it soon after gets fewer and fewer attempts, as if it had refused
 * them. Every function is pure: it takes the old state and returns the new one.
 */
export interface EndpointState {
  readonly circuit: Circuit;
  /** Failed attempts in a row: refused, lost, or dropped soon after opening. */
  readonly failures: number;
  /** Probes and calls in a row, on different connections, that got no answer. */
  readonly unanswered: number;
  /** When the last of these was. An earlier answer proves nothing. */
  readonly unansweredAt: number;
  /** The identity whose connections got no answer, if it is only one and not the pool's own. */
  readonly silentIdentity: string | undefined;
  /** The error of the last of these; undefined when there was none since an answer. */
  readonly silence: unknown;
  readonly failedAt: number;
  /** When the first of these attempts failed. */
  readonly failingSince: number;
  /** When a connection opened before last answered: then the server works, but takes no new connections. */
  readonly servedAt: number;
  /** When the newest attempt began, unless it failed or was given up. */
  readonly attemptedAt: number;
  /** When the newest connection that has answered since the last failure was opened. */
  readonly provenAt: number;
  /** How long the next attempt waits after `pausedFrom` while the circuit is closed. */
  readonly pause: number;
  /** When the last failure was, or when the failed attempt began. */
  readonly pausedFrom: number;
  /** When the last attempt with a counted failure began. */
  readonly countedFrom: number;
  /** The server asked for no attempt before this time. */
  readonly notBefore: number;
  /**
   * A random share from ½ to 1 of the pauses, drawn at each failure, and at each attempt while the circuit is not
   * closed, so that many pools do not act in step.
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

/**
 * What a connection, or an attempt to open one, shows about its server. `began`: when it was opened, or the attempt
 * made.
 */
export type Sign =
  /** An opening begins. */
  | { readonly sign: 'attempted'; readonly began: number }
  /** The pool gave the attempt up, which says nothing about the server. */
  | { readonly sign: 'abandoned'; readonly began: number }
  /** A call (`byCall`) or a probe was answered, `at` that moment. */
  | { readonly sign: 'answered'; readonly began: number; readonly at: number; readonly byCall?: boolean }
  /** A connection that has answered has outlived the settling time. */
  | { readonly sign: 'lasted'; readonly began: number }
  /** The server answered the attempt with a refusal: it is alive. */
  | { readonly sign: 'refused'; readonly began: number; readonly error: unknown }
  /**
   * The server asks for no attempt within `retryAfter` milliseconds: it is starting, or has no room. The pool follows
   * within bounds.
   */
  | { readonly sign: 'busy'; readonly began: number; readonly error: unknown; readonly retryAfter: number }
  /** A connection was opened, which resets nothing. */
  | { readonly sign: 'opened'; readonly began: number }
  /** The attempt failed. */
  | { readonly sign: 'failed'; readonly began: number; readonly error: unknown }
  /**
   * The connection was lost soon after it was opened, which counts as a failed attempt. The first one needs no pause.
   */
  | { readonly sign: 'dropped'; readonly began: number; readonly error: unknown }
  /**
   * An older connection was lost, as when a server is restarted. Only the next openings show whether the server is
   * down.
   */
  | { readonly sign: 'lost'; readonly began: number; readonly error: unknown }
  /** A probe or a call got no answer in time. `identity`: of the connection, unless it is the pool's own. */
  | {
      readonly sign: 'unanswered';
      readonly began: number;
      readonly identity?: string | undefined;
      readonly error: unknown;
    }
  /** It is shutting down, does not listen, or has no room. */
  | { readonly sign: 'leaving'; readonly error: unknown }
  /** A ping was not answered at once: it may be slow, or gone. */
  | { readonly sign: 'silent'; readonly error: unknown }
  /** An operator says that the server works again. */
  | { readonly sign: 'hurry' };

/** The pause after each opening that follows failures, until a connection has lasted, in milliseconds. */
const trialPause = 100;
/** If an attempt fails while a newer one goes on, the circuit is open for a moment, so that waiters are refused. */
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

/** Whether anything is wrong, or was until recently: then answers of calls and lasting connections are reported too. */
export function isTroubled({ circuit, failures, unanswered, silentIdentity }: EndpointState): boolean {
  return failures > 0 || unanswered > 0 || circuit !== 'closed' || silentIdentity !== undefined;
}

/** Whether a new connection must answer a probe before it is lent, since opening alone proves too little. */
export function isSuspect({ circuit, failures, unanswered }: EndpointState): boolean {
  return failures > 1 || unanswered > 0 || circuit !== 'closed';
}

/** Whether no opening is known to work: then the next attempt begins only when the newest one has ended or is slow. */
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

/**
 * How old the newest attempt must be before the next one begins beside it: from 1 to 1¼ `probeInterval` while callers
 * wait.
 */
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
    case 'opened':
    case 'silent':
      return state;
    case 'leaving':
      // It may take connections until it is gone, and answer each of them the same.
      return { ...state, notBefore: Math.max(state.notBefore, now + spacing(drawn(random), true, settings)) };
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

/** Notes that the attempt begun then has ended: if it was the newest, the next one need not wait for it. */
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
  // It serves calls. If it is lost soon after, that counts as the second failure in a row.
  if (byCall) return { ...proven, failures: Math.min(state.failures, 1) };
  // The fault may come back: until a connection has lasted, others are opened only now and then.
  const isOnTrial = state.failures > 1;
  return { ...proven, notBefore: isOnTrial ? Math.max(state.notBefore, began + trialPause) : Number.NEGATIVE_INFINITY };
}

/** Whether this is the newest attempt while the circuit is not closed, or the connection it opened. */
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
  // The circuit is already open since then, so its announced pause stays; the newest attempt goes on.
  if (circuit !== 'closed' && began < Math.max(failedAt, attemptedAt)) {
    const known = { ...state, lastError: error };
    if (circuit === 'open' || began < failedAt) return known;
    return { ...known, circuit: 'open', notBefore: Math.max(state.notBefore, now + moment(settings)) };
  }
  // An attempt begun together with a failed one is not counted again when it fails. One begun a pause later is counted,
  // even if it began before the first had failed.
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
  // A slow attempt has used up its pause; the circuit still opens for a moment, so that waiters are refused.
  return known.circuit === 'open' ? { ...known, notBefore: Math.max(known.notBefore, now + moment(settings)) } : known;
}

/**
 * Missing answers of one identity count only for that identity until another one gets none either: only its part of the
 * server may be stuck.
 */
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
  // From half-open only a proof closes the circuit, so a failed attempt opens it again, whatever the counters say.
  if (circuit !== 'closed' || Math.max(failures, unanswered) >= failureThreshold) return 'open';
  return 'closed';
}
