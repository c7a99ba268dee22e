import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Request } from '../../src/calls/call.js';
import { type CallLimits, withinLimits } from '../../src/calls/limits.js';
import { CallAbortedError, ConnectionLostError, QueryTimeoutError } from '../../src/errors/call.js';
import type { Lease } from '../../src/pool/lease.js';
import type { Connection } from '../../src/session/connection.js';

/** What `withinLimits` does to a lease and its connection. */
class Ends {
  readonly marks: string[] = [];
  readonly severed: unknown[] = [];
  runs = 0;
  readonly connection = {
    run: <T>(work: () => Promise<T>): Promise<T> => {
      this.runs++;
      return work();
    },
  } as unknown as Connection;
  readonly lease = {
    resource: this.connection,
    isAlone: true,
    markForRecycling: (reason: string) => this.marks.push(reason),
  } as unknown as Lease<Connection>;

  limits(more: Partial<CallLimits>): CallLimits {
    return { queryTimeout: 0, sever: (connection) => this.severed.push(connection), ...more };
  }
}

const never = (): Promise<never> => new Promise(() => {});
const request = (work: () => Promise<unknown> = never): Request<unknown> => new Request(work);

describe('a call within its limits', () => {
  test('gives what it comes to, and leaves nothing behind', async () => {
    const ends = new Ends();
    const { signal } = new AbortController();
    for (const limits of [
      ends.limits({}),
      ends.limits({ queryTimeout: 60_000 }),
      ends.limits({ signal }),
      ends.limits({ queryTimeout: 60_000, signal }),
    ]) {
      expect(await withinLimits(request(), async () => 5, ends.lease, limits)).toBe(5);
      await expect(withinLimits(request(), () => Promise.reject(new Error('no')), ends.lease, limits)).rejects.toThrow(
        'no',
      );
    }
    expect([ends.runs, ends.marks, ends.severed]).toEqual([8, [], []]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('ends at the timeout: sent, its connection ends with it', async () => {
    const ends = new Ends();
    const call = request();
    const slow = withinLimits(call, () => call.send(ends.connection), ends.lease, ends.limits({ queryTimeout: 5 }));
    await expect(slow).rejects.toThrow(QueryTimeoutError);
    await expect(slow).rejects.toMatchObject({ outcome: 'unknown', message: expect.stringContaining('(5 ms)') });
    expect([ends.marks, ends.severed]).toEqual([['unanswered'], [ends.connection]]);
  });

  test('leaves the connection to other calls that are under way on it', async () => {
    const ends = new Ends();
    Object.assign(ends.lease, { isAlone: false });
    const call = request();
    const slow = withinLimits(call, () => call.send(ends.connection), ends.lease, ends.limits({ queryTimeout: 5 }));
    await expect(slow).rejects.toMatchObject({ code: 'ERR_POOL_QUERY_TIMEOUT', outcome: 'unknown' });
    expect([ends.marks, ends.severed]).toEqual([['unanswered'], []]);
  });

  test('ends at the timeout: not sent, it never is, and its connection goes on', async () => {
    const ends = new Ends();
    const call = request(async () => 'sent all the same');
    const slow = withinLimits(call, never, ends.lease, ends.limits({ queryTimeout: 5 }));
    await expect(slow).rejects.toMatchObject({ code: 'ERR_POOL_QUERY_TIMEOUT', outcome: 'not-sent' });
    expect([ends.marks, ends.severed]).toEqual([[], []]);
    expect(() => call.send(ends.connection)).toThrow(ConnectionLostError);
    expect(call.sent).toBe(false);
  });

  test('ends with its signal, also when that was aborted before', async () => {
    const ends = new Ends();
    const abort = new AbortController();
    const call = request();
    const slow = withinLimits(
      call,
      () => call.send(ends.connection),
      ends.lease,
      ends.limits({ signal: abort.signal }),
    );
    abort.abort(new Error('closed tab'));
    await expect(slow).rejects.toThrow(CallAbortedError);
    await expect(slow).rejects.toMatchObject({ outcome: 'unknown', cause: new Error('closed tab') });
    expect([ends.marks, ends.severed]).toEqual([['cut-off'], [ends.connection]]);

    const late = new Ends();
    const limits = late.limits({ signal: abort.signal, queryTimeout: 10 });
    await expect(withinLimits(request(), async () => 5, late.lease, limits)).rejects.toMatchObject({
      outcome: 'not-sent',
    });
    expect([late.runs, late.marks]).toEqual([0, []]);
  });

  test('has an end of its own once only, whatever comes later', async () => {
    const ends = new Ends();
    const abort = new AbortController();
    const call = request();
    const limits = ends.limits({ queryTimeout: 5, signal: abort.signal });
    let finish: (value: number) => void = () => {};
    const work = (): Promise<number> => {
      call.send(ends.connection).catch(() => {});
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    await expect(withinLimits(call, work, ends.lease, limits)).rejects.toThrow(QueryTimeoutError);
    abort.abort();
    finish(5);
    await sleep(1);
    expect(ends.severed).toHaveLength(1);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });

  test('has as many times the timeout as it stands for calls, as far as a timer holds it', async () => {
    const ends = new Ends();
    const call = request();
    call.timeoutFactor = 64;
    const long = withinLimits(call, () => sleep(30, 'done'), ends.lease, ends.limits({ queryTimeout: 2 ** 30 }));
    expect(await long).toBe('done');
    call.timeoutFactor = 3;
    await expect(withinLimits(call, never, ends.lease, ends.limits({ queryTimeout: 2 }))).rejects.toThrow('(6 ms)');
  });
});
