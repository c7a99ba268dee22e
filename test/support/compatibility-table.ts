import { type ByVersion, cellOf } from './server-version.js';

/** What was seen of each hazard, by the name of the column: `3.0.5` is a server, `embedded 3.0.2` the engine. */
export type Cells = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** A row of the table, without its cells. */
export interface Row {
  readonly hazard: string;
  readonly pool: string;
}

const [begin, end] = ['<!-- cells -->', '<!-- /cells -->'];
const embedded = 'embedded ';

export function columnName(version: string, isServer: boolean): string {
  return isServer ? version : embedded + version;
}

/** The cells between the two marks of the page. */
export function cellsIn(page: string): Cells {
  const [head, , ...rows] = tableOf(page).trim().split('\n').map(split);
  const versions = (head ?? []).slice(1, -1);
  return new Map(
    rows.map(([hazard = '', ...cells]) => [
      hazard,
      new Map(versions.map((version, index) => [version, cells[index] ?? ''])),
    ]),
  );
}

/** What a column says of a hazard: the column of that version, or of the newest one of its sort that is not newer. */
export function expectedCell(cells: Cells, hazard: string, column: string): string {
  const row = cells.get(hazard);
  if (row === undefined) throw new Error(`docs/compatibility.md has no row "${hazard}"`);
  const isEmbedded = column.startsWith(embedded);
  const sort = [...row].filter(([name]) => name.startsWith(embedded) === isEmbedded);
  const byVersion = Object.fromEntries(sort.map(([name, cell]) => [name.replace(embedded, ''), cell]));
  return cellOf(byVersion as ByVersion<string>, column.replace(embedded, ''));
}

/** The page with one column written anew, and the rows in their order; a cell that was never looked at is a `?`. */
export function withColumn(
  page: string,
  rows: readonly Row[],
  column: string,
  seen: ReadonlyMap<string, string>,
): string {
  const cells = cellsIn(page);
  const versions = [...new Set([...[...cells.values()].flatMap((row) => [...row.keys()]), column])].sort(
    // Embedded ones first.
    (one, other) =>
      Number(other.startsWith(embedded)) - Number(one.startsWith(embedded)) ||
      one.localeCompare(other, 'en', { numeric: true }),
  );
  const cell = (hazard: string, version: string): string =>
    (version === column ? seen.get(hazard) : undefined) ?? cells.get(hazard)?.get(version) ?? '?';
  const lines = [
    ['hazard', ...versions, 'the pool'],
    ['---', ...versions.map(() => '---'), '---'],
    ...rows.map(({ hazard, pool }) => [hazard, ...versions.map((version) => cell(hazard, version)), pool]),
  ];
  const table = lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
  return page.replace(tableOf(page), () => `\n\n${table}\n\n`);
}

function tableOf(page: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`the page has no table between ${begin} and ${end}`);
  return page.slice(from + begin.length, to);
}

function split(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
