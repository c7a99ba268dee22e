import { inheritedNames } from './inherited-names.js';

/** The result of a reader that cannot use a value: what is allowed, and what was given. */
export class Refusal {
  readonly allowed: string;
  /** Never contains a secret: either only the kind of the value, or a value that cannot be secret. */
  readonly given: string;

  constructor(allowed: string, given: string) {
    this.allowed = allowed;
    this.given = given;
  }
}

/** The kind of a value without the value, where it may be secret. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (value === '') return 'an empty text';
  if (typeof value === 'string') return 'a text';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const kind = kindOfObject(value);
  if (kind === 'Object') return 'an object';
  return kind === 'Array' ? 'a list' : `a ${kind}`;
}

const longestShown = 40;

/** The value itself if it is a plain one, for options without secrets. */
export function show(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string' || value === '') return describe(value);
  return JSON.stringify(value.length > longestShown ? `${value.slice(0, longestShown)}…` : value);
}

/**
 * A copy of an object with what the getters of its class give, and without undefined properties: an option that is undefined
 * counts as left out.
 */
export function readRecord(value: unknown, allowed = 'an object'): Record<string, unknown> | Refusal {
  if (typeof value !== 'object' || value === null || kindOfObject(value) !== 'Object') {
    return new Refusal(allowed, describe(value));
  }
  try {
    const inherited = inheritedNames(value).map((name): [string, unknown] => [name, Reflect.get(value, name)]);
    return Object.fromEntries([...Object.entries(value), ...inherited].filter(([, entry]) => entry !== undefined));
  } catch {
    return new Refusal(allowed, 'an object that cannot be read');
  }
}

/** `Object`, `Array`, `Map` and so on, also for objects of another realm. */
function kindOfObject(value: object): string {
  try {
    return Object.prototype.toString.call(value).slice('[object '.length, -1);
  } catch {
    return 'revoked proxy';
  }
}
