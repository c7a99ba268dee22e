/** A run with the same seed draws the same faults; how they meet the workers is up to the machine. */
export const seed = Number(process.env.CHAOS_SEED ?? Math.trunc(Math.random() * 2 ** 31));
