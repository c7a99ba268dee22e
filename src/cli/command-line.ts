import { parseArgs } from 'node:util';
import { refused } from '../config/form.js';
import { nearest } from '../config/nearest.js';
import { Refusal, show } from '../config/refusal.js';
import type { ConfigurationIssue } from '../errors/configuration.js';
import { wrap } from './formats.js';

/** One option of a command, as the help shows it. */
export interface OptionDescription {
  /** The letter of its short form: `c` for `-c`. */
  readonly short?: string;
  /** What stands for its value; a flag has none. */
  readonly value?: string;
  readonly help: string;
}

export type OptionDescriptions<Name extends string> = Readonly<Record<Name, OptionDescription>>;

/** What somebody typed, option by option. Problems are collected, so that all of them are told at once. */
export class CommandLine<Name extends string> {
  readonly #given = new Map<string, string[]>();
  readonly #issues: ConfigurationIssue[] = [];

  /** @param others what other tools call some of the options, for suggestions: `clients` is our `workers` */
  constructor(
    parameters: readonly string[],
    options: OptionDescriptions<Name>,
    others: Readonly<Partial<Record<string, Name>>> = {},
  ) {
    const names = Object.keys(options);
    const shortOf = (name: string): string | undefined => options[name as Name].short;
    const takesValue = (name: string): boolean =>
      Object.hasOwn(options, name) && options[name as Name].value !== undefined;
    const { tokens } = parseArgs({
      args: [...parameters],
      options: Object.fromEntries(
        names.map((name) => {
          const short = shortOf(name);
          return [name, { type: takesValue(name) ? 'string' : 'boolean', ...(short === undefined ? {} : { short }) }];
        }),
      ),
      // Its own messages neither suggest a name nor tell more than the first problem.
      strict: false,
      allowPositionals: true,
      tokens: true,
    });
    // What stands behind an unknown option is its value, as likely as not.
    let excused = -1;
    for (const token of tokens) {
      if (token.kind === 'positional' && token.index !== excused) {
        const given = 'a word that belongs to no option';
        this.#issues.push({ path: show(token.value), given, allowed: 'options, each with - or -- before it' });
      }
      if (token.kind !== 'option') continue;
      const { name, rawName, value } = token;
      if (!Object.hasOwn(options, name)) {
        const shorts = names.map(shortOf).filter((short) => short !== undefined);
        const meant = Object.hasOwn(others, name) ? others[name] : undefined;
        const allowed = meant === undefined ? suggestion(rawName, names, shorts) : `--${meant} (did you mean that?)`;
        this.#issues.push({ path: rawName, given: 'an unknown option', allowed });
        if (value === undefined) excused = token.index + 1;
      } else if (!takesValue(name) && value !== undefined) {
        this.#issues.push({ path: rawName, given: show(value), allowed: 'no value' });
      } else if (takesValue(name) && (value === undefined || (!token.inlineValue && /^-(-|[a-z]$)/i.test(value)))) {
        this.#issues.push({ path: rawName, given: 'no value', allowed: `${rawName} ${options[name as Name].value}` });
      } else {
        this.#given.set(name, [...(this.#given.get(name) ?? []), value ?? '']);
      }
    }
  }

  has(name: Name): boolean {
    return this.#given.has(name);
  }

  /** Every value of an option, in the order they were given. */
  all(name: Name): readonly string[] {
    return this.#given.get(name) ?? [];
  }

  /** The value of an option, the last one when it was given more than once; undefined when there is none to use. */
  read<T>(name: Name, reader: (text: string) => T | Refusal): T | undefined {
    const text = this.all(name).at(-1);
    if (text === undefined) return undefined;
    const value = reader(text);
    if (!(value instanceof Refusal)) return value;
    this.refuse(name, value);
    return undefined;
  }

  refuse(name: Name, { given, allowed }: Refusal): void {
    this.#issues.push({ path: `--${name}`, given, allowed });
  }

  /** @throws ConfigurationError that tells every problem there was */
  check(title: string): void {
    if (this.#issues.length > 0) throw refused(title, this.#issues);
  }
}

/** Narrower terminals get the help of an option in lines of its own. */
const leastColumns = 72;

/** The options of a command, one per line, or in few columns each with its help below. */
export function optionsHelp(options: Readonly<Record<string, OptionDescription>>, columns = 80): string {
  const hasShort = Object.values(options).some(({ short }) => short !== undefined);
  const rows = Object.entries(options).map(([name, { short, value, help }]) => {
    const before = short === undefined ? (hasShort ? '    ' : '') : `-${short}, `;
    return { option: `${before}--${name}${value === undefined ? '' : ` ${value}`}`, help };
  });
  if (columns < leastColumns) {
    return rows
      .flatMap(({ option, help }) => [`  ${option}`, ...wrap(help, columns - 6).map((line) => `      ${line}`)])
      .join('\n');
  }
  const width = Math.max(...rows.map(({ option }) => option.length));
  return rows.map(({ option, help }) => `  ${option.padEnd(width)}  ${help}`).join('\n');
}

function suggestion(rawName: string, names: readonly string[], shorts: readonly string[]): string {
  const all = names.map((name) => `--${name}`);
  const isShort = !rawName.startsWith('--');
  const meant = nearest(rawName, isShort ? shorts.map((short) => `-${short}`) : all);
  // Any letter is near any other: only one that differs in case is meant.
  if (meant !== undefined && (!isShort || meant.toLowerCase() === rawName.toLowerCase())) {
    return `${meant} (did you mean that?)`;
  }
  return all.join(', ');
}
