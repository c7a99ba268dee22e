import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/config/duration.js';
import { issueAt, refusalOf } from './refusals.js';

describe('a duration', () => {
  test.each([
    [0, 0],
    [1500, 1500],
    [0.5, 0.5],
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['1m30s', 90_000],
    ['1h250ms', 3_600_250],
    ['1d2h3m4s5ms', 93_784_005],
    ['2147483647ms', 2_147_483_647],
  ])('%j is %d ms', (value, milliseconds) => {
    expect(parseDuration(value)).toBe(milliseconds);
  });

  test.each([
    '',
    '5',
    'ms',
    '5 s',
    '1.5s',
    '-1s',
    '1s1m',
    '1s1s',
    '1S',
    '5 minutes',
    '١s',
    '1e3ms',
    '1s\n',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -1,
    -0.1,
  ])('%j is refused with examples of what is allowed', (value) => {
    const issue = issueAt(
      refusalOf(() => parseDuration(value)),
      'duration',
    );
    expect(issue.allowed).toContain('"1m30s"');
  });

  test.each([2 ** 31, '25d', '99999999999999999999d'])(
    '%j is longer than a timer can hold, and is refused',
    (value) => {
      expect(refusalOf(() => parseDuration(value)).message).toContain('at most 24 days');
    },
  );

  test.each([undefined, null, true, 5n, {}, [], () => 5])('%s is no duration', (value) => {
    refusalOf(() => parseDuration(value as unknown as string));
  });
});
