/** The path of each of these options, under the option that holds them. */
export function paths(parent: string, entries: object): readonly string[] {
  return Object.keys(entries).map((key) => `${parent}.${key}`);
}
