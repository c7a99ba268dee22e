import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChainReport, verifyChain } from '../../src/agents/hash-chain.js';
import {
  type EndedCall,
  type RecordedEntry,
  SessionLog,
  type TransactionOperation,
} from '../../src/agents/session-log.js';
import { UsageError } from '../../src/errors/configuration.js';

const write: TransactionOperation = { type: 'Write', path: '/data/file.json', contentHash: 'abc123' };
const call: EndedCall = {
  ...{ kind: 'call', at: 1_000, duration: 12, outcome: 'committed' },
  texts: ["CREATE person:tobie SET name = 'Tobie'"],
};

async function linesOf(log: SessionLog): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of log.export()) lines.push(line);
  return lines;
}

/** A log by what it does: random records, outcomes, calls, other sizes. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant('record' as const) },
  { weight: 4, arbitrary: fc.constant('call' as const) },
  { weight: 3, arbitrary: fc.nat(30) },
  { weight: 1, arbitrary: fc.nat(8).map((size) => ({ size })) },
);
const steps = fc.array(step, { maxLength: 60 });

function play(log: SessionLog, actions: readonly (string | number | { size: number })[]): void {
  const open: RecordedEntry[] = [];
  for (const action of actions) {
    if (action === 'record') open.push(log.record(write));
    else if (action === 'call') log.add(call);
    else if (typeof action === 'object') log.resize(action.size);
    else if (typeof action === 'number') open.splice(action % Math.max(1, open.length), 1)[0]?.committed();
  }
}

describe('the log of a session', () => {
  test('keeps the operations of the request', () => {
    let now = 5_000;
    const log = new SessionLog(10, false, undefined, () => now++);
    const recorded = log.record(write);
    log.record({ type: 'Read', path: '/a' }).aborted('not found');
    log.record({ type: 'Delete', path: '/b' }).aborted();
    log.record({ type: 'Query', query: 'SELECT * FROM a' }).committed();
    expect(recorded.outcome).toBe('pending');
    const before = log.history();
    log.find(recorded.id)?.committed();
    expect(before[0]?.outcome).toBe('pending');
    expect([recorded.id, recorded.outcome]).toEqual([1, 'committed']);
    expect(log.history()).toEqual([
      { kind: 'operation', id: 1, at: 5_000, operation: write, outcome: 'committed' },
      {
        kind: 'operation',
        id: 2,
        at: 5_001,
        operation: { type: 'Read', path: '/a' },
        outcome: 'aborted',
        reason: 'not found',
      },
      { kind: 'operation', id: 3, at: 5_002, operation: { type: 'Delete', path: '/b' }, outcome: 'aborted' },
      {
        kind: 'operation',
        id: 4,
        at: 5_003,
        operation: { type: 'Query', query: 'SELECT * FROM a' },
        outcome: 'committed',
      },
    ]);
  });

  test('hashes a content that has no hash, and keeps no content', () => {
    const log = new SessionLog(10);
    const hash = createHash('sha256').update('größe').digest('hex');
    log.record({ type: 'Write', path: '/a', content: 'größe' });
    log.record({ type: 'Write', path: '/a', content: new TextEncoder().encode('größe') });
    log.record({ type: 'Write', path: '/a', content: 'größe', contentHash: 'own' });
    const kept = log.history().map((entry) => (entry.kind === 'operation' ? entry.operation : undefined));
    expect(kept).toEqual([hash, hash, 'own'].map((contentHash) => ({ type: 'Write', path: '/a', contentHash })));
  });

  test('keeps what went through the session without its values', () => {
    const log = new SessionLog(10);
    log.add({
      ...call,
      kind: 'transaction',
      texts: ['CREATE a:1', 'UPDATE a:1 SET b = 2; RETURN 5'],
      reason: 'it was lost',
    });
    expect(log.history()).toEqual([
      {
        ...{ kind: 'transaction', id: 1, at: 1_000, duration: 12, outcome: 'committed', reason: 'it was lost' },
        statements: ['CREATE a:?', 'UPDATE a:? SET b = ?', 'RETURN ?'],
      },
    ]);
  });

  test('refuses to end an entry twice, in whatever way', () => {
    const log = new SessionLog(10);
    const ends = [(entry: RecordedEntry) => entry.committed(), (entry: RecordedEntry) => entry.aborted('why')];
    for (const first of ends) {
      for (const second of ends) {
        const entry = log.record(write);
        first(entry);
        const before = log.history();
        expect(() => second(entry)).toThrow(UsageError);
        expect(log.history()).toEqual(before);
      }
    }
  });

  test.each([
    undefined,
    null,
    'Read',
    {},
    { type: 'read', path: '/a' },
    { type: 'Read' },
    { type: 'Read', path: '' },
    { type: 'Write', path: '/a' },
    { type: 'Write', path: '/a', content: { a: 1 } },
    { type: 'Write', path: '/a', contentHash: 5 },
    { type: 'Delete', path: 5 },
    { type: 'Query', path: '/a' },
  ])('refuses %j, and records nothing', (operation) => {
    const log = new SessionLog(10);
    expect(() => log.record(operation as unknown as TransactionOperation)).toThrow(UsageError);
    expect(log.history()).toEqual([]);
    expect(log.record(write).id).toBe(1);
  });

  test('finds the operations that it keeps, and tells an id it never gave from one that fell out', () => {
    const log = new SessionLog(2);
    const first = log.record(write);
    log.add(call);
    log.record(write);
    expect(log.find(1)).toBeUndefined();
    first.committed();
    expect(() => log.find(2)).toThrow(UsageError);
    expect(log.find(3)?.id).toBe(3);
    for (const id of [0, 4, 1.5, Number.NaN, '1']) expect(() => log.find(id as number), `${id}`).toThrow(UsageError);
  });

  test('keeps the newest entries, whatever happens and however its size changes', () => {
    fc.assert(
      fc.property(fc.nat(8), steps, (start, actions) => {
        const log = new SessionLog(start);
        let size = start;
        let model: number[] = [];
        let last = 0;
        for (const action of actions) {
          play(log, [action]);
          if (typeof action === 'object') size = action.size;
          else if (typeof action === 'string') model.push(++last);
          model = size === 0 ? [] : model.slice(-size);
          expect(log.history().map(({ id }) => id)).toEqual(model);
          expect(log.dropped).toBe(last - model.length);
          for (const entry of log.history())
            if (entry.kind === 'operation') expect(log.find(entry.id)?.id).toBe(entry.id);
        }
      }),
    );
  });

  test('is exported as lines of JSON', async () => {
    const log = new SessionLog(3);
    play(log, ['record', 'call', 0, 'call', 'record']);
    const lines = await linesOf(log);
    expect(lines.map((line) => JSON.parse(line))).toEqual(log.history());
    expect(lines.join('')).not.toMatch(/[\n\r]/);
    expect(await verifyChain(lines)).toMatchObject({ valid: false, line: 1 });
  });

  test('is exported as it is when the export begins', async () => {
    const log = new SessionLog(2, true);
    play(log, ['record', 'call']);
    const lines: string[] = [];
    for await (const line of log.export()) {
      play(log, ['call', 'call', 'call']);
      lines.push(line);
    }
    expect(await verifyChain(lines)).toMatchObject({ valid: true, entries: 2, dropped: 0 });
  });
});

describe('the hash chain of an exported log', () => {
  const chained = fc.tuple(fc.nat(6), steps).map(([size, actions]) => {
    const log = new SessionLog(size, true);
    play(log, actions);
    return log;
  });
  const verified = async (lines: readonly string[]): Promise<ChainReport> => await verifyChain(lines);

  test('holds, also when entries fell out', async () => {
    await fc.assert(
      fc.asyncProperty(chained, async (log) => {
        const lines = await linesOf(log);
        const hash = createHash('sha256')
          .update(lines.at(-1) ?? '')
          .digest('hex');
        const { length } = log.history();
        const report = { valid: true, entries: length, dropped: log.dropped, hash };
        expect(await verified(lines)).toEqual(report);
        // As it is read from a file whose last line is ended too.
        expect(await verified(`${lines.join('\n')}\n`.split('\n'))).toEqual(report);
      }),
    );
  });

  test('goes on from one export to the next: its first line names the one that fell out', async () => {
    const log = new SessionLog(2, true);
    play(log, ['call', 'call']);
    const before = await linesOf(log);
    play(log, ['call']);
    const after = await linesOf(log);
    expect(after[0]).toBe(before[1]);
    play(log, ['call', 'call']);
    const later = await linesOf(log);
    expect(JSON.parse(later[0] ?? '').prev).toBe(
      createHash('sha256')
        .update(after[1] ?? '')
        .digest('hex'),
    );
  });

  test('breaks for every line that is changed, removed, doubled or moved', async () => {
    let broken = 0;
    await fc.assert(
      fc.asyncProperty(chained, fc.nat(), fc.nat(), async (log, one, other) => {
        const lines = await linesOf(log);
        const at = one % lines.length;
        const to = other % lines.length;
        const line = lines[at] ?? '';
        const versions = [
          lines.with(
            at,
            line.replace(/\d(?=[^\d]*$)/, (digit) => `${(Number(digit) + 1) % 10}`),
          ),
          lines.with(at, line.replace('"kind":"call"', '"kind":"transaction"')),
          lines.with(at, line.replace('committed', 'aborted')),
          lines.with(at, `${line} `),
          lines.with(at, ''),
          lines.toSpliced(at, 1),
          lines.toSpliced(at, 0, line),
          lines.slice(0, at),
          lines.slice(at),
          lines.toSpliced(at, 1).toSpliced(to, 0, line),
        ];
        for (const version of versions) {
          // A space behind the very last line changes no entry; so does its hash tell.
          if (version.join('\n') === lines.join('\n')) continue;
          const before = await verified(lines);
          const after = await verified(version);
          if (before.valid && after.valid) expect(after.hash).not.toBe(before.hash);
          else broken++;
          if (at < lines.length - 1 && version.length !== lines.length) expect(after.valid).toBe(false);
        }
      }),
    );
    expect(broken).toBeGreaterThan(200);
  });

  test('breaks when the beginning is cut off and the end agrees', async () => {
    const log = new SessionLog(5, true);
    play(log, ['call', 'call', 'call']);
    const [, ...rest] = await linesOf(log);
    const agreeing = rest.map((line) => line.replace('"entries":3', '"entries":2'));
    expect(await verified(agreeing)).toMatchObject({ valid: false, line: 3 });
  });

  test.each([
    ['no lines', []],
    ['no JSON', ['hello']],
    ['a number', ['5']],
    ['null', ['null']],
    ['no prev', ['{"id":1}']],
    ['no id', ['{"prev":"0"}']],
    ['an end without numbers', ['{"kind":"end","prev":"0","entries":"1","dropped":0}']],
    ['a first entry that has one before it', [`{"id":1,"prev":"${'1'.repeat(64)}"}`]],
    ['an entry with the dress of an end', ['{"kind":"call","dropped":0,"entries":0,"prev":"0"}']],
  ])('is not there in %s', async (_, lines) => {
    expect(await verified(lines)).toMatchObject({ valid: false, problem: expect.any(String) });
  });
});
