/** How many names of errors are counted apart: a program may bring its own, by a signal. */
const most = 40;

/** Names of errors for metrics, of which there are never many. */
export class ErrorNames {
  readonly #known = new Set<string>();

  /** As OpenTelemetry's `error.type`; `other` once there are too many. */
  of(error: unknown): string {
    const name = errorName(error);
    if (this.#known.has(name)) return name;
    if (this.#known.size >= most) return 'other';
    this.#known.add(name);
    return name;
  }
}

/** As OpenTelemetry's `error.type`. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
