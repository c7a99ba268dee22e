import fc from 'fast-check';

/** One of these names with a letter too many, too few or another one, or two in the wrong order; never one of them. */
export function misspelt(names: readonly string[]): fc.Arbitrary<string> {
  return fc
    .record({ name: fc.constantFrom(...names), at: fc.nat(20), how: fc.nat(3), letter: fc.constantFrom(...'aeixzQ_') })
    .map(({ name, at, how, letter }) => {
      const place = at % name.length;
      const [before, after] = [name.slice(0, place), name.slice(place)];
      if (how === 0) return before + letter + after;
      if (how === 1) return before + after.slice(1);
      if (how === 2) return before + letter + after.slice(1);
      return before + after.slice(1, 2) + after.slice(0, 1) + after.slice(2);
    })
    .filter((name) => !names.includes(name));
}
