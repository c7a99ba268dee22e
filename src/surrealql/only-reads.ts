import type { SurrealText } from './surreal-text.js';

const words = new Set('CREATE UPSERT UPDATE DELETE INSERT RELATE DEFINE REMOVE ALTER REBUILD KILL ACCESS'.split(' '));
export function onlyReads({ tokens }: SurrealText): boolean {
  return !tokens.some(
    (token, index) =>
      (token.kind === 'word' && words.has(token.value)) ||
      (token.value === 'FN' && tokens[index + 1]?.text === '::') ||
      token.kind === 'unknown' ||
      token.doubtful,
  );
}
