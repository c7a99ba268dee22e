import { expect, test } from 'vitest';
import { SessionLog } from '../../src/agents/session-log.js';
import { Usage } from '../../src/agents/usage.js';
import { collectGarbage } from '../support/garbage.js';
import { VirtualClock } from '../support/virtual-clock.js';

test('the counts and the log of an idle session take less than a kilobyte', () => {
  const clock = new VirtualClock();
  const parent = new Usage({ sessionId: 'p', agentId: 'parent' }, {}, undefined, clock);
  const make = (index: number): object[] => {
    const limits = { maxConnections: 5, maxOperations: 100_000, operationsPerSecond: 10, queryTimeout: '30s' };
    const owner = { sessionId: `session ${index}`, agentId: `agent ${index}` };
    return [new Usage(owner, limits, parent, clock), new SessionLog(1_000, true)];
  };
  make(0);
  const many = 10_000;
  const sessions = new Array<object[]>(many);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < many; index++) sessions[index] = make(index);
  collectGarbage();
  const each = (process.memoryUsage().heapUsed - before) / many;
  expect(sessions).toHaveLength(many);
  expect(each).toBeLessThan(1_024);
});
