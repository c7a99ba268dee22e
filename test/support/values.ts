import fc from 'fast-check';
import {
  BoundExcluded,
  BoundIncluded,
  CborCodec,
  DateTime,
  Decimal,
  Duration,
  FileRef,
  GeometryCollection,
  GeometryLine,
  GeometryMultiPoint,
  GeometryPoint,
  GeometryPolygon,
  Range,
  RecordId,
  RecordIdRange,
  StringRecordId,
  Table,
  Uuid,
} from 'surrealdb';

const point = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.double({ min: -9, max: 9, noNaN: true }));
const points = fc.array(
  point.map((coordinates) => new GeometryPoint(coordinates)),
  { minLength: 2, maxLength: 3 },
);
const line = points.map(([first, ...rest]) => new GeometryLine([first, ...rest] as never));
const name = fc.constantFrom('a', 'b', 'with space', '`');

/** Values of every type that SurrealDB has, in any depth. */
export const surrealValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => {
  const inner = tie('value');
  const boundOf = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.oneof(
      fc.constant(undefined),
      values.map((value) => new BoundIncluded(value)),
      values.map((value) => new BoundExcluded(value)),
    );
  const key = fc.oneof(
    fc.integer(),
    fc.string(),
    fc.uuid().map((text) => new Uuid(text)),
    fc.array(inner, { maxLength: 2 }),
  );
  return {
    value: fc.oneof(
      { depthSize: 'small', maxDepth: 3 },
      fc.constantFrom(undefined, null, true, false, '', Number.NaN, Number.POSITIVE_INFINITY),
      fc.integer(),
      fc.double({ min: -1e15, max: 1e15, noDefaultInfinity: true }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('1.5', '1.50', '-3', '12345678901234567890.123').map((text) => new Decimal(text)),
      fc
        .tuple(fc.bigInt({ min: 0n, max: 10n ** 10n }), fc.bigInt({ min: 0n, max: 999_999_999n }))
        .map((pair) => new DateTime(pair)),
      fc
        .tuple(fc.bigInt({ min: 0n, max: 10n ** 6n }), fc.bigInt({ min: 0n, max: 999_999_999n }))
        .map((pair) => new Duration(pair)),
      fc.uuid().map((text) => new Uuid(text)),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => bytes.slice().buffer),
      name.map((text) => new Table(text)),
      fc.tuple(name, key).map(([table, id]) => new RecordId(table, id as never)),
      name.map((text) => new StringRecordId(`a:${text}`)),
      fc
        .tuple(name, boundOf(key), boundOf(key))
        .map(([table, from, to]) => new RecordIdRange(table, from as never, to as never)),
      fc.tuple(boundOf(inner), boundOf(inner)).map(([from, to]) => new Range(from as never, to as never)),
      fc.tuple(name, name).map(([bucket, file]) => new FileRef(bucket, file)),
      point.map((coordinates) => new GeometryPoint(coordinates)),
      line,
      line.map((ring) => new GeometryPolygon([ring])),
      points.map((all) => new GeometryMultiPoint(all as never)),
      fc.tuple(line, points).map(([one, [other]]) => new GeometryCollection([one, other] as never)),
      fc.array(inner, { maxLength: 3 }),
      fc.array(inner, { maxLength: 3 }).map((items) => new Set(items)),
      fc.dictionary(fc.constantFrom('a', 'b', 'id'), inner, { maxKeys: 3 }),
    ),
  };
}).value;

/** As it would arrive from the server: sent there and back. */
export function arrived(value: unknown): unknown {
  return CborCodec.DEFAULT.decode(CborCodec.DEFAULT.encode(value));
}

/** What a value is, exactly. */
export function bytesOf(value: unknown): string {
  return Buffer.from(CborCodec.DEFAULT.encode(value)).toString('latin1');
}
