import type { ConsoleSnapshot, SnapshotCell } from '../../console/index.js';
import { addressInShort } from '../../verdict/words.js';
import { formatCount } from '../formats.js';
import type { Style } from '../output.js';
import type { Line, Span } from './styled-line.js';
import { fitted, visible } from './terminal-text.js';

/** A state of a connection: its letter, which tells it without colours, and its colour. */
interface Look {
  readonly letter: string;
  readonly style: Style | undefined;
  readonly meaning: string;
}

const looks = {
  used: { letter: 'U', style: 'cyan', meaning: 'used' },
  shared: { letter: 'S', style: 'cyan', meaning: 'shared by single calls' },
  held: { letter: 'H', style: 'red', meaning: 'held without a call' },
  idle: { letter: 'I', style: 'green', meaning: 'idle' },
  opening: { letter: 'O', style: 'yellow', meaning: 'opening' },
  probed: { letter: 'P', style: 'yellow', meaning: 'probed' },
  reset: { letter: 'R', style: 'yellow', meaning: 'reset' },
  closing: { letter: 'C', style: 'dim', meaning: 'closing' },
  other: { letter: '?', style: undefined, meaning: 'of another state' },
} as const satisfies Record<string, Look>;

type LookName = keyof typeof looks;

/** A holder that makes no call for so long keeps the connection from others, in milliseconds; as the live page says. */
export const heldWithoutCall = 1_000;

function lookOf({ state, idle, shared }: SnapshotCell): LookName {
  if (state === 'leased') return shared !== undefined ? 'shared' : (idle ?? 0) >= heldWithoutCall ? 'held' : 'used';
  if (state === 'validating') return 'probed';
  if (state === 'resetting') return 'reset';
  return state === 'idle' || state === 'opening' || state === 'closing' ? state : 'other';
}

/** How many connections are in which state, with the letters of the strip. */
export function stripLegend({ strip, connections: { total, limit } }: ConsoleSnapshot): Line {
  const counts = new Map<LookName, number>();
  for (const cell of strip) counts.set(lookOf(cell), (counts.get(lookOf(cell)) ?? 0) + 1);
  const parts = (Object.keys(looks) as LookName[]).flatMap((name): Span[] => {
    const count = counts.get(name);
    if (count === undefined) return [];
    const { letter, style, meaning }: Look = looks[name];
    return ['  ', style === undefined ? letter : [style, letter], ` ${formatCount(count)} ${meaning}`];
  });
  return [['bold', 'Connections'], ` ${formatCount(total)} of at most ${formatCount(limit)}`, ...parts];
}

/** The widest name of a server before its connections. */
const widestName = 24;

/** Every connection as a letter, in at most `most` lines; servers, when there are several, one after another. */
export function stripLines({ strip, endpoints }: ConsoleSnapshot, width: number, most: number): Line[] {
  const names = endpoints.map(({ url }) => visible(addressInShort(url)));
  const label =
    names.length > 1 ? Math.min(widestName, Math.floor(width / 2), Math.max(...names.map((n) => n.length))) : 0;
  const room = Math.max(1, width - (label === 0 ? 0 : label + 1));
  const groups = new Map<number, SnapshotCell[]>(names.map((_, place) => [place, []]));
  for (const cell of strip) {
    const group = groups.get(cell.endpoint);
    if (group === undefined) groups.set(cell.endpoint, [cell]);
    else group.push(cell);
  }
  const lines: Line[] = [];
  let shown = 0;
  for (const [place, cells] of [...groups].sort(([one], [other]) => one - other)) {
    for (let begin = 0; begin < Math.max(1, cells.length); begin += room) {
      if (lines.length >= most) break;
      const part = cells.slice(begin, begin + room);
      shown += part.length;
      const name = begin > 0 ? '' : (names[place] ?? 'removed');
      lines.push([...(label === 0 ? [] : [`${fitted(name, label)} `]), ...letters(part)]);
    }
  }
  if (shown < strip.length && lines.length > 0) {
    const left = strip.length - shown;
    const more = ` and ${formatCount(left)} more`;
    const last = lines[lines.length - 1] ?? [];
    lines[lines.length - 1] = withoutEnd(last, more.length, (cut) => ` and ${formatCount(left + cut)} more`);
  }
  return lines;
}

/** Neighbours of one look in one span: a thousand connections are a few hundred codes less. */
function letters(cells: readonly SnapshotCell[]): Span[] {
  const spans: Span[] = [];
  let text = '';
  let name: LookName | undefined;
  const add = (): void => {
    if (name === undefined) return;
    const { style }: Look = looks[name];
    spans.push(style === undefined ? text : [style, text]);
    text = '';
  };
  for (const cell of cells) {
    const look = lookOf(cell);
    if (look !== name) add();
    name = look;
    text += looks[look].letter;
  }
  add();
  return spans;
}

/** Makes room at the end of a line of letters for how many are missing. */
function withoutEnd(line: Line, columns: number, more: (cut: number) => string): Line {
  const kept = [...line];
  let cut = 0;
  // A number may have one digit and one comma more when the letters that make room for it are counted.
  while (cut < columns + 2 && kept.length > 0) {
    const last = kept.pop() as Span;
    const text = typeof last === 'string' ? last : last[1];
    const taken = Math.min(text.length, columns + 2 - cut);
    cut += taken;
    const rest = text.slice(0, text.length - taken);
    if (rest !== '') kept.push(typeof last === 'string' ? rest : [last[0], rest]);
  }
  return [...kept, more(cut)];
}
