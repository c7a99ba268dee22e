/** Why a connection was closed. */
export type CloseReason =
  /** Idle for longer than `idleTimeout`, above the minimum. */
  | 'idle'
  /** Older than its share of `maxLifetime`. */
  | 'lifetime'
  /** Lent `recycleAfterUses` times. */
  | 'uses'
  /** Marked by its user, or by `recycleAll()`. */
  | 'recycled'
  /** The probe before lending failed or did not answer. */
  | 'probe-failed'
  /** It could not be reset after a lease, or switched to another identity. */
  | 'reset-failed'
  /** It died by itself: its socket was closed. */
  | 'died'
  /** The caller aborted a call on it by its signal. */
  | 'cut-off'
  /** A call on it got no answer in time. */
  | 'unanswered'
  /** Its session was over, and could not be signed in again. */
  | 'signed-out'
  /** Its server is `out`: it fails, is shutting down or full, and another one serves. */
  | 'endpoint-out'
  /** Its server is being drained, or was removed. */
  | 'drained'
  /** Its server had more than its share of the connections: one is opened at another. */
  | 'rebalance'
  /** A call on it was answered that its server is shutting down, or has no room. */
  | 'leaving'
  /** The pool was made smaller. */
  | 'resized'
  /** The pool was shut down. */
  | 'shutdown'
  /** Its lease was still held when the shutdown's grace period ended, or an operator ended it during a call. */
  | 'aborted';

export const closeReasons: readonly CloseReason[] = [
  'idle',
  'lifetime',
  'uses',
  'recycled',
  'probe-failed',
  'reset-failed',
  'died',
  'cut-off',
  'unanswered',
  'signed-out',
  'endpoint-out',
  'drained',
  'rebalance',
  'leaving',
  'resized',
  'shutdown',
  'aborted',
];
