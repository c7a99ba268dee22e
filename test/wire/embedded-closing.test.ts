import { NodeEngine } from '@surrealdb/node';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Transport } from '../../src/wire/transport.js';

const settings = { openTimeout: 0, probeTimeout: 0, livenessTimeout: 0 };
const never = new AbortController().signal;

afterEach(() => {
  vi.restoreAllMocks();
});

/** An embedded engine with a call under way, and what happens to it in order. */
async function busy() {
  const happened: string[] = [];
  const { close, send } = NodeEngine.prototype;
  vi.spyOn(NodeEngine.prototype, 'send').mockImplementation(async function (this: NodeEngine, request) {
    const answer = await send.call(this, request);
    if (request.method === 'query') happened.push('answered');
    return answer;
  });
  vi.spyOn(NodeEngine.prototype, 'close').mockImplementation(function (this: NodeEngine) {
    happened.push('freed');
    return close.call(this);
  });
  const transport = await Transport.open({ url: 'mem://' }, settings, never);
  const session = await transport.attach();
  await transport.use({ namespace: 'test', database: 'test' }, session);
  return { transport, happened, answered: transport.query({ query: 'SLEEP 100ms', bindings: {} }, session) };
}

// @surrealdb/node ends the process when a call of it has not begun yet.
describe('an embedded engine with a call under way', () => {
  test('is freed after the answer when it is closed', async () => {
    const { transport, happened, answered } = await busy();
    await transport.close(never);
    await answered;
    expect(happened).toEqual(['answered', 'freed']);
  });

  test('is freed after the answer when it is terminated', async () => {
    const { transport, happened, answered } = await busy();
    transport.terminate();
    await answered;
    await vi.waitFor(() => expect(happened).toEqual(['answered', 'freed']));
  });

  test('is not waited for longer than the signal allows, and freed later', async () => {
    const { transport, happened, answered } = await busy();
    const impatience = new AbortController();
    const closed = transport.close(impatience.signal);
    impatience.abort();
    await closed;
    expect(happened).toEqual([]);
    await answered;
    await vi.waitFor(() => expect(happened.slice(0, 2)).toEqual(['answered', 'freed']));
  });
});
