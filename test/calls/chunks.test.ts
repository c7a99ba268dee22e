import { expect, test } from 'vitest';
import { Chunks } from '../../src/calls/chunks.js';
import { answerOf } from '../../src/wire/answer.js';

const about = () => ({ pool: 'test' });

const answer = answerOf(['a', 'b', 'c'].map((result) => ({ status: 'OK', time: '1µs', type: 'other', result })));

test('the chunks of an answer come in their order, and the query is sent once, when the first is asked for', async () => {
  let asked = 0;
  const chunks = new Chunks<string>(async () => {
    asked++;
    return answer;
  }, about);
  expect(asked).toBe(0);
  const read: unknown[] = [];
  for await (const { result } of chunks) read.push(result?.[0]);
  expect(read).toEqual(['a', 'b', 'c']);
  expect(await chunks.next()).toEqual({ done: true, value: undefined });
  expect(asked).toBe(1);
  expect(answer).toHaveLength(3);
});

test('several that are asked for at once come in their order', async () => {
  const chunks = new Chunks<string>(async () => answer, about);
  const steps = await Promise.all([chunks.next(), chunks.next(), chunks.next(), chunks.next()]);
  expect(steps.map(({ value }) => value?.result?.[0])).toEqual(['a', 'b', 'c', undefined]);
});

test('a reader that leaves gets no more of them, and sends nothing if it asked for none', async () => {
  let asked = 0;
  const ask = async () => {
    asked++;
    return answer;
  };
  const left = new Chunks<string>(ask, about);
  for await (const _ of left) break;
  expect(await left.next()).toEqual({ done: true, value: undefined });
  const unread = new Chunks<string>(ask, about);
  await unread.return();
  expect(await unread.next()).toEqual({ done: true, value: undefined });
  expect(asked).toBe(1);
});

test('a query that fails rejects the step that sends it', async () => {
  const chunks = new Chunks(() => Promise.reject(new Error('no')), about);
  await expect(chunks.next()).rejects.toThrow('no');
});
