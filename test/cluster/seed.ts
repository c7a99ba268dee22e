/** A run with the same seed draws the same cells, and strikes the same nodes for as long. */
export const seed = Number(process.env.MATRIX_SEED ?? Math.trunc(Math.random() * 2 ** 31));
