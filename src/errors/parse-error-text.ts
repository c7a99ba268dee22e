import { ServerError } from 'surrealdb';

/** A line of the text that could not be read, as a server shows it: ` 1 | SELECT * FROM …`. */
const shownLine = /^( *\d+ \| )(.*)$/gm;
/** A comment, or a text in quotes; one that is not closed here has more lines. */
const hidden = /(?:--|#|\/\/).*|\/\*.*?(?:\*\/|$)|(["'])(?:\\.|(?!\1)[^\\])*(\1|\\?$)/g;

/**
 * Takes from the error of a text that a server could not read what stands in quotes and in comments of it: the server shows
 * the line at fault, and that may be the one with the password of a `DEFINE USER`. What is shown stays in its column.
 */
export function hideTexts(error: unknown): void {
  if (!(error instanceof ServerError) || !error.message.startsWith('Parse error')) return;
  const { message, stack } = error;
  const shown = message.replace(shownLine, (_, number: string, line: string) => number + withoutTexts(line));
  if (shown === message) return;
  const own = { configurable: true, writable: true };
  Object.defineProperty(error, 'message', { value: shown, ...own });
  if (typeof stack !== 'string') return;
  Object.defineProperty(error, 'stack', { value: stack.replace(message, () => shown), ...own });
}

function withoutTexts(line: string): string {
  // Its beginning is cut off: nothing tells what in it is in quotes.
  let isTorn = line.startsWith('...');
  const shown = line.replace(hidden, (text: string, quote?: string, end?: string) => {
    isTorn ||= quote !== undefined && end !== quote;
    return quote === undefined
      ? dots(text)
      : quote + dots(text.slice(1, end === quote ? -1 : undefined)) + (end === quote ? quote : '');
  });
  return isTorn ? dots(line) : shown;
}

function dots(text: string): string {
  return text.replace(/\S/gu, '·');
}
