import type { Surreal } from 'surrealdb';

/** What a server does, by the first version that does it. */
export type ByVersion<T> = Readonly<Record<`${number}.${number}.${number}`, T>>;

/** The version of the server that a client is connected to, without what a build adds to it. */
export async function versionOf(client: Surreal): Promise<string> {
  const { version } = await client.version();
  const [numbers] = /\d+\.\d+\.\d+/.exec(version) ?? [];
  if (numbers === undefined) throw new Error(`the server says that it is ${version}, which is no version`);
  return numbers;
}

/** What the cell for a version holds: the one of the newest version that is not newer than it. */
export function cellOf<T>(cells: ByVersion<T>, version: string): T {
  const cell = Object.entries<T>(cells)
    .filter(([first]) => compare(first, version) <= 0)
    .sort(([one], [other]) => compare(one, other))
    .at(-1);
  if (cell === undefined) throw new Error(`nothing is said of version ${version}`);
  return cell[1];
}

function compare(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
