import { expect, inject, onTestFinished, test } from 'vitest';
import { serverScene } from '../chaos/scene.js';
import { seed } from '../chaos/seed.js';
import { survive } from '../chaos/survive.js';
import { processFaults } from '../support/faults.js';
import { seededRandom } from '../support/seeded-random.js';
import { ServerProcess } from '../support/server-process.js';

const size = { workers: 32, longest: { fault: 500, calm: 500 }, enough: (struck: number) => struck >= 20 };

test(`32 workers write exactly once, whatever the network does (CHAOS_SEED=${seed})`, async () => {
  const server = inject('server');
  if (server === undefined) return expect.unreachable('there is no server: use npm run test:server');
  const random = seededRandom(seed);
  const scene = await serverScene(server, random);
  onTestFinished(() => scene.close());
  await survive(scene, random, size);
});

test(`32 workers write exactly once, though the server is suspended and killed (CHAOS_SEED=${seed})`, async ({
  skip,
}) => {
  skip(process.env.SURREALDB_URL !== undefined, 'a server at SURREALDB_URL cannot be killed from here');
  const random = seededRandom(seed);
  const server = await ServerProcess.start();
  onTestFinished(() => server.kill());
  const scene = await serverScene(server, random, processFaults(server));
  onTestFinished(() => scene.close());
  await survive(scene, random, size);
});
