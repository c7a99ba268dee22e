import type { Logger } from '../../src/index.js';

/** A line that was logged. */
export interface LoggedLine {
  readonly level: string;
  readonly message: string;
  readonly details: Record<string, unknown>;
}

/** A logger that keeps what it is told. */
export function memoryLogger(): {
  readonly logger: Logger;
  readonly lines: LoggedLine[];
  messages(level: string): string[];
} {
  const lines: LoggedLine[] = [];
  const write =
    (level: string) =>
    (details: object, message: string): void => {
      lines.push({ level, message, details: details as Record<string, unknown> });
    };
  const logger: Logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  return {
    logger,
    lines,
    messages: (level) => lines.filter((line) => line.level === level).map(({ message }) => message),
  };
}
