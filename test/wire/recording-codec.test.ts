import { inspect } from 'node:util';
import fc from 'fast-check';
import { CborCodec, RecordId, Uuid } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { type CallRecording, newRecording } from '../../src/calls/call.js';
import { UsageError } from '../../src/errors/configuration.js';
import { EncodedValue } from '../../src/savepoints/encoded-value.js';
import { answersOf } from '../../src/savepoints/logged-call.js';
import { EncodedBindings, RecordingCodec } from '../../src/wire/recording-codec.js';
import { recordedSessions } from '../support/recorded-session.js';
import { surroundings } from '../support/surroundings.js';
import { bytesOf, surrealValue } from '../support/values.js';

const open = recordedSessions(surroundings());
const encode = (value: unknown): Uint8Array => CborCodec.DEFAULT.encode(value);

/** The results of a reply, encoded. */
function resultsIn(recording: CallRecording): string[] {
  if (recording.reply === undefined) throw new Error('no reply was recorded');
  return answersOf(recording).map((answer) => Buffer.from(answer.get('result')?.bytes ?? []).toString('latin1'));
}

describe.each(['embedded', 'socket'] as const)('a call as it was on the wire (%s)', (kind) => {
  test('can be read again: its parameters and its answers, whatever became of the objects', async () => {
    const session = await open(kind);
    const recording = newRecording();
    const parameters = { list: [1, new RecordId('a', 'b')], none: undefined };
    const chunks = await session.send('RETURN $list; RETURN [$none, 2]', parameters, undefined, recording);
    parameters.list.push(3);
    chunks.splice(0);
    const params = new EncodedValue(recording.request ?? new Uint8Array()).get('params')?.items();
    expect(params?.[0]?.text).toBe('RETURN $list; RETURN [$none, 2]');
    expect(bytesOf(params?.[1]?.decode())).toBe(bytesOf({ list: [1, new RecordId('a', 'b')], none: undefined }));
    expect(resultsIn(recording)).toEqual([bytesOf([1, new RecordId('a', 'b')]), bytesOf([undefined, 2])]);
  });

  test('belongs to its own call, among others at the same time', async () => {
    const session = await open(kind);
    const recordings = await Promise.all(
      Array.from({ length: 30 }, async (_, number) => {
        const query = { query: 'RETURN $number', bindings: { number } };
        // Every third is not recorded.
        const recording = number % 3 === 0 ? undefined : newRecording();
        await session.transport.query(query, session.id, undefined, recording);
        return recording;
      }),
    );
    for (const [number, recording] of recordings.entries()) {
      if (recording === undefined) continue;
      const [, bindings] = new EncodedValue(recording.request ?? new Uint8Array()).get('params')?.items() ?? [];
      expect(bindings?.decode()).toEqual({ number });
      expect(resultsIn(recording)).toEqual([bytesOf(number)]);
    }
  });

  test('has a request and no reply when the server refused it, and the next has both', async () => {
    const session = await open(kind);
    const refused = newRecording();
    await expect(session.send('this does not parse', {}, undefined, refused)).rejects.toThrow(/Parse error/);
    expect(refused.request).toBeInstanceOf(Uint8Array);
    expect(refused.reply).toBeUndefined();
    const next = newRecording();
    await session.send('RETURN 7', {}, undefined, next);
    expect(resultsIn(next)).toEqual([bytesOf(7)]);
  });

  test('has neither when a value in it cannot be sent, and others are not mixed up with it', async () => {
    const session = await open(kind);
    const unsent = newRecording();
    const circle: unknown[] = [];
    circle.push(circle);
    for (const value of [2n ** 65n, circle]) {
      await expect(session.send('RETURN $value', { value }, undefined, unsent), inspect(value)).rejects.toThrow(
        UsageError,
      );
    }
    expect(unsent).toMatchObject({ request: undefined, reply: undefined });
    await session.transport.query({ query: 'RETURN 1', bindings: {} }, session.id);
    expect(unsent.request, 'a call that is not recorded').toBeUndefined();
    const next = newRecording();
    await session.send('RETURN 8', {}, undefined, next);
    expect(resultsIn(next)).toEqual([bytesOf(8)]);
  });

  test('reaches the server as parameters that are encoded already, as their values do', async () => {
    const session = await open(kind);
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom('a', 'b', 'x_1'), surrealValue), async (values) => {
        const text = 'RETURN $a; RETURN $b; RETURN [$x_1, $a]';
        const [plain, already] = [newRecording(), newRecording()];
        // A record id in a text may be none: then both are refused.
        const send = (
          bindings: Record<string, unknown> | EncodedBindings,
          recording: CallRecording,
        ): Promise<unknown> =>
          session.send(text, bindings, undefined, recording).then(
            () => resultsIn(recording),
            (error: Error) => error.message,
          );
        const expected = await send(values, plain);
        if (Array.isArray(expected)) answered++;
        expect(await send(new EncodedBindings(encode(values)), already)).toEqual(expected);
        const [, sent] = new EncodedValue(already.request ?? new Uint8Array()).get('params')?.items() ?? [];
        expect(Buffer.from(sent?.bytes ?? []).toString('latin1')).toBe(bytesOf(values));
      }),
      { numRuns: 200 },
    );
    expect(answered).toBeGreaterThan(100);
  });
});

