import { messageOf } from '../errors/error-message.js';
import type { Answer } from '../wire/answer.js';
import type { CallLimits } from './limits.js';
import type { Next } from './pipeline.js';

/** A call on a connection that may be closed at its release. */
interface Retiring {
  readonly channel: {
    readonly retireOn: CallLimits['retireOn'];
    /** Marks the connection to be closed at the end of the lease. */
    discard(): void;
  };
}

/** A layer that closes the connection at its release when a call fails as `retireOn` says. */
export async function retires<A extends Retiring, T>(asked: A, next: Next<A, T>): Promise<T> {
  try {
    return await next(asked);
  } catch (error) {
    judge(asked, error);
    throw error;
  }
}

/** The same for failed statements inside an answer. */
export async function retiresByAnswer<A extends Retiring>(asked: A, next: Next<A, Answer>): Promise<Answer> {
  const answer = await next(asked);
  for (const { error } of answer) if (error !== undefined) judge(asked, error);
  return answer;
}

function judge({ channel }: Retiring, failure: unknown): void {
  try {
    if (channel.retireOn?.(failure) === true) channel.discard();
  } catch (error) {
    process.emitWarning(`retireOn threw: ${messageOf(error)}`, 'SurrealPoolWarning');
  }
}
