import { describe, expect, test } from 'vitest';
import { type Progress, progressDisplay, progressLine, progressScreen } from '../../src/cli/progress.js';

const progress: Progress = {
  elapsed: 12_040,
  duration: 30_000,
  operations: null,
  ended: 101_000,
  rate: 8_412.34,
  used: 20,
  maxConnections: 20,
  waiting: 14,
  oldestWaiter: 35.2,
  p99: 6.14,
  errors: 1,
  errorsInAll: 3,
};

test('a line of progress is easy to search', () => {
  expect(progressLine(progress)).toBe(
    'progress: 12.0 s, 8412.3 ops/s, used 20/20, waiting 14, oldest 35 ms, p99 6.1 ms, 1 errors',
  );
});

describe('agents', () => {
  const agents = {
    count: 1_000,
    greediest: { agentId: 'greedy-3', share: 18.4 },
    mostRefused: { agentId: 'greedy-1', times: 12_345 },
  };

  test('are one line more, however many they are', () => {
    const lines = progressScreen({ ...progress, agents }, 80);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe('1,000 agents  largest share greedy-3 18 %  most refused greedy-1 12,345 times');
    for (const line of progressScreen({ ...progress, agents }, 40)) expect(line.length).toBeLessThan(40);
  });

  test('are at the end of a line of progress', () => {
    const none = { count: 1, greediest: undefined, mostRefused: undefined };
    expect(progressLine({ ...progress, agents: none })).toMatch(/, 1 errors, 1 agent, none refused$/);
    expect(progressLine({ ...progress, agents })).toMatch(
      /, 1 errors, 1,000 agents, largest share greedy-3 18 %, most refused greedy-1 12,345 times$/,
    );
  });
});

describe('progress on a terminal', () => {
  test('is a bar and the state of things', () => {
    const [bar, line] = progressScreen(progress, 200);
    expect(bar).toMatch(/^█{32}░{47}$/);
    expect(line).toBe('12 s/30 s  8.4k op/s  used 20/20  wait 14 (oldest 35 ms)  p99 6.1 ms  err 3');
  });

  test('says nothing of an oldest waiter when nobody waits', () => {
    expect(progressScreen({ ...progress, waiting: 0 }, 200)[1]).toContain('  wait 0  ');
  });

  test('stays within a narrow terminal, which would break a longer line', () => {
    for (const line of progressScreen(progress, 40)) expect(line.length).toBeLessThan(40);
  });

  test('takes a terminal that does not know its width for a usual one', () => {
    expect(progressScreen(progress, 0)).toEqual(progressScreen(progress, 80));
  });

  test('of a number of operations is as far as these are', () => {
    const [bar, line] = progressScreen({ ...progress, duration: null, operations: 202_000 }, 80);
    expect(bar).toMatch(/^█{40}░{39}$/);
    expect(line).toMatch(/^12 s {2}101k\/202k op {2}8\.4k op\/s/);
  });

  test('does not go beyond the end', () => {
    expect(progressScreen({ ...progress, elapsed: 31_000 }, 80)[0]).toMatch(/^█{79}$/);
  });
});

describe('where progress goes', () => {
  function shownOn(stream: { isTTY: boolean; columns?: number }, terminal = 'xterm'): string {
    let written = '';
    const target = {
      ...stream,
      write: (text: string) => {
        written += text;
        return true;
      },
    } as NodeJS.WriteStream;
    const display = progressDisplay(target, terminal);
    display.say('connecting');
    display.show(progress);
    display.show(progress);
    display.clear();
    return written;
  }

  test('it is line after line in a file, without what is only said', () => {
    expect(shownOn({ isTTY: false })).toBe(`${progressLine(progress)}\n`.repeat(2));
  });

  test('it is line after line on a terminal that can do no more', () => {
    expect(shownOn({ isTTY: true, columns: 80 }, 'dumb')).toBe(`${progressLine(progress)}\n`.repeat(2));
  });

  test('it is refreshed in place on a terminal, and gone at the end', () => {
    const [bar, line] = progressScreen(progress, 80);
    const up = (lines: number) => `\r\u001b[${lines}A\u001b[J`;
    expect(shownOn({ isTTY: true, columns: 80 })).toBe(
      `\r\u001b[Jconnecting\n${up(1)}${bar}\n${line}\n${up(2)}${bar}\n${line}\n${up(2)}`,
    );
  });
});
