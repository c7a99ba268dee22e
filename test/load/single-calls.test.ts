import { expect } from 'vitest';
import { plain } from '../../src/cli/output.js';
import { scenarioText } from '../../src/cli/scenario-text.js';
import { plays } from './plays.js';

const calls = 64 * 40;

plays('single-calls', (report) => {
  const { operations, messages, pool } = report;
  expect(operations.total).toBe(2 * calls + 2);
  // Two statements that make the scene and read it at the end are calls too, and in no report of the scenario's own.
  expect(pool.messages.calls).toBeGreaterThan(calls);
  expect(messages?.calls).toBe(calls);
  expect(messages?.sent).toBeLessThan(calls / 2);
  expect(scenarioText(report, plain)).toMatch(/^messages {5}[\d.]+ calls in each, of 2,560 single calls$/m);
});

for (const scenario of ['batching-waiting', 'batching-always']) {
  plays(scenario, ({ messages }) => expect(messages?.callsPerMessage).toBeGreaterThan(1));
}

for (const scenario of ['batching-off', 'pipelining-off', 'pipelining']) {
  plays(scenario, ({ messages }) => expect(messages?.callsPerMessage).toBe(1));
}
