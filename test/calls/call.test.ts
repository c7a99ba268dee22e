import { BoundQuery } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { Call, newRecording, Request } from '../../src/calls/call.js';
import { ConnectionLostError } from '../../src/errors/call.js';
import { answersOf } from '../../src/savepoints/logged-call.js';
import type { Connection } from '../../src/session/connection.js';
import { recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';

const own = surroundings();
const open = recordedSessions(own);

describe('a request', () => {
  test('knows whether it may have reached the server', async () => {
    const request = new Request(async () => 5);
    expect(request.sent).toBe(false);
    expect(await request.send({} as Connection)).toBe(5);
    request.giveUp();
    expect(request.sent, 'too late to give it up').toBe(true);
  });

  test('is not sent any more when it was given up', () => {
    const request = new Request(async () => 5);
    request.giveUp();
    expect(() => request.send({} as Connection)).toThrow(ConnectionLostError);
    expect(request.sent).toBe(false);
  });
});

describe('a call', () => {
  test('is read from the query once', () => {
    const query = new BoundQuery('RETURN $a', { a: 1 });
    const call = Call.of(query);
    query.append` -- more ${2}`;
    expect(call.text).toBe('RETURN $a');
    expect(call.details.bindings).toEqual({ a: 1 });
    expect(Call.of(query).text).toContain('more');
  });

  test('is another one with other details, and stays as it is', () => {
    const call = new Call({ text: 'RETURN 1', bindings: {} });
    call.timeoutFactor = 7;
    const recording = newRecording();
    const other = call.with({ bindings: { a: 1 }, recording });
    expect(other).not.toBe(call);
    expect(call.details).toEqual({ text: 'RETURN 1', bindings: {} });
    expect(other.details).toEqual({ text: 'RETURN 1', bindings: { a: 1 }, recording });
    expect(other.timeoutFactor).toBe(7);
    call.giveUp();
    expect(other.sent, 'each is sent or given up by itself').toBe(false);
  });

  test('reads its text once, also as another one with the same text', () => {
    const call = new Call({ text: 'RETURN 1', bindings: {} });
    const { surrealText } = call;
    expect(call.surrealText).toBe(surrealText);
    expect(call.with({ bindings: { a: 1 } }).surrealText).toBe(surrealText);
    expect(call.with({ sentText: 'RETURN 2' }).surrealText).toBe(surrealText);
    expect(call.with({ text: 'RETURN 3' }).surrealText.text).toBe('RETURN 3');
  });

  test.each(['embedded', 'socket'] as const)('is sent as it says, and recorded (%s)', async (kind) => {
    const session = await open(kind);
    await session.send('DEFINE TABLE IF NOT EXISTS thing');
    const { transport, id } = session;
    const began: unknown[] = [];
    const liveQueryBegan = (live: unknown): number => began.push(live);
    const connection = { transport, session: id, liveQueryBegan } as unknown as Connection;
    const recording = newRecording();
    const added = new Set([0]);
    const call = new Call({ text: 'RETURN $a', bindings: { a: 5 }, sentText: 'RETURN 1; RETURN $a', added, recording });
    const answer = await call.send(connection);
    expect(answer.map(({ result }) => result)).toEqual([[1], [5]]);
    expect(recording.added).toBe(added);
    expect(answersOf(recording).map((one) => one.get('result')?.decode())).toEqual([5]);

    const plain = new Call({ text: 'RETURN 2; THROW "no"; LIVE SELECT * FROM thing', bindings: {}, recording });
    const [two, failed, live] = await plain.send(connection);
    expect(two?.result).toEqual([2]);
    expect(failed?.error).toMatchObject({ message: expect.stringContaining('no'), outcome: 'refused' });
    expect(live?.error).toBeUndefined();
    expect(began.length, 'what a LIVE began has to be undone').toBe(1);
    expect(recording.added, 'nothing was added to this one').toEqual(new Set());
    await expect(new Call({ text: 'nothing that parses', bindings: {} }).send(connection)).rejects.toThrow(
      /Parse error/,
    );
  });
});
