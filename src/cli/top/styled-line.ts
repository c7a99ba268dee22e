import type { Paint, Style } from '../output.js';
import { cut, visible, widthOf } from './terminal-text.js';

/** A part of a line, in a style or in none. */
export type Span = string | readonly [style: Style, text: string];

export type Line = readonly Span[];

/**
 * A line of at most so many columns, as it is written to a terminal. Every text passes here, and here it loses all that a
 * terminal would obey; only the codes of `paint` are added.
 */
export function written(line: Line, columns: number, paint: Paint): string {
  let left = columns;
  let text = '';
  for (const span of line) {
    const [style, given] = typeof span === 'string' ? [undefined, span] : span;
    const shown = cut(visible(given), left);
    if (shown === '') continue;
    left -= widthOf(shown);
    text += style === undefined ? shown : paint(style, shown);
    if (left <= 0) break;
  }
  return text;
}

/** How many columns a line takes when it is not cut. */
export function widthOfLine(line: Line): number {
  return line.reduce((sum, span) => sum + widthOf(visible(typeof span === 'string' ? span : span[1])), 0);
}
