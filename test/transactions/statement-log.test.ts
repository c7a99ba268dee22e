import { BoundQuery, RecordId, type Uuid } from 'surrealdb';
import { afterEach, describe, expect, test } from 'vitest';
import type { Exchange } from '../../src/connection/tapped-codec.js';
import { Transport } from '../../src/connection/transport.js';
import { StatementLog } from '../../src/transactions/statement-log.js';
import { surroundings } from '../support/surroundings.js';
import { bytesOf } from '../support/values.js';

const own = surroundings();
const transports: Transport[] = [];
afterEach(() => {
  for (const transport of transports.splice(0)) transport.terminate();
});

/** A session on a server: embedded, or over a socket. */
async function session(kind: 'embedded' | 'socket'): Promise<{ transport: Transport; id: Uuid }> {
  const url = kind === 'embedded' ? 'mem://' : (await own.listen()).url;
  const settings = { openTimeout: 5000, livenessTimeout: 0, probeTimeout: 5000 };
  const transport = await Transport.open(url, settings, AbortSignal.timeout(5000));
  transports.push(transport);
  const id = await transport.attach();
  await transport.protocol.use({ namespace: 'log', database: 'log' }, id);
  return { transport, id };
}

/** Runs a query to its end, and gives what was shown of it. */
async function tapped(on: { transport: Transport; id: Uuid }, query: BoundQuery): Promise<Exchange[]> {
  const shown: Exchange[] = [];
  for await (const chunk of on.transport.tappedQuery(query, on.id, undefined, (exchange) => shown.push(exchange))) {
    if (chunk.error !== undefined) throw chunk.error;
  }
  return shown;
}

const never = { from: 0, until: 0 };
const replayable = { kind: 'replayable', byTextAlone: true } as const;

describe.each(['embedded', 'socket'] as const)('a call as it was on the wire (%s)', (kind) => {
  test('can be read again: text, parameters and results, whatever became of the objects', async () => {
    const on = await session(kind);
    const parameters = { list: [1, new RecordId('a', 'b')], none: undefined };
    const [exchange] = await tapped(on, new BoundQuery('RETURN $list; RETURN [$none, 2]', parameters));
    parameters.list.push(3);
    const log = new StatementLog();
    expect(log.note('RETURN 1', replayable)).toBe(true);
    if (exchange === undefined) throw new Error('nothing was shown');
    log.add(exchange, 2, { from: 4, until: 5 });
    const [entry] = log.before({ ...log.mark(), length: 1 });
    const { call, results } = entry?.read() ?? {};
    expect(call).toMatchObject({ text: 'RETURN $list; RETURN [$none, 2]', replies: 2 });
    expect(bytesOf(call?.bindings)).toBe(bytesOf({ list: [1, new RecordId('a', 'b')], none: undefined }));
    expect(bytesOf(results)).toBe(
      bytesOf([
        [1, new RecordId('a', 'b')],
        [undefined, 2],
      ]),
    );
    expect(entry?.made).toEqual({ from: 4, until: 5 });
  });

  test('belongs to its own call, among others at the same time', async () => {
    const on = await session(kind);
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    const all = await Promise.all(
      numbers.map(async (number) => {
        // Every third is not looked at.
        const query = new BoundQuery('RETURN $n', { n: number });
        if (number % 3 > 0) return tapped(on, query);
        for await (const _ of on.transport.query(query, on.id));
        return [];
      }),
    );
    for (const number of numbers) {
      const log = new StatementLog();
      for (const exchange of all[number] ?? []) log.add(exchange, 1, never);
      const seen = log.before({ ...log.mark(), length: 1 }).map((entry) => entry.read());
      expect(seen.map(({ call, results }) => [call.bindings.n, results])).toEqual(
        number % 3 > 0 ? [[number, [number]]] : [],
      );
    }
  });

  test('is not shown when it failed', async () => {
    const on = await session(kind);
    await expect(tapped(on, new BoundQuery('this does not parse'))).rejects.toThrow(/Parse error/);
    expect(await tapped(on, new BoundQuery('RETURN 1'))).toHaveLength(1);
  });
});

describe('the log of a transaction', () => {
  const exchange = (bytes: number): Exchange => ({ request: new Uint8Array(bytes), reply: new Uint8Array(0) });

  test('stops at the first call that cannot be replayed, and goes on after a rollback before it', () => {
    const log = new StatementLog();
    expect(log.note('RETURN 1', replayable)).toBe(true);
    log.add(exchange(10), 1, never);
    const savepoint = log.mark();
    expect(log.note('RETURN rand()', { kind: 'impure', culprit: 'rand()', reason: 'because', byTextAlone: true })).toBe(
      false,
    );
    expect(log.note('RETURN 1', replayable)).toBe(false);
    log.add(exchange(10), 1, never);
    expect(log.mark().length).toBe(1);
    expect(log.mark().refusal).toMatchObject({ kind: 'unsupported', culprit: 'rand()', reason: 'because' });
    log.truncate(savepoint);
    expect(log.mark().refusal).toBeUndefined();
    expect(log.note('RETURN 1', replayable)).toBe(true);
  });

  test('stops when it would grow beyond its budget', () => {
    const log = new StatementLog(100);
    log.add(exchange(60), 1, never);
    const first = log.mark();
    log.add(exchange(40), 1, never);
    expect(log.mark().refusal).toBeUndefined();
    log.add(exchange(1), 1, never);
    expect(log.mark().refusal).toEqual({ kind: 'limit', bytes: 101 });
    expect(log.note('RETURN 1', replayable)).toBe(false);
    log.truncate(first);
    log.add(exchange(40), 1, never);
    expect(log.mark().length).toBe(2);
    expect(log.mark().refusal).toBeUndefined();
  });
});
