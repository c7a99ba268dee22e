import { expect, test } from 'vitest';
import { collectGarbage } from '../support/garbage.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();

test('an idle session takes about two kilobytes, and a closed one nothing', async () => {
  const pool = await own.pool('mem://');
  const make = (index: number) =>
    pool.createSession({
      agentId: `agent ${index}`,
      namespace: 'agents',
      database: 'own',
      limits: { maxOperations: 9 },
    });
  await make(0).close();
  const many = 10_000;
  const sessions = new Array<ReturnType<typeof make>>(many);
  const size = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = size();
  for (let index = 0; index < many; index++) sessions[index] = make(index);
  const each = (size() - before) / many;
  expect(pool.sessions().open).toBe(many);
  expect(each).toBeLessThan(2_560);
  for (const session of sessions) await session.close();
  sessions.length = 0;
  expect((size() - before) / many).toBeLessThan(100);
});
