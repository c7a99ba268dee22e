import { expect, test } from 'vitest';
import { MessageCounters } from '../../src/telemetry/message-counters.js';

function counters(...messages: number[]): MessageCounters {
  const made = new MessageCounters();
  for (const calls of messages) made.count(calls);
  return made;
}

const sixteen = Array.from({ length: 16 }, () => 1);

test('calls that come one after the other are lonely, while one alone is under way', () => {
  const lonely = counters(...sixteen);
  lonely.began();
  expect(lonely.isLonely).toBe(true);
  lonely.began();
  expect(lonely.isLonely).toBe(false);
  lonely.ended();
  expect(lonely.isLonely).toBe(true);
});

test('calls are not lonely before they have been so for a while, nor after a message with several', () => {
  for (const messages of [[], sixteen.slice(1), [...sixteen, 2], [...sixteen, 2, ...sixteen.slice(1)]]) {
    const others = counters(...messages);
    others.began();
    expect(others.isLonely).toBe(false);
  }
});

test('messages and their calls are counted', () => {
  expect(counters(1, 3, 2).statistics()).toEqual({ sent: 3, calls: 6 });
});
