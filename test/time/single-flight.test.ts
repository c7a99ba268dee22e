import { describe, expect, test } from 'vitest';
import { SingleFlight } from '../../src/time/single-flight.js';

describe('a single flight', () => {
  test('does the work once for all who come at the same time, and for all who come later', async () => {
    const flight = new SingleFlight<string, number>();
    let done = 0;
    const work = async (): Promise<number> => ++done;
    expect(await Promise.all([1, 2, 3].map(() => flight.run('key', work)))).toEqual([1, 1, 1]);
    expect(await flight.run('key', work)).toBe(1);
  });

  test('does it once for each key', async () => {
    const flight = new SingleFlight<string, string>();
    const run = (key: string) => flight.run(key, async () => key);
    expect(await Promise.all([run('one'), run('other')])).toEqual(['one', 'other']);
  });

  test('lets callers who waited for a failure do the work by themselves, all at once', async () => {
    const flight = new SingleFlight<string, string>();
    const failing = flight.run('key', () => Promise.reject(new Error('no right')));
    let running = 0;
    let most = 0;
    const able = async (): Promise<string> => {
      most = Math.max(most, ++running);
      await new Promise((later) => setTimeout(later, 5));
      running--;
      return 'done';
    };
    const waiting = [flight.run('key', able), flight.run('key', able)];
    await expect(failing).rejects.toThrow('no right');
    expect(await Promise.all(waiting)).toEqual(['done', 'done']);
    expect(most).toBe(2);
    expect(await flight.run('key', () => Promise.reject(new Error('not asked for')))).toBe('done');
  });

  test('does not keep a failure', async () => {
    const flight = new SingleFlight<string, number>();
    await expect(flight.run('key', () => Promise.reject(new Error('first')))).rejects.toThrow('first');
    expect(await flight.run('key', async () => 2)).toBe(2);
  });

  test('forgets a value, and does not forget a newer one in its place', async () => {
    const flight = new SingleFlight<string, number>();
    let done = 0;
    const work = async (): Promise<number> => ++done;
    expect(await flight.run('key', work)).toBe(1);
    await flight.forget('key', 1);
    expect(await flight.run('key', work)).toBe(2);
    await flight.forget('key', 1);
    expect(await flight.run('key', work)).toBe(2);
    await flight.forget('another key', 1);
  });
});
