import { getEventListeners } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { onAbort } from '../../src/time/on-abort.js';

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('onAbort()', () => {
  test('calls back at once when the signal is aborted already', () => {
    const listener = vi.fn();
    onAbort(AbortSignal.abort(), listener)();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('tells all who asked, each once, in their order', () => {
    const controller = new AbortController();
    const told: number[] = [];
    const same = vi.fn();
    for (const number of [1, 2, 3]) onAbort(controller.signal, () => told.push(number));
    onAbort(controller.signal, same);
    onAbort(controller.signal, same);
    controller.abort();
    controller.abort();
    expect(told).toEqual([1, 2, 3]);
    expect(same).toHaveBeenCalledTimes(2);
  });

  test('has one listener on the signal, however many ask, and none when all took their wish back', () => {
    const { signal } = new AbortController();
    const forget = Array.from({ length: 1_000 }, () => onAbort(signal, () => {}));
    expect(listenersOf(signal)).toBe(1);
    for (const takeBack of forget) {
      takeBack();
      takeBack();
    }
    expect(listenersOf(signal)).toBe(0);
    const again = onAbort(signal, () => {});
    expect(listenersOf(signal)).toBe(1);
    again();
    expect(listenersOf(signal)).toBe(0);
  });

  test('does not call back who took the wish back, also while others are told', () => {
    const controller = new AbortController();
    const late = vi.fn();
    const wish = { forget: () => {} };
    onAbort(controller.signal, () => wish.forget());
    wish.forget = onAbort(controller.signal, late);
    controller.abort();
    expect(late).not.toHaveBeenCalled();
  });
});
