import { UsageError } from '../errors/configuration.js';
import { keywordOf } from './refused-statements.js';
import { splitStatements } from './statements.js';
import type { Token } from './token.js';
import { tokenize } from './tokens.js';

/** A part of an import, sent in one message. */
export interface ImportPiece {
  readonly text: string;
  /** The first words of each statement, without data. */
  readonly statements: readonly string[];
  /** How many answers come before those of its statements. */
  readonly added: number;
}

/** How many characters are collected before a piece is cut off: servers accept messages of a few megabytes. */
const pieceLength = 512 * 1024;

/** A statement that changes how later ones are executed. */
const importOption = 'OPTION IMPORT;\n';

/**
 * Cuts a streamed text between its statements, so that a large text needs neither one large message nor all of it in
 * memory. It cuts only where the server would: after a semicolon outside of all brackets, and before anything that can
 * be read in two ways. Statements that belong together stay together: BEGIN to COMMIT, an IF with its ELSE, and
 * everything after a LET. `OPTION IMPORT` at the beginning holds for each piece.
 */
export class ImportPieces {
  #text = '';
  /** How much of the text is searched for a place to cut. */
  #window = pieceLength;
  #isImport = false;

  /** Yields the pieces that are complete by now. */
  *add(text: string): Generator<ImportPiece> {
    this.#text += text;
    while (this.#text.length >= this.#window) {
      const tokens = tokenize(this.#text.slice(0, this.#window));
      const at = lastCut(tokens);
      const end = at === undefined ? undefined : tokens[at]?.end;
      if (at === undefined || end === undefined) {
        this.#window *= 2;
        continue;
      }
      const piece = this.#piece(this.#text.slice(0, end), tokens.slice(0, at + 1));
      this.#text = this.#text.slice(end);
      this.#window = pieceLength;
      if (piece !== undefined) yield piece;
    }
  }

  /** @returns the rest; undefined when it is nothing but comments */
  end(): ImportPiece | undefined {
    const text = this.#text;
    this.#text = '';
    return this.#piece(text, tokenize(text));
  }

  #piece(text: string, tokens: readonly Token[]): ImportPiece | undefined {
    const statements = splitStatements(tokens).statements.map((statement) => statement.tokens);
    if (statements.length === 0) return undefined;
    if (statements.some((own) => keywordOf(own) === 'USE')) {
      throw new UsageError(
        'USE cannot be used in an import, which is into one database: import() in a scope of the other one',
      );
    }
    const wasImport = this.#isImport;
    this.#isImport ||= statements.some(([first, second]) => first?.value === 'OPTION' && second?.value === 'IMPORT');
    const added = wasImport ? 1 : 0;
    return { text: wasImport ? importOption + text : text, statements: statements.map(beginningOf), added };
  }
}

/** The index of the last semicolon after which the text may certainly be cut. */
function lastCut(tokens: readonly Token[]): number | undefined {
  let cut: number | undefined;
  let first: Token | undefined;
  let isOpen = false;
  /** The THENs of an IF that the last semicolon may have cut short: ELSE or END may follow. */
  let thens = 0;
  /** How many ENDs an IF still waits for. */
  let ends = 0;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === undefined || token.kind === 'unknown' || token.doubtful) break;
    const isStart = first === undefined;
    first ??= token;
    if (isStart && token.kind === 'word') {
      if (token.value === 'LET') break;
      if (token.value === 'BEGIN') isOpen = true;
      if (token.value === 'COMMIT' || token.value === 'CANCEL') isOpen = false;
      if (token.value === 'ELSE' || token.value === 'END') {
        // It belongs to the statement before it, so the text must not be cut between them.
        if (ends === 0) ends = thens;
        if (ends === 0) break;
        if (token.value === 'END') ends--;
      }
      thens = 0;
    }
    if (first.value === 'IF' && token.kind === 'word' && token.value === 'THEN') thens++;
    if (token.kind !== 'mark') continue;
    if ('()[]{}'.includes(token.text)) {
      if (token.partner === undefined) break;
      at = Math.max(at, token.partner);
    } else if (token.text === ';') {
      if (!isOpen && ends === 0 && first.value !== 'IF') cut = at;
      first = undefined;
    }
  }
  return cut;
}

/** The words of a statement before the first that may be data or a secret. */
function beginningOf(tokens: readonly Token[]): string {
  const end = tokens.findIndex(({ kind, text }) => (kind !== 'word' && kind !== 'name') || /^PASS/i.test(text));
  const words = tokens.slice(0, end === -1 ? tokens.length : end).map(({ text }) => text);
  return words.slice(0, 8).join(' ');
}
