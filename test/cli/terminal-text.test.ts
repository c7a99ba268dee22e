import { describe, expect, test } from 'vitest';
import { cut, fitted, lines, visible, widthOf } from '../../src/cli/top/terminal-text.js';

describe('a text on a terminal', () => {
  test.each([
    ['plain', 5],
    ['größe', 5],
    ['注文', 4],
    ['ﾊﾝｶｸ', 4],
    ['ＡＢ', 4],
    ['데이터', 6],
    ['👍', 2],
    ['ร้าน', 3],
    ['e\u0301', 1],
    ['𠮷野家', 6],
    ['✓ … ▮', 5],
    ['', 0],
  ])('%j takes %i columns', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  test.each([
    ['plain', 'plain'],
    ['two\r\n  lines\tand\u2028more', 'two   lines and more'],
    ['\u001b[31mred\u0007', '\ufffd[31mred\ufffd'],
    ['\u009b31m', '\ufffd31m'],
    ['left\u202eright\u200b', 'left\ufffdright\ufffd'],
    ['half of a pair \ud83d', 'half of a pair \ufffd'],
    ['☎\ufe0f', '☎'],
    [`a${'\u0300'.repeat(500)}b`, 'a\u0300\u0300b'],
  ])('%j is shown as %j', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test.each([
    ['注文データ', 10, '注文データ'],
    ['注文データ', 9, '注文デー…'],
    ['注文データ', 8, '注文デ…'],
    ['注文', 1, '…'],
    ['name', 0, ''],
  ])('%j in %i columns is %j', (text, columns, shown) => {
    expect(cut(text, columns)).toBe(shown);
    expect(widthOf(fitted(text, columns))).toBe(columns);
  });

  test('is broken between words, and within a word that is too long', () => {
    expect(lines('one two three', 7, 5)).toEqual(['one two', 'three']);
    expect(lines('abcdefgh ij', 4, 5)).toEqual(['abcd', 'efgh', 'ij']);
    expect(lines('one two three', 7, 1)).toEqual(['one tw…']);
    expect(lines('注文データ', 3, 9)).toEqual(['注', '文', 'デ', 'ー', 'タ']);
    expect(lines('注文', 1, 2)).toEqual(['注', '…']);
    expect(lines('', 5, 3)).toEqual([]);
  });
});
