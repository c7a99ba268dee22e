import { ServerError } from 'surrealdb';
import { type Call, newRecording } from '../calls/call.js';
import type { Layer } from '../calls/pipeline.js';
import { UsageError } from '../errors/configuration.js';
import { systemClock } from '../time/clock.js';
import type { Answer } from '../wire/answer.js';
import type { CallLog } from './call-log.js';
import { LoggedCall } from './logged-call.js';
import { pinnedBindings } from './pinned-ids.js';

/** A layer that keeps each call and its answers, so that savepoints can be rolled back to. */
export function keptIn(log: CallLog): Layer<Call, Answer> {
  return async (call, next) => {
    refuseReplacedTimes(call, log);
    const recording = newRecording();
    const from = systemClock.now();
    const add = (failure: Error | undefined): void => {
      const made = { from, until: systemClock.now() };
      log.add(new LoggedCall({ text: call.text, recording, made, failure }));
    };
    try {
      const answer = await next(call.with({ bindings: pinnedBindings(call), recording }));
      add(undefined);
      return answer;
    } catch (error) {
      if (error instanceof ServerError) add(error);
      throw error;
    }
  };
}

/** Refuses a parameter that holds a time which a rollback to a savepoint has changed since the program saw it. */
function refuseReplacedTimes({ text, details }: Call, { replaced }: CallLog): void {
  if (replaced.isEmpty) return;
  const [found] = replaced.foundIn(text, details.bindings);
  if (found === undefined) return;
  throw new UsageError(
    'a parameter holds a time that the server had made in this transaction before it was rolled back to a savepoint; that record has a later time since: read it again, and use what is there now',
  );
}
