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
  /** The placeholder for its value; a flag has none. In square brackets: it may be left out. */
  readonly value?: string;
  readonly help: string;
}

export type OptionDescriptions<Name extends string> = Readonly<Record<Name, OptionDescription>>;

/** The options a user typed. Problems are collected and reported all at once. */
export class CommandLine<Name extends string> {
  readonly #given = new Map<string, string[]>();
  readonly #operands: string[] = [];
  readonly #operand: string | undefined;
  readonly #issues: ConfigurationIssue[] = [];

  /**
   * @param others the names of options in other tools, for suggestions: `clients` is our `workers`
   * @param operand the placeholder of one word that belongs to no option; undefined when there is none
   */
  constructor(
    parameters: readonly string[],
    options: OptionDescriptions<Name>,
    others: Readonly<Partial<Record<string, Name>>> = {},
    operand: string | undefined = undefined,
  ) {
    this.#operand = operand;
    const names = Object.keys(options);
    const shortOf = (name: string): string | undefined => options[name as Name].short;
    const placeholderOf = (name: string): string | undefined =>
      Object.hasOwn(options, name) ? options[name as Name].value : undefined;
    const mayTakeValue = (name: string): boolean => placeholderOf(name)?.startsWith('[') ?? false;
    const takesValue = (name: string): boolean => placeholderOf(name) !== undefined && !mayTakeValue(name);
    const { tokens } = parseArgs({
      args: [...parameters],
      options: Object.fromEntries(
        names.map((name) => {
          const short = shortOf(name);
          return [name, { type: takesValue(name) ? 'string' : 'boolean', ...(short === undefined ? {} : { short }) }];
        }),
      ),
      // Not strict: its own messages suggest no name and report only the first problem.
      strict: false,
      allowPositionals: true,
      tokens: true,
    });
    // A word after an unknown option is probably its value.
    let excused = -1;
    for (const [place, token] of tokens.entries()) {
      if (token.kind === 'positional' && token.index !== excused) {
        if (operand !== undefined && this.#operands.push(token.value) === 1) continue;
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
      } else if (mayTakeValue(name)) {
        const next = tokens[place + 1];
        const follows = value === undefined && next?.kind === 'positional' ? next : undefined;
        if (follows !== undefined) excused = follows.index;
        this.#given.set(name, [...(this.#given.get(name) ?? []), value ?? follows?.value ?? '']);
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

  /**
   * The value of an option, the last one when it was given more than once; undefined when it is missing or was refused.
   */
  read<T>(name: Name, reader: (text: string) => T | Refusal): T | undefined {
    const text = this.all(name).at(-1);
    if (text === undefined) return undefined;
    const value = reader(text);
    if (!(value instanceof Refusal)) return value;
    this.refuse(name, value);
    return undefined;
  }

  /** The word that belongs to no option; undefined when it is missing or was refused. */
  readOperand<T>(reader: (text: string) => T | Refusal): T | undefined {
    const [text] = this.#operands;
    if (text === undefined) return undefined;
    const value = reader(text);
    if (!(value instanceof Refusal)) return value;
    this.#issues.push({ path: this.#operand ?? text, given: value.given, allowed: value.allowed });
    return undefined;
  }

  refuse(name: Name, { given, allowed }: Refusal): void {
    this.#issues.push({ path: `--${name}`, given, allowed });
  }

  /** @throws ConfigurationError that lists every problem */
  check(title: string): void {
    if (this.#issues.length > 0) throw refused(title, this.#issues);
  }
}

/** Narrower terminals show the help of an option on lines of its own. */
const leastColumns = 72;

/** The options of a command, one per line; in few columns each with its help below. */
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
  // Any single letter is near any other, so a letter is suggested only if it differs in case.
  if (meant !== undefined && (!isShort || meant.toLowerCase() === rawName.toLowerCase())) {
    return `${meant} (did you mean that?)`;
  }
  return all.join(', ');
}
