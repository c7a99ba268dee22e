import * as v from 'valibot';
import { ConfigurationError, type ConfigurationIssue } from '../errors.js';
import { unknownOption } from './closed-object.js';
import { nearest, parentOf } from './nearest.js';

/** A way to write a configuration: an object, options, a file, the environment. The schema is the same for all. */
export interface Form {
  /** What the caller wrote, in words: `The environment`. */
  readonly title: string;
  /** The caller's name for a path of the long form; the empty path is the whole. */
  readonly name: (path: string) => string;
  /** Every name this form knows, for suggestions. */
  readonly names: readonly string[];
}

/** Reads `input`, or throws one error that tells every problem in the words of the form. */
export function read<Input, Output>(schema: v.GenericSchema<Input, Output>, input: unknown, form: Form): Output {
  // Spelled out, because an application may have set other ways for its own use of the same library.
  const result = v.safeParse(schema, input, { abortEarly: false, abortPipeEarly: false });
  if (result.success) return result.output;
  throw refused(form.title, result.issues.map((issue) => inForm(issue, form)));
}

/** The error for a configuration with these problems. */
export function refused(title: string, issues: readonly ConfigurationIssue[], cause?: unknown): ConfigurationError {
  const lines = issues.map(({ path, given, allowed }) => `  ${path}: given ${given}; allowed: ${allowed}`);
  return new ConfigurationError([`${title} cannot be used:`, ...lines].join('\n'), { issues, cause });
}

/** The problem of a name that the form does not know. */
export function unknownName(path: string, names: readonly string[], given: string): ConfigurationIssue {
  const meant = nearest(path, names);
  if (meant !== undefined) return { path, given, allowed: `${meant} (did you mean that?)` };
  const siblings = names.filter((name) => parentOf(name) === parentOf(path));
  return { path, given, allowed: siblings.join(', ') };
}

function inForm(issue: v.BaseIssue<unknown>, form: Form): ConfigurationIssue {
  const path = form.name(v.getDotPath(issue) ?? '');
  const { expected, received } = issue;
  if (expected === unknownOption) return unknownName(path, form.names, received);
  return { path, given: received, allowed: expected ?? '' };
}
