import { expect, test } from 'vitest';
import { numbersStayEqual } from '../otel/equal-numbers.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const seed = Number(process.env.SOAK_SEED ?? Math.trunc(Math.random() * 2 ** 31));

test(`after a minute of random load the numbers of three pools are those of their statistics, seed ${seed}`, async () => {
  await numbersStayEqual(own, seed, 60_000);
  expect.hasAssertions();
});
