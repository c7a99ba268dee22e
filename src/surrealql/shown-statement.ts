import type { Token } from './token.js';
import { tokenize } from './tokens.js';

/** The longest statement that an error shows, in characters. */
const longestShown = 200;
/** What is looked at of a text: it may have millions of characters. */
const longestRead = 2_000;

/**
 * A statement as errors show it: in one line, shortened, without comments, and with no text that it contains. Such a text may
 * be the password of a `DEFINE USER` or what an end user wrote, and where a secret stands no list of words can tell.
 */
export function shownStatement(text: string): string {
  const part = text.slice(0, longestRead);
  let line = '';
  let end = 0;
  for (const token of tokenize(part)) {
    const space = token.start > end && line !== '' ? ' ' : '';
    // The server may take what follows for something else, and a text for none.
    if (token.doubtful) return `${line.slice(0, longestShown)}${space}…`;
    line += space + shownToken(token);
    end = token.end;
    if (line.length > longestShown) break;
  }
  return line.length > longestShown || text.length > longestRead ? `${line.slice(0, longestShown)}…` : line;
}

function shownToken({ kind, text }: Token): string {
  switch (kind) {
    case 'string':
      return "'…'";
    case 'regex':
      return '/…/';
    case 'script':
      return '{ … }';
    case 'unknown':
      // A character that begins nothing, or what is not closed: a text that is cut off.
      return text.length === 1 ? text : '…';
    default:
      return text;
  }
}
