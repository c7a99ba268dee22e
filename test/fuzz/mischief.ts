import fc from 'fast-check';
import { DateTime, Decimal, Duration, RecordId, Table, Uuid } from 'surrealdb';
import { codec, type RpcCall } from '../support/rpc-wire.js';

/** What one reply is turned into. The call it was for was executed. */
export type Mischief =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly share: number }
  | { readonly kind: 'mutated'; readonly changes: readonly { at: number; byte: number }[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'other id'; readonly id: unknown; readonly result: unknown }
  | { readonly kind: 'unasked'; readonly message: unknown }
  | { readonly kind: 'twice' }
  | { readonly kind: 'late' }
  | { readonly kind: 'none' };

/** Names that mean something to the SDK, to its error parser or to JavaScript. */
const names = fc.constantFrom(
  ...['id', 'result', 'error', 'status', 'time', 'type', 'kind', 'code', 'message', 'details', 'cause', 'action'],
  ...['record', 'access', 'refresh', 'toString', 'valueOf', 'then', 'constructor', '__proto__', 'length', 'a'],
);

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, true, false, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, '', [], {}),
  fc.constantFrom<unknown>(
    'OK',
    'ERR',
    'live',
    'CREATE',
    'KILLED',
    'NotAllowed',
    '1ms',
    '1'.repeat(400),
    'Parse error',
  ),
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.string(),
  fc.uint8Array({ maxLength: 8 }),
  fc.uuid().map((text) => new Uuid(text)),
  fc.constantFrom<unknown>(
    new RecordId('thing', 1),
    new Table('thing'),
    new DateTime(),
    new Decimal('1'),
    new Duration('1s'),
  ),
);

/** Anything that a frame may hold. */
const { value: junk } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 4, arbitrary: leaf },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
    { weight: 2, arbitrary: mapsOf(tie('value')) },
  ),
}));

/** Maps whose keys may be names that an object literal cannot hold. */
function mapsOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.array(fc.tuple(fc.oneof(names, fc.string()), value), { maxLength: 5 }).map((entries) => {
    const map = {};
    for (const [key, content] of entries) {
      Object.defineProperty(map, key, { value: content, enumerable: true, configurable: true, writable: true });
    }
    return map;
  });
}

/** An object in which each member is right, missing, or anything at all. */
function almost(members: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> {
  return fc.record(
    Object.fromEntries(
      Object.entries(members).map(([name, right]) => [
        name,
        fc.oneof({ weight: 3, arbitrary: right }, { weight: 1, arbitrary: junk }),
      ]),
    ),
    { requiredKeys: [] },
  );
}

const rpcError = almost({
  code: fc.constantFrom(-32000, -32002, -32603),
  kind: fc.constantFrom('NotAllowed', 'Internal', 'Query', 'Validation', 'NotFound', 'Nonsense'),
  message: fc.string(),
  details: junk,
  cause: fc.oneof(fc.constant(null), junk),
});

const queryResult = almost({
  status: fc.constantFrom('OK', 'ERR', 'ok'),
  time: fc.constantFrom('1ms', '1.5µs', 'soon'),
  type: fc.constantFrom('live', 'other', 'kill'),
  kind: fc.constantFrom('Query', 'Internal', 'Thrown'),
  result: fc.oneof(fc.string(), junk),
  details: junk,
  cause: fc.oneof(fc.constant(null), junk),
});

const result = fc.oneof(
  junk,
  fc.array(queryResult, { maxLength: 3 }),
  fc.array(junk, { maxLength: 3 }),
  almost({ access: fc.constant('a.b.c'), refresh: fc.string() }),
  almost({ namespace: fc.string(), database: fc.string() }),
);

const notification = almost({
  id: fc.constant(undefined),
  result: almost({
    id: fc.uuid().map((text) => new Uuid(text)),
    action: fc.constantFrom('CREATE', 'UPDATE', 'DELETE', 'KILLED', 'DANCE'),
    record: fc.constant(new RecordId('thing', 1)),
    result: junk,
  }),
});

/** Frames that cost a careless decoder its stack or its memory. */
const hostileBytes = fc.constantFrom(
  nested(0x81, 100_000),
  nested(0xc6, 100_000),
  nested(0x9f, 50_000),
  Uint8Array.of(0x9b, 0x7f, ...Array<number>(7).fill(0xff)),
  Uint8Array.of(0xbb, 0x00, 0x1f, ...Array<number>(6).fill(0xff)),
  Uint8Array.of(0x5b, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff),
  Uint8Array.of(0x7b, ...Array<number>(8).fill(0xff)),
  new Uint8Array(),
);

function nested(head: number, depth: number): Uint8Array {
  return new Uint8Array(depth).fill(head);
}

const byte = fc.nat(255);

export const mischiefs: fc.Arbitrary<Mischief> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('bytes' as const),
      bytes: fc.oneof(fc.uint8Array({ maxLength: 40 }), hostileBytes),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('cut' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('mutated' as const),
      changes: fc.array(fc.record({ at: fc.nat(500), byte }), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('text' as const), text: fc.string() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('value' as const), value: junk }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('result' as const), result }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('error' as const), error: fc.oneof(rpcError, junk) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('other id' as const),
      id: fc.oneof(junk, fc.nat(20).map(String), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)),
      result,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unasked' as const), message: notification }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('twice' as const, 'late' as const, 'none' as const) }) },
);

/** Replies that are kept back, to come after the next one. */
export type KeptBack = Uint8Array[];

/** The frames that a client gets where it should have got this reply. */
export function framesOf(
  mischief: Mischief,
  call: RpcCall,
  reply: Uint8Array,
  keptBack: KeptBack,
): readonly (Uint8Array | string)[] {
  switch (mischief.kind) {
    case 'bytes':
      return [mischief.bytes];
    case 'cut':
      return [reply.subarray(0, Math.trunc(mischief.share * reply.length))];
    case 'mutated': {
      const mutated = Uint8Array.from(reply);
      for (const { at, byte: changed } of mischief.changes) mutated[at % mutated.length] = changed;
      return [mutated];
    }
    case 'text':
      return [mischief.text];
    case 'value':
      return [codec.encode(mischief.value)];
    case 'result':
      return [codec.encode({ id: call.id, result: mischief.result })];
    case 'error':
      return [codec.encode({ id: call.id, error: mischief.error })];
    case 'other id':
      return [codec.encode({ id: mischief.id, result: mischief.result }), reply];
    case 'unasked':
      return [codec.encode(mischief.message), reply];
    case 'twice':
      return [reply, reply];
    case 'late':
      keptBack.push(reply);
      return [];
    case 'none':
      return [];
  }
}
