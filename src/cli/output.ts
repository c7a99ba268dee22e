/** Writes to stdout and waits until it is written, since the process may end right after. */
export async function print(text: string): Promise<0> {
  await new Promise<void>((written) => process.stdout.write(text, () => written()));
  return 0;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Styles a text, or leaves it unchanged where styles cannot be shown. */
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;

const codes: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

export const ansi: Paint = (style, text) => `\u001b[${codes[style][0]}m${text}\u001b[${codes[style][1]}m`;

/** Styles text on a terminal with colours, unless NO_COLOR is set. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return stream.isTTY && stream.hasColors() ? ansi : plain;
}

/** The width in columns; 80 if unknown. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  // A terminal that does not know its width reports 0.
  return (stream.isTTY && stream.columns) || 80;
}
