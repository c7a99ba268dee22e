import type { SurrealText } from './surreal-text.js';

const words = new Set('CREATE UPSERT UPDATE DELETE INSERT RELATE DEFINE REMOVE ALTER REBUILD KILL ACCESS'.split(' '));

/** Functions that may do anything: they are written elsewhere. */
const families = new Set(['FN', 'API']);

/**
 * Whether a text only reads, as far as it says so itself: what fields and events do is in no text. In doubt it does not.
 */
export function onlyReads({ tokens }: SurrealText): boolean {
  return !tokens.some(
    (token, index) =>
      (token.kind === 'word' && words.has(token.value)) ||
      (families.has(token.value) && tokens[index + 1]?.text === '::') ||
      // A record id in quotes may hold expressions: r"a:[fn::log()]".
      (token.kind === 'string' && /^r.*[(\\{]/is.test(token.text)) ||
      token.kind === 'unknown' ||
      token.doubtful,
  );
}
