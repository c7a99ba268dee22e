import { appendFileSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Program, programs, runProgram } from '../support/pool-model.js';

const runs = 1500;
const mostCommands = 160;
/** A hang is told with its seed before the runner gives up on the whole test. */
const patience = 120_000;

/** Seeds that found something once. A run that fails adds its own: commit it with the mend. */
const kept = new URL('./model-seeds.txt', import.meta.url);
/** The seeds of every run on this machine, with how each ended; git ignores it. A run that was killed has no end there. */
const diary = new URL('./model-runs.log', import.meta.url);
const keptSeeds = readFileSync(kept, 'utf8').split('\n').filter(Boolean).map(Number);
const seed = Number(process.env.MODEL_SEED ?? Math.trunc(Math.random() * 2 ** 31));

/** Every error names the seed, also when one program never ends. */
async function runAll(withSeed: number, numRuns: number): Promise<number> {
  let steps = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hangs = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`a program did not end within ${patience} ms`)), patience);
  });
  const property = fc.asyncProperty(programs(mostCommands), async (program) => {
    steps += program.commands.length;
    await runProgram(program);
  });
  const note = (what: string): void => appendFileSync(diary, `${new Date().toISOString()} seed ${withSeed}: ${what}\n`);
  note(`${numRuns} programs`);
  try {
    await Promise.race([fc.assert(property, { numRuns, seed: withSeed }), hangs]);
    note(`held for ${steps} commands`);
  } catch (error) {
    note('failed');
    if (!keptSeeds.includes(withSeed)) appendFileSync(kept, `${withSeed}\n`);
    throw new Error(`replay with: MODEL_SEED=${withSeed} npx vitest run test/pool/model.test.ts`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  return steps;
}

test(`whatever happens to the pool in whatever order, its promises hold after every step, seed ${seed}`, async () => {
  console.log(`replay with: MODEL_SEED=${seed} npx vitest run test/pool/model.test.ts`);
  expect(await runAll(seed, runs)).toBeGreaterThanOrEqual(100_000);
});

test.each(keptSeeds)('the seed %i, which found something once, finds nothing any more', async (found) => {
  expect(await runAll(found, 300)).toBeGreaterThan(0);
});

describe('programs that found something once', () => {
  const plain = {
    ...{ connectionTimeout: 1000, openTimeout: 40, probeTimeout: 30, resetTimeout: 30, closeTimeout: 30 },
    ...{ idleTimeout: 0, maxLifetime: 0, recycleAfterUses: 0, validateOnCheckout: false, validationInterval: 0 },
    ...{ leakDetectionThreshold: 0, idleLeaseThreshold: 0, healthCheckInterval: 0, unhealthyThreshold: 1 },
    ...{ minConnections: 0, maxConnections: 1, maxConnecting: 1, maxWaiters: Number.POSITIVE_INFINITY },
    warmConnections: false,
    loadShedding: { target: 0, interval: 2000 },
    batching: 'off' as const,
  };
  const acquire = { do: 'acquire', timeout: 0, abortable: false, identity: 'home', use: 'alone' } as const;
  const visit = { ...acquire, identity: 'visitor' } as const;

  const found: readonly (Program & { readonly title: string })[] = [
    {
      title: 'a pause of an open circuit outlived the circuit',
      ...{ settings: plain, behaviours: ['slow', 'ok'], warmAttempts: 0, failureThreshold: 1 },
      commands: [
        { do: 'resize', min: 0, max: 3 },
        acquire,
        { do: 'finish', which: 0 },
        ...[acquire, acquire],
        { do: 'resize', min: 0, max: 0 },
        { do: 'busy', which: 3 },
        { do: 'die', which: 0 },
        { do: 'leap', duration: 2000 },
        { do: 'release', which: 13 },
        { do: 'advance', duration: 60 },
        { do: 'release', which: 0 },
      ],
    },
    {
      title: 'a change that failed was made again and again at once, on connections opened for it',
      settings: { ...plain, maxConnecting: 3, warmConnections: true },
      ...{ behaviours: ['fail', 'ok'], warmAttempts: 0, failureThreshold: 0 },
      commands: [{ do: 'resize', min: 3, max: 3 }, visit, { do: 'resume' }, { do: 'shutdown', grace: 0 }],
    },
  ];
  test.each(found)('$title', async ({ title: _title, ...program }) => {
    await runProgram(program);
  });
});
