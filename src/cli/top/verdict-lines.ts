import type { ConsoleMessage, Verdict } from '../../console/index.js';
import type { Style } from '../output.js';
import type { Line, Span } from './styled-line.js';
import { lines, visible } from './terminal-text.js';

const marks: Readonly<Record<Verdict['severity'], readonly [mark: string, style: Style]>> = {
  fine: ['✓', 'green'],
  warning: ['!', 'yellow'],
  critical: ['✗', 'red'],
};

export function markOf({ severity }: Verdict): Span {
  const [mark, style] = Object.hasOwn(marks, severity) ? marks[severity] : (['?', 'bold'] as const);
  return [style, mark];
}

/** What is the matter with the pool, in at most `most` lines. */
export function verdictLines(verdict: Verdict, columns: number, most: number): Line[] {
  const texts = lines(visible(verdict.sentence), Math.max(8, columns - 2), most);
  return texts.map((text, index) => [index === 0 ? markOf(verdict) : ' ', ' ', ['bold', text]]);
}

/** All pools of the server when there are several, the shown one in brackets. */
export function poolsLine({ pools, snapshot }: ConsoleMessage): Line | undefined {
  if (pools.length < 2) return undefined;
  const parts = pools.flatMap(({ name, verdict }): Span[] => [
    '  ',
    markOf(verdict),
    name === snapshot?.pool ? ` [${name}]` : ` ${name}`,
  ]);
  return ['pools', ...parts];
}
