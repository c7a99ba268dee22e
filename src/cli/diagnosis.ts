/** `warning`: it works, but may not for long, or not well. `failure`: a pool cannot work like that. */
export type Level = 'ok' | 'warning' | 'failure';

/** What was found out about one thing. Holds no secret. */
export interface Diagnosis {
  readonly subject: string;
  readonly level: Level;
  readonly text: string;
  /** What to do; only where something is not as it should be. */
  readonly advice?: string;
}

export function ok(subject: string, text: string): Diagnosis {
  return { subject, level: 'ok', text };
}

export function warning(subject: string, text: string, advice: string): Diagnosis {
  return { subject, level: 'warning', text, advice };
}

export function failure(subject: string, text: string, advice: string): Diagnosis {
  return { subject, level: 'failure', text, advice };
}

/** The first line of what an error says. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
