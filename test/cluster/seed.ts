import { seededRandom } from '../support/seeded-random.js';
import { type Cell, nameOf, sample } from './cells.js';

/** A run with the same seed draws the same cells, and strikes the same nodes for as long. */
export const seed = Number(process.env.MATRIX_SEED ?? Math.trunc(Math.random() * 2 ** 31));

/** Only cells whose names have this in them, to look at some. */
const only = process.env.MATRIX_ONLY ?? '';
const count = process.env.MATRIX_CELLS;

/** What of these is played: so many, or as many as MATRIX_CELLS says, each with its name and the seed of its own. */
export function drawn(from: readonly Cell[], usual: number): [name: string, cell: Cell, seed: number][] {
  const some = from.filter((cell) => nameOf(cell).includes(only));
  return sample(seededRandom(seed), count === undefined ? usual : Number(count), some).map((cell, number) => [
    nameOf(cell),
    cell,
    seed + number,
  ]);
}
