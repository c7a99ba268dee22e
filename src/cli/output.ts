/** Writes to stdout and waits until it is written, since the process may be ended right after. */
export async function print(text: string): Promise<0> {
  await new Promise<void>((written) => process.stdout.write(text, () => written()));
  return 0;
}

export type Style = 'bold' | 'dim' | 'red' | 'green';

/** Gives a text a style, or leaves it alone where styles cannot be shown. */
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;

const codes: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
};

export const ansi: Paint = (style, text) => `\u001b[${codes[style][0]}m${text}\u001b[${codes[style][1]}m`;

/** Styles on a terminal that has colours, unless NO_COLOR asks for none. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return stream.isTTY && stream.hasColors() ? ansi : plain;
}

/** How many columns there are to write in; 80 where no terminal says it. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  // A terminal that does not know its width says 0.
  return (stream.isTTY && stream.columns) || 80;
}
