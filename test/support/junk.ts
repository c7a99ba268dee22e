import fc from 'fast-check';

/** Anything at all, hostile things included. */
export const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withObjectString: true,
    withSparseArray: true,
    withTypedArray: true,
  }),
  fc.constantFrom<unknown>(
    Symbol('junk'),
    () => 1,
    Promise.resolve(1),
    {
      get namespace() {
        throw new TypeError('unreadable');
      },
    },
    { [Symbol.toStringTag]: 'Strange' },
    {
      get [Symbol.toStringTag](): string {
        throw new TypeError('unreadable');
      },
    },
    {
      toString() {
        throw new TypeError('unprintable');
      },
    },
    circular(),
  ),
);

function circular(): object {
  const ring: Record<string, unknown> = {};
  ring.poolConfig = ring;
  ring.credentials = ring;
  return ring;
}
