import type { Style } from '../output.js';
import type { Line, Span } from './styled-line.js';
import { fitted, visible, widthOf } from './terminal-text.js';

/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly side?: 'left' | 'right';
  /** Columns with a higher number are left out first when there is no room for all. */
  readonly rank: number;
  /** The most columns of the terminal it takes; the last one that is shown may take all that is left. */
  readonly most?: number;
  /** What is left free for longer texts, so that columns do not move while it is looked at. */
  readonly least?: number;
  readonly style?: (row: Row) => Style | undefined;
}

/** A table as wide as its content, in at most so many columns: its head, and a line for each row. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): { readonly head: Line; readonly rows: readonly Line[] } {
  const measured = columns.map((column) => {
    const texts = rows.map((row) => visible(column.text(row)));
    const widest = Math.max(column.least ?? 0, widthOf(column.title), ...texts.map(widthOf));
    return { column, texts, width: Math.min(widest, column.most ?? widest) };
  });
  const shown = [...measured];
  const taken = (): number => shown.reduce((sum, { width: own }) => sum + own + 2, -2);
  while (shown.length > 1 && taken() > width) {
    const last = shown.reduce((worst, one) => (one.column.rank > worst.column.rank ? one : worst));
    shown.splice(shown.indexOf(last), 1);
  }
  const lineOf = (texts: readonly string[], styles: readonly (Style | undefined)[]): Line =>
    shown.flatMap(({ column, width: own }, index): Span[] => {
      const isLast = index === shown.length - 1;
      const text = texts[index] ?? '';
      const shownText = isLast && column.side !== 'right' ? text : fitted(text, own, column.side);
      const style = styles[index];
      return [...(index === 0 ? [] : ['  ']), style === undefined ? shownText : ([style, shownText] as const)];
    });
  return {
    head: lineOf(
      shown.map(({ column }) => column.title),
      shown.map(() => 'dim'),
    ),
    rows: rows.map((row, index) =>
      lineOf(
        shown.map(({ texts }) => texts[index] ?? ''),
        shown.map(({ column }) => column.style?.(row)),
      ),
    ),
  };
}
