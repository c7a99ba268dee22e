import { describe, expect, test } from 'vitest';
import {
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatRate,
  formatRoundDuration,
  shorten,
  wrap,
} from '../../src/cli/formats.js';

describe('durations', () => {
  test.each([
    [0, '0 ms'],
    [0.0004, '0.01 ms'],
    [0.354, '0.35 ms'],
    [0.997, '1.0 ms'],
    [6.14, '6.1 ms'],
    [9.96, '10 ms'],
    [35.4, '35 ms'],
    [999.6, '1.0 s'],
    [1_840, '1.8 s'],
    [35_000, '35 s'],
    [150_000, '2.5 min'],
    [24 * 3_600_000, '24 h'],
  ])('%d ms is %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  test('a round one is written without a point', () => {
    expect([500, 1_000, 1_500, 30_000, 0.5].map(formatRoundDuration)).toEqual([
      '500 ms',
      '1 s',
      '1.5 s',
      '30 s',
      '0.50 ms',
    ]);
  });
});

test('counts are grouped, and one of a thing is no plural', () => {
  expect(formatCount(1_234_567)).toBe('1,234,567');
  expect(formatNumber(1, 'read')).toBe('1 read');
  expect(formatNumber(2_000, 'read')).toBe('2,000 reads');
});

test('rates take little space', () => {
  expect([0, 9.9, 942, 8_412, 99_960, 124_400, 1_234_567].map(formatRate)).toEqual([
    '0.0',
    '9.9',
    '942',
    '8.4k',
    '100k',
    '124k',
    '1.2M',
  ]);
});

test('a share is never rounded to none or all', () => {
  expect([0, 0.001, 0.024, 5.55, 37.4, 99.5, 99.999, 100].map(formatPercent)).toEqual([
    '0 %',
    '<0.01 %',
    '0.02 %',
    '5.5 %',
    '37 %',
    '99.50 %',
    '>99.99 %',
    '100 %',
  ]);
});

test('a text that is too long is cut with a mark', () => {
  expect(shorten('abcdef', 6)).toBe('abcdef');
  expect(shorten('abcdef', 4)).toBe('abc…');
});

test('lines are broken between words, but not before a unit', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('took 35 ms alone', 7)).toEqual(['took', '35 ms', 'alone']);
  expect(wrap('', 7)).toEqual(['']);
});
