import type { Call } from '../calls/call.js';
import type { Admission } from '../calls/ledger.js';
import type { SessionKeeper } from './session-keeper.js';

/**
 * Lets a call that was counted pass the guards of its session. One that they refuse has failed.
 * @returns a promise while a hook of the user decides
 * @throws StatementRefusedError, UsageError
 */
export function guarded<Counted extends Admission>(
  session: SessionKeeper,
  counted: Counted,
  call: Call,
  confirmed: boolean,
): Counted | Promise<Counted> {
  let asking: Promise<void> | undefined;
  try {
    asking = session.guard(call, confirmed);
  } catch (error) {
    counted.failed(error);
    throw error;
  }
  if (asking === undefined) return counted;
  return asking
    .then(() => {
      // The hook may have taken long.
      session.refuse(call, false);
      return counted;
    })
    .catch((error: unknown) => {
      counted.failed(error);
      throw error;
    });
}
