import { type Form, refused, suggestionFor } from './form.js';
import { inheritedNames } from './inherited-names.js';
import { describe, Refusal, readRecord } from './refusal.js';

/** Converts one option to what the pool uses, or refuses it. Never called for an option that is undefined. */
export type OptionReader = (given: unknown) => unknown;

/** Reads an option unchanged; it is checked elsewhere. */
export const asItIs: OptionReader = (given) => given;

/** A reader for each option, so that none can be forgotten. */
export type OptionReaders<Options> = { readonly [Name in keyof Required<Options>]: OptionReader };

/** Marks options already read. A symbol, so that a copy by spreading keeps it, and options of callers never have it. */
const wasRead: unique symbol = Symbol('options that were read');

/**
 * The options of one method of the pool: these names and no others, as in a configuration. Otherwise a misspelt name
 * would be ignored, and a call meant for another user or database would run as the pool's own.
 */
export class ClosedOptions<Options extends object> {
  readonly #form: Form;
  readonly #readers: ReadonlyMap<string, OptionReader>;

  /**
   * @param title what the caller wrote, in words: `The options of acquire()`
   * @param hints advice for unknown names
   * @param parent the path of these options within others: `retry.`
   */
  constructor(title: string, readers: OptionReaders<Options>, hints?: ReadonlyMap<string, string>, parent = '') {
    const names = Object.keys(readers).map((name) => `${parent}${name}`);
    this.#form = { title, name: (path) => `${parent}${path}`, names, ...(hints && { hints }) };
    this.#readers = new Map(Object.entries<OptionReader>(readers));
  }

  /**
   * Copies the options, each read once, before they are used: a getter of the caller may throw.
   *
   * @throws ConfigurationError with every problem of the options
   */
  read(given: unknown): Options {
    if (isRead(given)) return given as Options;
    const read = this.#copy(given);
    for (const name in read) {
      const reader = this.#readers.get(name);
      const value = read[name];
      if (reader === undefined) {
        // A property that the application added to `Object.prototype` is no option.
        if (!Object.hasOwn(read, name)) continue;
        throw this.#refused(read);
      }
      if (value === undefined || reader === asItIs) continue;
      const answer = reader(value);
      if (answer instanceof Refusal) throw this.#refused(read);
      if (answer !== value) read[name] = answer;
    }
    return read as Options;
  }

  #copy(given: unknown): Record<string | symbol, unknown> {
    const { title, name } = this.#form;
    const record = typeof given === 'object' && given !== null ? this.#properties(given) : describe(given);
    if (typeof record !== 'string') return record;
    const path = name('').replace(/\.$/, '') || 'options';
    throw refused(title, [{ path, given: record, allowed: `an object of ${this.#form.names.join(', ')}` }]);
  }

  /** Includes properties of a class and inherited ones, which would otherwise be ignored. */
  #properties(given: object): Record<string | symbol, unknown> | string {
    try {
      const prototype: unknown = Object.getPrototypeOf(given);
      const isPlain = prototype === Object.prototype || prototype === null;
      if (!isPlain && readRecord(given) instanceof Refusal) return describe(given);
      // The mark comes first: adding it to a copy costs as much as half an acquire.
      const read: Record<string | symbol, unknown> = { [wasRead]: true, ...given };
      if (isPlain) return read;
      for (const name of inheritedNames(given)) read[name] = Reflect.get(given, name);
      return read;
    } catch (cause) {
      const path = this.#form.name('').replace(/\.$/, '') || 'options';
      const issue = { path, given: 'an object that cannot be read', allowed: 'an object whose properties can be read' };
      throw refused(this.#form.title, [issue], cause);
    }
  }

  #refused(read: Record<string, unknown>): Error {
    const issues = Object.keys(read).flatMap((name) => {
      const reader = this.#readers.get(name);
      const path = this.#form.name(name);
      if (reader === undefined) return suggestionFor(path, unknownName.given, this.#form);
      const answer = read[name] === undefined ? undefined : reader(read[name]);
      return answer instanceof Refusal ? { path, given: answer.given, allowed: answer.allowed } : [];
    });
    return refused(this.#form.title, issues);
  }
}

const unknownName = new Refusal('a known option', 'an unknown option');

function isRead(given: unknown): boolean {
  try {
    return typeof given === 'object' && given !== null && Object.hasOwn(given, wasRead);
  } catch {
    // A proxy that throws: it is then read, and refused, like others.
    return false;
  }
}
