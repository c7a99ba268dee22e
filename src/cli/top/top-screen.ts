import type { Paint } from '../output.js';
import { failureWords, numberLines } from './numbers.js';
import {
  agentsSection,
  clockTime,
  endpointsSection,
  eventsSection,
  leasesSection,
  type Section,
  stripSection,
  timesSection,
  usualLines,
} from './sections.js';
import { type Line, type Span, widthOfLine, written } from './styled-line.js';
import { lines, visible } from './terminal-text.js';
import type { TopSize, TopView } from './top-view.js';
import { poolsLine, verdictLines } from './verdict-lines.js';

/** The screen of `surreal-pool top`: as many lines as there are rows at most, none wider than the columns. */
export function topScreen(view: TopView, { columns, rows }: TopSize, paint: Paint): string[] {
  const lines = [...topLines(view, columns), ...sectionLines(view, columns, rows)];
  const keys = view.keys ? keysLine(view) : undefined;
  const shown = rows === undefined ? lines : lines.slice(0, Math.max(0, rows - (keys === undefined ? 0 : 1)));
  return [...shown, ...(keys === undefined ? [] : [keys])].map((line) => written(line, columns, paint));
}

/** What is always there: the name, the verdict, the six numbers. */
function topLines(view: TopView, columns: number): Line[] {
  const { message, lost, source } = view;
  const { snapshot } = message;
  const pools = poolsLine(message);
  const gone = lost === undefined ? [] : lostLines(lost, columns);
  if (snapshot === undefined) {
    const text = message.pools.length === 0 ? 'The server has no pool now.' : 'The pool is not there any more.';
    return [[['bold', 'surreal-pool'], `  ${source}`], ...gone, [text], ...(pools === undefined ? [] : [pools])];
  }
  const words = failureWords(snapshot);
  return [
    titleLine(view, columns),
    ...gone,
    ...verdictLines(snapshot.verdict, columns, 3),
    ...(pools === undefined ? [] : [pools]),
    ...numberLines(snapshot, columns),
    ...(words === undefined ? [] : [[['dim', 'failures of the last minute: '], words] satisfies Line]),
  ];
}

function titleLine({ message: { snapshot }, source, frozen }: TopView, columns: number): Line {
  const left: Line = [
    ['bold', snapshot?.pool ?? ''],
    `  ${snapshot?.state ?? ''}  ${clockTime(snapshot?.time ?? 0)}`,
    ...(frozen ? (['  ', ['yellow', 'FROZEN']] satisfies Span[]) : []),
  ];
  const space = columns - widthOfLine(left) - widthOfLine([source]);
  return space < 2 ? left : [...left, ' '.repeat(space), ['dim', source]];
}

function lostLines({ since, reason }: NonNullable<TopView['lost']>, columns: number): Line[] {
  const text = `STALE since ${clockTime(since)}, trying again: ${reason}`;
  return lines(visible(text), columns, 2).map((line) => [['red', line]]);
}

function keysLine({ frozen, order, message }: TopView): Line {
  const pools = message.pools.length > 1 ? '  tab next pool' : '';
  return [['dim', `q quit  p ${frozen ? 'go on' : 'freeze'}  ↑↓ leases  ←→ by ${order}${pools}`]];
}

/** The sections in the order of the screen. */
function sectionsOf({ message: { snapshot }, order, scrolled }: TopView, columns: number): (Section | undefined)[] {
  if (snapshot === undefined) return [];
  return [
    stripSection(snapshot, columns),
    timesSection(snapshot, columns),
    leasesSection(snapshot, order, scrolled, columns),
    agentsSection(snapshot, columns),
    endpointsSection(snapshot, columns),
    eventsSection(snapshot),
  ];
}

/** Which of the sections, by their place on the screen, get room first: connections, times, leases, servers, events, agents. */
const ranks = [0, 1, 2, 4, 5, 3];

/** Gives each section its least, as far as there is room, and then the rest of the room to all in turn. */
function sectionLines(view: TopView, columns: number, rows: number | undefined): Line[] {
  const sections = sectionsOf(view, columns);
  const given = new Map<Section, number>();
  if (rows === undefined) {
    for (const section of sections) if (section) given.set(section, Math.min(usualLines, section.wanted));
  } else {
    let left = rows - topLines(view, columns).length - (view.keys ? 1 : 0);
    for (const rank of ranks) {
      const section = sections[rank];
      if (section === undefined || left < 1 + section.least) continue;
      given.set(section, section.least);
      left -= 1 + section.least;
    }
    for (let grown = true; grown && left > 0; ) {
      grown = false;
      for (const [section, lines] of given) {
        if (left === 0 || lines >= section.wanted) continue;
        given.set(section, lines + 1);
        left--;
        grown = true;
      }
    }
  }
  return sections.flatMap((section): Line[] => {
    const most = section && given.get(section);
    if (section === undefined || most === undefined) return [];
    return [section.head, ...section.lines(most)];
  });
}
