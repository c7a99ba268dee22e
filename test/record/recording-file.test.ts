import { describe, expect, test } from 'vitest';
import { type Disk, RecordingFile } from '../../src/record/recording-file.js';

/** A disk that writes when the test says so, and may fail or take only a part. */
class SlowDisk implements Disk {
  readonly bytes: number[] = [];
  closed = 0;
  writes = 0;
  mostAtOnce = Number.POSITIVE_INFINITY;
  failure: Error | undefined;
  #pending: (() => void)[] = [];

  open(): number {
    return 1;
  }

  write(
    _file: number,
    bytes: Uint8Array,
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void {
    this.writes++;
    this.#pending.push(() => {
      if (this.failure !== undefined) done(this.failure, 0);
      else done(null, this.writeNow(1, bytes, position));
    });
  }

  writeNow(_file: number, bytes: Uint8Array, position: number): number {
    const taken = bytes.subarray(0, this.mostAtOnce);
    taken.forEach((byte, index) => {
      this.bytes[position + index] = byte;
    });
    return taken.byteLength;
  }

  close(_file: number, done: () => void): void {
    this.closed++;
    done();
  }

  closeNow(): void {
    this.closed++;
  }

  /** Whether anything waits for this disk. */
  get waits(): boolean {
    return this.#pending.length > 0;
  }

  goOn(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const write of pending) write();
  }

  get lines(): object[] {
    const text = Buffer.from(this.bytes).toString();
    expect(text.endsWith('\n') || text === '').toBe(true);
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as object);
  }
}

function setUp(maxBytes = 1e9): { disk: SlowDisk; file: RecordingFile; failures: Error[] } {
  const disk = new SlowDisk();
  const failures: Error[] = [];
  return { disk, failures, file: new RecordingFile('load', maxBytes, (error) => failures.push(error), disk) };
}

/** A line of about 64 KiB, which is written at once. */
const long = { text: 'x'.repeat(65_536) };

describe('the file of a recording', () => {
  test('writes one thing after the other, and all of it', async () => {
    const { disk, file } = setUp();
    disk.mostAtOnce = 10_000;
    const written: object[] = [];
    for (let line = 0; line < 20; line++) {
      written.push({ line, ...long });
      expect(file.add({ line, ...long })).toBe(true);
    }
    expect(disk.writes).toBe(1);
    const ended = file.end({ end: 'stopped' });
    while (disk.waits) disk.goOn();
    await ended;
    expect(disk.lines).toEqual([...written, { end: 'stopped' }]);
    expect(disk.closed).toBe(1);
  });

  test('drops what a slow disk cannot take, and says how much', async () => {
    const { disk, file } = setUp();
    let dropped = 0;
    for (let line = 0; line < 100; line++) if (!file.add(long)) dropped++;
    // What waits is bounded by 4 MiB, and one line.
    expect(dropped).toBeGreaterThanOrEqual(34);
    expect(dropped).toBeLessThan(40);
    while (disk.waits) disk.goOn();
    expect(file.add({ after: true })).toBe(true);
    const ended = file.end({ end: 'stopped' });
    while (disk.waits) disk.goOn();
    await ended;
    expect(disk.lines.slice(-3)).toEqual([{ dropped }, { after: true }, { end: 'stopped' }]);
    expect(disk.lines).toHaveLength(100 - dropped + 3);
  });

  test('is given up when the disk refuses, once and for all', async () => {
    const { disk, file, failures } = setUp();
    file.add(long);
    file.add(long);
    disk.failure = new Error('ENOSPC');
    disk.goOn();
    expect(failures).toEqual([disk.failure]);
    expect(file.add(long)).toBe(false);
    await file.end({ end: 'stopped' });
    file.endNow({ end: 'exit' });
    expect(disk).toMatchObject({ closed: 1, writes: 1 });
    expect(file.failure).toBe(disk.failure);
  });

  test('ends when the disk refuses its last lines', async () => {
    const { disk, file, failures } = setUp();
    file.add(long);
    const ended = file.end({ end: 'stopped' });
    disk.failure = new Error('EIO');
    while (disk.waits) disk.goOn();
    await ended;
    expect(failures).toEqual([disk.failure]);
    expect(disk.closed).toBe(1);
  });

  test.each(['before it is ended', 'while it ends'])('is whole when the process exits %s', (when) => {
    const { disk, file } = setUp();
    disk.mostAtOnce = 50_000;
    file.add({ line: 1, ...long });
    // A part of the first write is there.
    disk.goOn();
    file.add({ line: 2, ...long });
    file.add({ line: 3 });
    if (when === 'while it ends') void file.end({ end: 'stopped' });
    file.endNow({ end: 'exit' });
    // The thread of Node comes too late.
    disk.goOn();
    const end = when === 'while it ends' ? 'stopped' : 'exit';
    expect(disk.lines).toEqual([{ line: 1, ...long }, { line: 2, ...long }, { line: 3 }, { end }]);
    expect(disk.closed).toBe(1);
  });

  test('is full before it is larger than it may be', () => {
    const { file } = setUp(4096);
    while (!file.isFull) file.add({ a: 1 });
    expect(file.size).toBeLessThanOrEqual(4096 - 512 + 10);
    expect(file.size).toBeGreaterThan(4096 - 512 - 10);
  });
});
