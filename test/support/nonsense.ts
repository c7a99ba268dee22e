import { codec } from './rpc-wire.js';

/** What may come instead of a reply: CBOR that every decoder takes, in a shape that answers nothing. */
export const nonsenses = [
  'a number',
  'an array',
  'an unknown id',
  'an id that is a number',
  'neither result nor error',
] as const;

export type Nonsense = (typeof nonsenses)[number];

/** The frame that stands for the reply to the request with this id. */
export function encodeNonsense(nonsense: Nonsense, id: unknown): Uint8Array {
  switch (nonsense) {
    case 'a number':
      return codec.encode(42);
    case 'an array':
      return codec.encode([id, 'result']);
    case 'an unknown id':
      return codec.encode({ id: `not ${String(id)}`, result: [] });
    case 'an id that is a number':
      // Whatever stands there: the client's own ids are texts.
      return codec.encode({ id: 1, result: [] });
    case 'neither result nor error':
      return codec.encode({ id });
  }
}
