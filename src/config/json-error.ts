/** The position of a JSON error, counted from 1 as in editors. */
export interface JsonError {
  readonly line: number;
  readonly column: number;
}

const space = /[ \t\r\n]*/y;
const string = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\["\\/bfnrt]|\\u[\da-fA-F]{4})*"/uy;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/**
 * Finds the error in a text that `JSON.parse` refused. The message of `JSON.parse` does not always give the position,
 * and it quotes the text around the error, which may be a password.
 */
export function findJsonError(text: string): JsonError {
  let offset = 0;

  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = offset;
    const length = pattern.exec(text)?.[0].length;
    offset += length ?? 0;
    return length !== undefined;
  };
  const takeMark = (mark: string): boolean => {
    take(space);
    if (text[offset] !== mark) return false;
    offset += 1;
    return true;
  };
  const takeList = (end: string, takeItem: () => boolean): boolean => {
    if (takeMark(end)) return true;
    do {
      if (!takeItem()) return false;
    } while (takeMark(','));
    return takeMark(end);
  };
  const takeString = (): boolean => take(space) && take(string);
  const takeValue = (): boolean => {
    if (takeMark('{')) return takeList('}', () => takeString() && takeMark(':') && takeValue());
    if (takeMark('[')) return takeList(']', takeValue);
    return takeString() || take(scalar);
  };

  takeValue();
  take(space);
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}
