import { CborCodec } from 'surrealdb';
import { describe, expect, test } from 'vitest';
import { newRecording } from '../../src/calls/call.js';
import { CallLog, type LogEntry, logBudget } from '../../src/savepoints/call-log.js';
import { LoggedCall } from '../../src/savepoints/logged-call.js';

/** A call of so many bytes. */
function call(text: string, size = 100): LoggedCall {
  const request = new Uint8Array(size);
  request.set(CborCodec.DEFAULT.encode({ params: [text, {}] }));
  const recording = { ...newRecording(), request };
  return new LoggedCall({ text, recording, made: { from: 0, until: 1 } });
}

const shown = (entries: readonly LogEntry[]): string[] =>
  entries.map(({ call: { text }, undone }) => (undone ? `(${text})` : text));

describe('the log of a transaction', () => {
  test('gives what came before a place and behind it', () => {
    const log = new CallLog();
    log.add(call('SELECT 1'));
    const mark = log.mark();
    log.add(call('SELECT 2'));
    log.add(call('SELECT 3'));
    expect([shown(log.before(mark)), shown(log.since(mark))]).toEqual([['SELECT 1'], ['SELECT 2', 'SELECT 3']]);
    expect(mark).toEqual({ length: 1, complete: true });
  });

  test('keeps undone reads in their place, up to the first call that may have written', () => {
    const log = new CallLog();
    log.add(call('UPDATE a:1'));
    const mark = log.mark();
    log.add(call('SELECT 1'));
    log.add(call('UPDATE a:2'));
    log.add(call('SELECT 2'));
    log.undoSince(mark, { from: 5, until: 6 });
    expect(shown(log.before(log.mark()))).toEqual(['UPDATE a:1', '(SELECT 1)']);
    expect(log.branches.map(shown)).toEqual([['UPDATE a:1', 'SELECT 1', 'UPDATE a:2', 'SELECT 2']]);
    expect(log.replays).toEqual([{ from: 5, until: 6 }]);
  });

  test('keeps no branch of what was only read, and undone reads through later rollbacks', () => {
    const log = new CallLog();
    const mark = log.mark();
    log.add(call('SELECT 1'));
    log.undoSince(mark, undefined);
    log.add(call('SELECT 2'));
    const later = log.mark();
    log.add(call('DELETE a'));
    log.undoSince(later, undefined);
    expect(shown(log.before(log.mark()))).toEqual(['(SELECT 1)', 'SELECT 2']);
    log.undoSince(mark, undefined);
    expect(shown(log.before(log.mark()))).toEqual(['(SELECT 1)', '(SELECT 2)']);
    expect(log.branches.map(shown)).toEqual([['(SELECT 1)', 'SELECT 2', 'DELETE a']]);
    expect(log.replays).toEqual([]);
  });

  test('keeps nothing more beyond its budget, not even what would fit', () => {
    const log = new CallLog(1000);
    log.add(call('SELECT 1', 600));
    const first = log.mark();
    log.add(call('SELECT 2', 400));
    expect(log.mark()).toEqual({ length: 2, complete: true });
    log.add(call('SELECT 3', 50));
    expect([log.complete, log.mark()]).toEqual([false, { length: 2, complete: false }]);
    log.add(call('SELECT 4', 50));
    expect(shown(log.since(first))).toEqual(['SELECT 2']);
    expect(logBudget).toBeGreaterThan(1024 * 1024);
  });

  test('counts what it still holds of undone calls', () => {
    const log = new CallLog(1000);
    const mark = log.mark();
    log.add(call('UPDATE a:1', 600));
    log.undoSince(mark, undefined);
    log.add(call('SELECT 1', 401));
    expect(log.complete, 'the branch is kept as well').toBe(false);
  });
});
