import * as v from 'valibot';
import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration.js';
import { unknownOption } from './closed-object.js';
import { nearest, parentOf } from './nearest.js';

/** A way to write a configuration: an object, options, a file or the environment. All share one schema. */
export interface Form {
  /** The name of what the caller wrote: `The environment`. */
  readonly title: string;
  /** The caller's name for a path of the long form; the empty path is the whole. */
  readonly name: (path: string) => string;
  /** Every name this form knows, for suggestions. */
  readonly names: readonly string[];
  /** Advice for names that belong to another form. */
  readonly hints?: ReadonlyMap<string, string>;
}

/** Reads `input`, or throws one error that lists every problem in the words of the form. */
export function read<Input, Output>(schema: v.GenericSchema<Input, Output>, input: unknown, form: Form): Output {
  // Explicit, because an application may have changed the global defaults of the same library.
  const result = v.safeParse(schema, input, { abortEarly: false, abortPipeEarly: false });
  if (result.success) return result.output;
  throw refused(
    form.title,
    result.issues.map((issue) => inForm(issue, form)),
  );
}

/** The error for a configuration with these problems. */
export function refused(title: string, issues: readonly ConfigurationIssue[], cause?: unknown): ConfigurationError {
  const lines = issues.map(({ path, given, allowed }) => `  ${path}: given ${given}; allowed: ${allowed}`);
  return new ConfigurationError([`${title} cannot be used:`, ...lines].join('\n'), { issues, cause });
}

/** One problem in the words of the form. */
function inForm(issue: v.BaseIssue<unknown>, form: Form): ConfigurationIssue {
  const path = form.name(v.getDotPath(issue) ?? '');
  const { expected, received: given } = issue;
  if (expected === unknownOption) return suggestionFor(path, given, form);
  return { path: printable(path), given, allowed: expected ?? '' };
}

/** The issue for an unknown name, with the name that was probably meant. */
export function suggestionFor(name: string, given: string, form: Form): ConfigurationIssue {
  const path = printable(name);
  const hint = form.hints?.get(path);
  if (hint !== undefined) return { path, given, allowed: hint };
  const meant = nearest(path, form.names);
  if (meant !== undefined) return { path, given, allowed: `${meant} (did you mean that?)` };
  // Every item of a list has the same options.
  const parent = parentOf(path).replace(/\.\d+\.$/, '.');
  const siblings = form.names.filter((name) => name !== path && parentOf(name) === parent);
  return { path, given, allowed: (siblings.length > 0 ? siblings : form.names).join(', ') };
}

/** Shortens an unknown name, which can be any text, to one line. */
function printable(path: string): string {
  const longest = 100;
  const escaped = JSON.stringify(path).slice(1, -1);
  return escaped.length > longest ? `${escaped.slice(0, longest)}…` : escaped;
}
