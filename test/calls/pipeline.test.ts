import { describe, expect, test } from 'vitest';
import { type Layer, pipeline } from '../../src/calls/pipeline.js';

const noting =
  (name: string, seen: string[]): Layer<string, string> =>
  async (asked, next) => {
    seen.push(`${name} before ${asked}`);
    const answer = await next(`${asked}${name}`);
    seen.push(`${name} after ${answer}`);
    return `${answer}${name}`;
  };

describe('layers', () => {
  test('are passed in their order, and back', async () => {
    const seen: string[] = [];
    const way = pipeline([noting('1', seen), noting('2', seen)], async (asked) => `${asked}!`);
    expect(await way('x')).toBe('x12!21');
    expect(seen).toEqual(['1 before x', '2 before x1', '2 after x12!', '1 after x12!2']);
    expect(await way('y'), 'as often as it is asked').toBe('y12!21');
  });

  test('may answer themselves, throw, ask twice, and see what was thrown', async () => {
    const seen: string[] = [];
    const last = async (asked: string): Promise<string> => {
      if (asked === 'bad') throw new Error('no');
      return asked;
    };
    const self: Layer<string, string> = async () => 'mine';
    expect(await pipeline([noting('1', seen), self, noting('2', seen)], last)('x')).toBe('mine1');
    expect(seen).toEqual(['1 before x', '1 after mine']);
    const caught: Layer<string, string> = (asked, next) => next(asked).catch((error: Error) => error.message);
    expect(await pipeline([caught], last)('bad')).toBe('no');
    const twice: Layer<string, string> = async (asked, next) => (await next(asked)) + (await next(asked));
    expect(await pipeline([twice, twice], last)('x')).toBe('xxxx');
    await expect(pipeline([noting('1', seen)], last)('bad'.slice(0, 3))).resolves.toBe('bad11');
    await expect(pipeline([], last)('bad')).rejects.toThrow('no');
  });
});
