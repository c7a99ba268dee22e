/** `warning`: it works, but perhaps not for long, or not well. `failure`: a pool cannot work. */
export type Level = 'ok' | 'warning' | 'failure';

/** The result of one check. Contains no secret. */
export interface Diagnosis {
  readonly subject: string;
  readonly level: Level;
  readonly text: string;
  /** What to do; absent when all is well. */
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

/** The first line of an error's message. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
