import { messageOf } from '../errors/error-message.js';
import { type StrictCodec, Unsendable } from './sendable.js';

/** The path to a value that cannot be sent, and what is wrong with it. */
interface Fault {
  /** The path in JavaScript notation: `.items[3].at`; empty for the whole value. */
  readonly path: string;
  /** What is wrong, to follow the path: `is an invalid Date`. */
  readonly clause: string;
}

/** Deeper nesting than a server reads. */
const deepest = 1_000;
/** A longer key is shortened: the caller may use any text as a key. */
const longestKey = 40;

/**
 * Describes the first value that cannot be sent, with its path: `$v.items[3].at is an invalid Date`. Called only after
 * the encoding failed, since it walks the value again. Undefined when everything can be sent: a getter may throw once
 * and not again. It never shows a value, which may be secret.
 *
 * @param read returns the value; may throw, as a getter does
 * @param path of the value
 */
export function findFault(codec: StrictCodec, read: () => unknown, path = ''): string | undefined {
  const fault = search(codec, read, path, []);
  return fault && `${fault.path.replace(/^\./, '') || 'it'} ${fault.clause}`;
}

function search(codec: StrictCodec, read: () => unknown, path: string, around: object[]): Fault | undefined {
  let parts: unknown;
  let isOwnType = false;
  try {
    const value = read();
    parts = codec.partsOf(value);
    if (typeof parts !== 'object' || parts === null || ArrayBuffer.isView(parts)) return undefined;
    isOwnType = parts !== value && !(value instanceof Set);
    if (around.includes(Object(value))) return { path, clause: 'is an object that contains itself' };
    if (around.length > deepest) return { path, clause: 'is an object that is nested too deeply' };
    around.push(Object(value));
    for (const [step, part] of stepsOf(parts)) {
      const fault = search(codec, part, isOwnType ? path : path + step, around);
      if (fault !== undefined) return fault;
    }
    around.pop();
    return undefined;
  } catch (error) {
    return {
      path,
      clause: error instanceof Unsendable ? `is ${error.message}` : `cannot be read: ${messageOf(error)}`,
    };
  }
}

/** The parts of a value, each with the path step to it. */
function* stepsOf(value: object): Generator<readonly [step: string, read: () => unknown]> {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) yield [`[${index}]`, () => value[index]];
    return;
  }
  if (value instanceof Map) {
    for (const [key, part] of value) yield [stepTo(String(key)), () => part];
    return;
  }
  for (const key of Object.keys(value)) {
    // A key is sent as a text, so it is checked too.
    yield [stepTo(key), () => key];
    yield [stepTo(key), () => Reflect.get(value, key)];
  }
}

function stepTo(key: string): string {
  if (/^[A-Za-z_$][\w$]*$/.test(key)) return `.${key}`;
  const short = key.length > longestKey ? `${key.slice(0, longestKey)}…` : key;
  return `[${JSON.stringify(short)}]`;
}
