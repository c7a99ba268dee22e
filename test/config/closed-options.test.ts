import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asItIs, ClosedOptions } from '../../src/config/closed-options.js';
import { asDuration, asFlag, asSignal } from '../../src/config/option-readers.js';
import { ConfigurationError } from '../../src/errors/configuration.js';
import { junk } from '../support/junk.js';
import { misspelt } from '../support/misspelt.js';

interface Options {
  database?: string;
  timeout?: number | string;
  careful?: boolean;
  signal?: AbortSignal;
}

const hints = new Map([['db', 'database, by its whole name']]);
const readers = { database: asItIs, timeout: asDuration, careful: asFlag, signal: asSignal };
const options = new ClosedOptions<Options>('What it was given', readers, hints);

function issuesOf(given: unknown): readonly { path: string; given: string; allowed: string }[] {
  try {
    options.read(given);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  return [];
}

describe('closed options', () => {
  test('are copied as they are, with durations in milliseconds', () => {
    const { signal } = new AbortController();
    const given = { database: 'a', timeout: '1s', careful: false, signal };
    const read = options.read(given);
    expect(Object.entries(read)).toEqual(Object.entries({ ...given, timeout: 1_000 }));
    expect(given.timeout).toBe('1s');
  });

  test('are read once: what was read is taken as it is, also within a copy of it', () => {
    const read = options.read({ database: 'a' });
    expect(options.read(read)).toBe(read);
    const wider = { ...read, other: 1 };
    expect(options.read(wider)).toBe(wider);
  });

  test('keep a name that is there without a value, for those who have to tell the two apart', () => {
    expect(Object.keys(options.read({ database: undefined, timeout: undefined }))).toEqual(['database', 'timeout']);
  });

  test('are refused with every problem they have', () => {
    expect(issuesOf({ databse: 'a', db: 'a', timeout: 'soon', careful: 'yes', signal: new AbortController() })).toEqual(
      [
        { path: 'databse', given: 'an unknown option', allowed: 'database (did you mean that?)' },
        { path: 'db', given: 'an unknown option', allowed: 'database, by its whole name' },
        { path: 'timeout', given: '"soon"', allowed: expect.stringContaining('milliseconds') },
        { path: 'careful', given: '"yes"', allowed: 'true or false' },
        { path: 'signal', given: 'a AbortController', allowed: 'an AbortSignal: controller.signal' },
      ],
    );
  });

  test('are refused also when an unknown name has no value, for it is the name that is wrong', () => {
    expect(issuesOf({ databse: undefined })).toHaveLength(1);
  });

  test('are those of a class too, whether it inherits them or computes them', () => {
    class Tenant {
      timeout = 5;
      get database(): string {
        return 'computed';
      }
    }
    expect(options.read(new Tenant())).toMatchObject({ database: 'computed', timeout: 5 });
    expect(options.read(Object.create({ database: 'inherited' }))).toMatchObject({ database: 'inherited' });
    expect(issuesOf(Object.create({ databse: 'inherited' }))).toHaveLength(1);
  });

  test('are refused also where a class computes one that is misspelt, which is no more to be seen than its methods', () => {
    class Tenant {
      get databse(): string {
        return 'computed';
      }
      describe(): string {
        return 'a method is no option';
      }
    }
    class Customer extends Tenant {}
    expect(issuesOf(new Customer())).toMatchObject([{ path: 'databse', allowed: 'database (did you mean that?)' }]);
  });

  test.each([
    ['null', null],
    ['a text', 'database'],
    ['a list', []],
    ['a map', new Map([['database', 'a']])],
    ['a function', () => ({ database: 'a' })],
    ['a number', 5],
    ['nothing', undefined],
  ])('are an object, and not %s', (_, given) => {
    expect(issuesOf(given)).toMatchObject([{ path: 'options', allowed: expect.stringContaining('an object') }]);
  });

  test('have no other name, whatever it is, and every name they have', () => {
    const known = Object.keys(readers);
    const names = fc.oneof(
      fc.string(),
      fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'),
      misspelt(known),
    );
    fc.assert(
      fc.property(names, fc.constantFrom({}, { database: 'a' }), (name, others) => {
        const given = Object.defineProperty({ ...others }, name, { value: 'a', enumerable: true, configurable: true });
        const isKnown = known.includes(name);
        expect(issuesOf(given).some(({ allowed }) => allowed !== '' && !isKnown)).toBe(!isKnown);
      }),
    );
  });

  test('are read or refused, whatever is given', () => {
    fc.assert(
      fc.property(junk, fc.constantFrom(...Object.keys(readers)), (given, name) => {
        issuesOf(given);
        issuesOf({ [name]: given });
      }),
    );
  });
});
