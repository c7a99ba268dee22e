/** How many names of errors are counted apart: a program may bring its own, by a signal. */
const most = 40;

/** OpenTelemetry's word for an error without a name of its own. */
const other = '_OTHER';

/** What the name of a class of errors looks like; a program may set the name of an error to any text. */
const nameOfClass = /^[A-Z]\w{0,60}$/;

/** Names of errors for metrics, of which there are never many. */
export class ErrorNames {
  readonly #known = new Set<string>();

  /** As {@link errorName}; `_OTHER` once there are too many. */
  of(error: unknown): string {
    const name = errorName(error);
    if (this.#known.has(name)) return name;
    if (this.#known.size >= most) return other;
    this.#known.add(name);
    return name;
  }
}

/** As OpenTelemetry's `error.type`: the name of an error, if it can be that of a class; else `_OTHER`. */
export function errorName(error: unknown): string {
  return error instanceof Error && nameOfClass.test(error.name) ? error.name : other;
}
