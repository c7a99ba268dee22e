import { ServerError } from 'surrealdb';
import { emptyCache, type Mending, mendedText, withoutAdded } from '../surrealql/mended-text.js';
import type { Answer } from '../wire/answer.js';
import { Call } from './call.js';
import type { Layer } from './pipeline.js';

/**
 * A layer that works around faults of a server within transactions: it adds statements to the text and removes their
 * answers. Callers, traces and errors never see them.
 * @param mending returns what to add now
 * @param onRefused called when the server did not let this user empty the cache
 */
export function mended(mending: () => Mending, onRefused: () => void): Layer<Call, Answer> {
  return async (call, next) => {
    const { text, added } = mendedText(call.surrealText, mending());
    if (added.size === 0) return await next(call);
    let answer: Answer;
    try {
      answer = await next(call.with({ sentText: text, added }));
    } catch (error) {
      if (!isParseError(error)) throw error;
      // Nothing of it ran. Send the caller's own text, so that the error shows that text; if the server can parse it
      // alone, it runs now.
      answer = await next(call);
      const { transaction } = call.details;
      await next(new Call({ text: emptyCache, bindings: {}, transaction, added: new Set([0]) }));
      return answer;
    }
    const own = withoutAdded(answer, added);
    const isRefused = (chunk: Answer[number]): boolean => chunk.error?.message.startsWith('IAM error') === true;
    if (answer.some((chunk) => isRefused(chunk) && !own.includes(chunk))) onRefused();
    return own.map((chunk, index) => ({ ...chunk, query: index }));
  };
}

function isParseError(error: unknown): boolean {
  return error instanceof ServerError && error.kind === 'Validation' && error.message.startsWith('Parse error');
}
