import { describe, expect, test } from 'vitest';
import { rememberedByText } from '../../src/savepoints/remembered.js';

/** Remembers, and counts how often it had to find out. */
function counting() {
  const remembered = rememberedByText<boolean>();
  let finds = 0;
  return {
    ask: (text: string, value = true, holdsForText = true): boolean =>
      remembered(text, () => {
        finds++;
        return { value, holdsForText };
      }),
    get finds() {
      return finds;
    },
  };
}

describe('what is found out about texts', () => {
  test('is found out once, whatever it is', () => {
    const texts = counting();
    expect([texts.ask('a'), texts.ask('a', false), texts.ask('b', false), texts.ask('b')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(texts.finds).toBe(2);
  });

  test('is found out again when it does not hold for the text alone', () => {
    const texts = counting();
    expect([texts.ask('a', true, false), texts.ask('a', false, false)]).toEqual([true, false]);
  });

  test('is kept of a bounded number of texts, and of none that is long', () => {
    const texts = counting();
    for (let number = 0; number <= 1000; number++) texts.ask(`text ${number}`);
    texts.ask('text 1000', false);
    texts.ask('text 1', false);
    expect(texts.finds).toBe(1001);
    expect(texts.ask('text 0', false), 'the oldest').toBe(false);
    const long = 'x'.repeat(10_001);
    expect([texts.ask(long), texts.ask(long, false)]).toEqual([true, false]);
  });
});
