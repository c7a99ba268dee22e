import { expect, inject, test } from 'vitest';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';
import { runIsolated } from './isolation-run.js';
import { scenesOf } from './isolation-scenes.js';
import { changes } from './session-changes.js';

// It loses no update, so that writes can be counted.
const own = surroundings(rocksdbUrl());
const seed = Number(process.env.ISOLATION_SEED ?? Math.trunc(Math.random() * 2 ** 31));
const leases = Number(process.env.ISOLATION_LEASES ?? 200);
const replay = `ISOLATION_SEED=${seed} ISOLATION_LEASES=${leases}`;

/** By far more than it takes. */
const timeout = 180_000 + 60 * leases;

test.each(scenesOf(own, inject('server') !== undefined))(
  `no agent sees anything of another, %s (${replay})`,
  { timeout },
  async (where, open) => {
    console.log(`${where}: replay with ${replay}`);
    const report = await runIsolated(await open(), { seed, leases });
    if (leases >= 1_000) console.log(JSON.stringify(report, null, 1));
    expect(report.leases).toBe(leases);
    expect(report.refused, 'objects were kept, and refused').toBeGreaterThan(0);
    // What the server refuses always is no change.
    const possible = Object.keys(changes).filter((name) => !name.endsWith('refused'));
    const missing = possible.filter((name) => !(name in report.changed));
    // Many users may not do everything, so a short run may leave out a few.
    expect(missing.length, `not changed: ${missing.join(', ')}`).toBeLessThanOrEqual(leases >= 1_000 ? 0 : 4);
  },
);
