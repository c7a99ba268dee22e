/** Gives numbers from 0 to below 1, like `Math.random`. */
export type Random = () => number;

/** Random numbers that are the same for the same seed, so that a run can be made again. */
export function seededRandom(seed: number): Random {
  // Neighbouring seeds must not begin alike; and a shift register never leaves 0.
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 8; round++) next();
  return next;
}

/** The same items in a random order. */
export function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}