describe('parameters that are encoded already', () => {
  test('reach the server with keys that JavaScript would lose', async () => {
    // The front of the tests decodes what comes over a socket, and would lose them itself.
    const session = await open('embedded');
    const transaction: Uuid = await session.begin();
    // As an engine answers it: an object with a key __proto__.
    const made = await session.call('RETURN { `__proto__`: 1, a: 2 }', {}, transaction);
    const result = made.answers()[0]?.get('result');
    expect(result?.get('__proto__')?.decode()).toBe(1);
    const bindings = new EncodedBindings(
      Buffer.concat([Uint8Array.of(0xa1, 0x61, 0x76), Buffer.from(result?.bytes ?? [])]),
    );
    const again = await session.send('RETURN object::keys($v)', bindings, transaction);
    expect(again[0]?.result).toEqual(['__proto__', 'a']);
    await session.cancel(transaction);
  });
});

describe('the codec by itself', () => {
  test('encodes what it has no part in as the SDK does', () => {
    const codec = new RecordingCodec();
    fc.assert(
      fc.property(surrealValue, (value) => {
        expect(Buffer.from(codec.encode(value)).toString('hex')).toBe(Buffer.from(encode(value)).toString('hex'));
      }),
      { numRuns: 500 },
    );
  });

  test('encodes a query as the SDK does, in its own way, and with parameters that are encoded already', () => {
    const codec = new RecordingCodec();
    const uuid = fc.uuid().map((text) => new Uuid(text));
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(23, 24, 255, 256, 65_535, 65_536).map((n) => 'é'.repeat(n / 2)),
    );
    const bindings = fc.dictionary(fc.string(), surrealValue, { maxKeys: 3 });
    const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
    const traceparent = fc.tuple(hex(32), hex(16)).map(([trace, span]) => `00-${trace}-${span}-01`);
    const context = fc.record(
      { traceparent, tracestate: fc.stringMatching(/^[\x20-\x7e]{1,600}$/) },
      { requiredKeys: ['traceparent'], noNullPrototype: true },
    );
    fc.assert(
      fc.property(
        fc.stringMatching(/^\d{1,9}$/),
        text,
        bindings,
        uuid,
        fc.option(uuid),
        fc.option(context),
        (id, query, values, session, txn, trace_context) => {
          const rest = {
            ...(txn === null ? { session } : { session, txn }),
            ...(trace_context === null ? {} : { trace_context }),
          };
          const request = { id, method: 'query', params: [query, values], ...rest };
          const expected = Buffer.from(encode(request)).toString('hex');
          expect(Buffer.from(codec.encode(request)).toString('hex')).toBe(expected);
          const already = { ...request, params: [query, new EncodedBindings(encode(values))] };
          expect(Buffer.from(codec.encode(already)).toString('hex')).toBe(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('encodes a request of another shape as the SDK does', () => {
    const codec = new RecordingCodec();
    const session = Uuid.v4();
    const [id, method, params] = ['7', 'query', ['RETURN 1', {}]];
    for (const request of [
      { id: 7, method, params, session },
      { id, method, params },
      { id, method, params, session: undefined },
      { id, method, params, session, txn: undefined },
      { id, method, params: ['RETURN 1'], session },
      { id, method, params: [7, {}], session },
      { id, method, params, session, more: 1 },
      { id, method, params, session, trace_context: undefined },
      { id, method, params, session, trace_context: { tracestate: 'a=b' } },
      { method, id, params, session, txn: Uuid.v4(), more: 1 },
      { id, method: 'let', params, session },
    ]) {
      expect(Buffer.from(codec.encode(request)).toString('hex')).toBe(Buffer.from(encode(request)).toString('hex'));
    }
  });

  test('records no other request when one could not even be tried', async () => {
    const codec = new RecordingCodec();
    const recording = newRecording();
    const broken = (): Promise<never> => {
      throw new Error('not now');
    };
    await expect(codec.record(broken, recording)).rejects.toThrow('not now');
    codec.encode({ id: 1, method: 'ping' });
    expect(recording.request).toBeUndefined();
  });

  test('keeps a copy: what arrived may be a part of a larger buffer that is used again', async () => {
    const codec = new RecordingCodec();
    const recording = newRecording();
    const arrived = Buffer.from(encode([{ status: 'OK', result: 1 }]));
    await codec.record(async () => {
      codec.encode({ id: 1, method: 'query' }).fill(0);
      const result = codec.decode<unknown[]>(arrived);
      arrived.fill(0);
      return result;
    }, recording);
    expect(CborCodec.DEFAULT.decode(recording.request ?? new Uint8Array())).toEqual({ id: 1, method: 'query' });
    expect(CborCodec.DEFAULT.decode(recording.reply ?? new Uint8Array())).toEqual([{ status: 'OK', result: 1 }]);
  });
});
