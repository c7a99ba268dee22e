/** What moves the cursor, changes the terminal, turns the direction of writing, or cannot be seen. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const blanks = /[\t\n\v\f\r\p{Zl}\p{Zp}]+/gu;
/** They choose between two looks of a sign, of which terminals do not agree on the width. */
const looks = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;
/** A few marks belong to a letter; hundreds of them are written over the lines above. */
const manyMarks = /(\p{M}{2})\p{M}+/gu;
const plainText = /^[\x20-\x7e]*$/;

/**
 * A text from outside as a terminal may show it: names, statements and errors can hold sequences that the terminal would
 * obey. Blanks of all kinds become one, and what cannot be seen becomes �.
 */
export function visible(text: string): string {
  if (plainText.test(text)) return text;
  return text.replace(blanks, ' ').replace(looks, '').replace(invisible, '\ufffd').replace(manyMarks, '$1');
}

/** Signs that take two columns: East Asian wide and fullwidth ones (UAX #11), and emoji. */
const wide =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18d08}\u{1aff0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
/** Marks that are written over the sign before them, and the later parts of a Korean syllable. */
const none = /[\p{Mn}\p{Me}\u1160-\u11ff]/u;

function widthOfSign(sign: string): number {
  return none.test(sign) ? 0 : wide.test(sign) ? 2 : 1;
}

/** How many columns of a terminal a visible text takes. */
export function widthOf(text: string): number {
  if (plainText.test(text)) return text.length;
  let width = 0;
  for (const sign of text) width += widthOfSign(sign);
  return width;
}

/** The beginning of a visible text that fits in so many columns, with a mark when something is missing. */
export function cut(text: string, columns: number): string {
  return widthOf(text) <= columns ? text : columns < 1 ? '' : `${beginning(text, columns - 1)}…`;
}

function beginning(text: string, columns: number): string {
  let width = 0;
  let end = 0;
  for (const sign of text) {
    width += widthOfSign(sign);
    if (width > columns) break;
    end += sign.length;
  }
  return text.slice(0, end);
}

/** Cuts or fills a visible text to exactly so many columns. */
export function fitted(text: string, columns: number, side: 'left' | 'right' = 'left'): string {
  const shown = cut(text, columns);
  const space = ' '.repeat(Math.max(0, columns - widthOf(shown)));
  return side === 'left' ? shown + space : space + shown;
}

/** Breaks a visible text between words into at most `most` lines; a word that fits in no line is broken anywhere. */
export function lines(text: string, columns: number, most: number): string[] {
  const done: string[] = [];
  let rest = text.trim();
  while (rest !== '' && done.length < most) {
    if (done.length === most - 1 || widthOf(rest) <= columns) {
      done.push(cut(rest, columns));
      break;
    }
    const part = beginning(rest, columns);
    const space = rest[part.length] === ' ' ? part.length : part.lastIndexOf(' ');
    // A sign of two columns does not fit into one.
    const end = space > 0 ? space : Math.max(part.length, String.fromCodePoint(rest.codePointAt(0) ?? 32).length);
    done.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return done;
}
