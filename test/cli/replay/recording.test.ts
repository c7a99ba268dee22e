import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Recording, readRecording } from '../../../src/cli/replay/recording.js';
import { ConfigurationError } from '../../../src/errors/configuration.js';
import { temporaryFolder } from '../../support/temporary.js';

const header = { surrealPoolRecording: 1, startedAt: '2026-11-03T09:00:00.000Z' };
const pool = { pool: 1, maxConnections: 20 };
const shape = { shape: 1, operation: 'SELECT', text: 'SELECT * FROM person WHERE age > ?' };
const unit = { at: 5, of: 1, kind: 'lease', identity: 1, waited: 0.1, held: 4, calls: [[0.2, 1.5, 1]] };
const end = { end: 'stopped', at: 10, units: 1, calls: 1, lost: 0 };

const text = (...lines: (object | string)[]): string =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');

async function read(content: string | Uint8Array): Promise<Recording> {
  const path = join(temporaryFolder(), 'load.ndjson');
  writeFileSync(path, content);
  return await readRecording(path);
}

describe('a recording is read', () => {
  test('with its units in the order of their arrivals', async () => {
    const later = { ...unit, at: 7 };
    expect(await read(text(header, pool, shape, later, { dropped: 3 }, unit, end))).toMatchObject({
      startedAt: header.startedAt,
      units: [unit, later],
      end,
      isTorn: false,
    });
  });

  test('without an end and with a torn last line, as a crash leaves it', async () => {
    const whole = text(header, pool, shape, unit);
    const torn = JSON.stringify({ ...unit, at: 8 });
    for (let cut = 1; cut < torn.length; cut++) {
      const { units, end: last, isTorn } = await read(whole + torn.slice(0, cut));
      expect({ units, last, isTorn }).toEqual({ units: [unit], last: undefined, isTorn: true });
    }
    expect(await read(whole + torn)).toMatchObject({ units: [unit, { at: 8 }], isTorn: false });
    expect(await read(whole)).toMatchObject({ units: [unit], end: undefined, isTorn: false });
  });
});

describe('a recording is refused with the number of the line', () => {
  const begin = [header, pool, shape];
  test.each([
    ['an empty file', '', /line 1: given an empty file/],
    [
      'a foreign text',
      'once upon a time\n',
      /line 1: given a line that is no JSON; allowed: the first line of a file made/,
    ],
    ['a foreign text without an end of line', 'once', /line 1: given a line that is no JSON/],
    ['another file in JSON', text({ log: 'x' }), /line 1: given something else; allowed: the first line/],
    ['bytes', Buffer.from([0xff, 0xfe, 0, 1, 10, 200]), /line 1: given a line that is no JSON/],
    ['a list', text([]), /line 1/],
    ['null', text('null'), /line 1: given no object/],
    [
      'a newer version',
      text({ ...header, surrealPoolRecording: 2 }),
      /line 1: given a recording of version 2; allowed: version 1/,
    ],
    ['a header without its time', text({ surrealPoolRecording: 1, startedAt: 'noon' }), /line 1/],
    ['a corrupt line within', text(...begin, '{"at":5,"of":1,"ki', unit), /line 4: given a line that is no JSON/],
    ['an unknown line', text(...begin, { hello: 1 }), /line 4: given an object of another kind/],
    ['a line after the last', text(...begin, end, unit), /line 5: given a line after the last one/],
    ['a shape without a text', text(header, pool, { shape: 2 }), /line 3: given a shape without/],
    ['a negative time', text(...begin, { ...unit, at: -1 }), /line 4: given a unit of work with a wrong at;/],
    ['a time that is none', text(...begin, { ...unit, held: '4', waited: null }), /wrong waited, held;/],
    ['an unknown kind', text(...begin, { ...unit, kind: 'party' }), /wrong kind;/],
    ['an unknown shape', text(...begin, { ...unit, calls: [[0, 1, 9]] }), /wrong calls;/],
    ['calls that are none', text(...begin, { ...unit, calls: { a: 1 } }), /wrong calls;/],
  ])('%s', async (_, content, message) => {
    const reading = read(content);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(ConfigurationError);
  });

  test('and a file that is not there, or a folder, without a line', async () => {
    await expect(readRecording(join(temporaryFolder(), 'none'))).rejects.toThrow(/which cannot be read \(ENOENT\)/);
    await expect(readRecording(temporaryFolder())).rejects.toThrow(/which cannot be read \(EISDIR\)/);
  });
});
