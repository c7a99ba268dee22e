import { expect, test } from 'vitest';
import { runIsolated } from '../agents/isolation-run.js';
import { scenesOf } from '../agents/isolation-scenes.js';
import { surroundings } from '../support/surroundings.js';
import { rocksdbUrl } from '../support/temporary.js';

const own = surroundings(rocksdbUrl());
const leases = Number(process.env.ISOLATION_LEASES ?? 20_000);
const seed = Number(process.env.ISOLATION_SEED ?? Math.trunc(Math.random() * 2 ** 31));

test.each(scenesOf(own, false))(
  `no agent sees anything of another in ${leases} leases, %s, seed ${seed}`,
  async (_where, open) => {
    console.log(`replay with: ISOLATION_SEED=${seed} npm run test:soak`);
    const report = await runIsolated(await open(), { seed, leases });
    console.log(JSON.stringify(report));
    expect(report.leases).toBe(leases);
  },
);
