import fc from 'fast-check';
import { expect, test } from 'vitest';
import { programs, runProgram } from '../support/pool-model.js';

const runs = 1500;
const mostCommands = 160;

test('whatever happens to the pool in whatever order, its promises hold after every step', async () => {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(programs(mostCommands), async (program) => {
      steps += program.commands.length;
      await runProgram(program);
    }),
    { numRuns: runs },
  );
  expect(steps).toBeGreaterThanOrEqual(100_000);
});
