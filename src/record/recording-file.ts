import { close, closeSync, openSync, write, writeSync } from 'node:fs';
import { refused } from '../config/form.js';
import { show } from '../config/refusal.js';
import { systemClock, type Timer } from '../time/clock.js';

/** What a recording needs of a disk; replaced in tests. */
export interface Disk {
  /** Opens a new file. Throws when it is there already, or cannot be made. */
  open(path: string): number;
  write(file: number, bytes: Uint8Array, position: number, done: (error: Error | null, written: number) => void): void;
  writeNow(file: number, bytes: Uint8Array, position: number): number;
  close(file: number, done: (error?: Error | null) => void): void;
  closeNow(file: number): void;
}

const realDisk: Disk = {
  // Its owner alone reads it: it shows the names of tables.
  open: (path) => openSync(path, 'wx', 0o600),
  write: (file, bytes, position, done) => write(file, bytes, 0, bytes.byteLength, position, done),
  writeNow: (file, bytes, position) => writeSync(file, bytes, 0, bytes.byteLength, position),
  close,
  closeNow: closeSync,
};

/** Lines are written together after this long, in milliseconds, or when they are so many bytes. */
const writtenAfter = 250;
const writtenFrom = 64 * 1024;
/** The most bytes that wait for the disk; what comes beyond is dropped, so that memory stays bounded. */
const mostWaiting = 4 * 1024 * 1024;
/** Room for the last line, which is written even when the file is full. */
const roomForLast = 512;

/**
 * The file of a recording. Lines are kept in memory for a moment and written by the threads of Node, one write after the
 * other; nobody waits for the disk. What it cannot take in time is dropped and counted.
 */
export class RecordingFile {
  readonly #disk: Disk;
  readonly #file: number;
  readonly #maxBytes: number;
  #lines: string[] = [];
  #bytes = 0;
  /** What is being written, and where. */
  #writing: Uint8Array | undefined;
  #position = 0;
  #dropped = 0;
  #timer: Timer | undefined;
  #failure: Error | undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #onClosed: (() => void) | undefined;
  readonly #onFailure: (error: Error) => void;

  /**
   * @param onFailure called once when the disk refuses a write; nothing is written after that
   * @throws ConfigurationError when the file is there already, or cannot be made
   */
  constructor(path: string, maxBytes: number, onFailure: (error: Error) => void, disk: Disk = realDisk) {
    this.#disk = disk;
    this.#maxBytes = maxBytes;
    this.#onFailure = onFailure;
    this.#file = opened(disk, path);
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** How many bytes it has or will have. */
  get size(): number {
    return this.#position + (this.#writing?.byteLength ?? 0) + this.#bytes;
  }

  /** Adds a line. Returns false when it was dropped, because the disk is slower than the lines. */
  add(line: object): boolean {
    if (this.#state !== 'open' || this.#failure !== undefined) return false;
    if (this.#bytes + (this.#writing?.byteLength ?? 0) > mostWaiting) {
      this.#dropped++;
      return false;
    }
    if (this.#dropped > 0) {
      this.#push(JSON.stringify({ dropped: this.#dropped }));
      this.#dropped = 0;
    }
    this.#push(JSON.stringify(line));
    if (this.#bytes >= writtenFrom) this.#write();
    else this.#timer ??= systemClock.timer(writtenAfter, false, () => this.#write());
    return true;
  }

  /** Whether the next line would make it larger than it may be. */
  get isFull(): boolean {
    return this.size + roomForLast > this.#maxBytes;
  }

  /** Writes what waits, and this as the last line; resolves when the file is closed. */
  async end(last: object): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    if (this.#failure === undefined) this.#push(JSON.stringify(last));
    await new Promise<void>((closed) => {
      this.#onClosed = closed;
      if (this.#writing === undefined) this.#write();
    });
  }

  /** The same at once, while the process exits. */
  endNow(last: object): void {
    if (this.#state === 'closed' || this.#failure !== undefined) return;
    if (this.#state === 'open') this.#push(JSON.stringify(last));
    this.#state = 'closed';
    this.#timer?.cancel();
    try {
      // What a thread is writing may be there in part: it is written again, in the same place.
      for (const bytes of [this.#writing, Buffer.from(this.#lines.join(''))]) {
        for (let rest = bytes; rest !== undefined && rest.byteLength > 0; ) {
          const written = this.#disk.writeNow(this.#file, rest, this.#position);
          this.#position += written;
          rest = rest.subarray(written);
        }
      }
      this.#disk.closeNow(this.#file);
    } catch {
      // The process exits: there is nobody left to tell.
    }
  }

  #push(line: string): void {
    this.#lines.push(`${line}\n`);
    // Nearly all characters are one byte; the limits need no more exactness.
    this.#bytes += line.length + 1;
  }

  #write(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#writing !== undefined) return;
    if (this.#failure !== undefined || this.#lines.length === 0) {
      if (this.#state === 'closing') this.#close();
      return;
    }
    this.#writing = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#bytes = 0;
    this.#continue();
  }

  #continue(): void {
    const bytes = this.#writing;
    if (bytes === undefined) return;
    this.#disk.write(this.#file, bytes, this.#position, (error, written) => {
      if (this.#state === 'closed') return;
      if (error !== null) {
        this.#fail(error);
      } else {
        this.#position += written;
        this.#writing = written < bytes.byteLength ? bytes.subarray(written) : undefined;
        if (this.#writing !== undefined) {
          this.#continue();
          return;
        }
      }
      if (this.#state === 'closing' || this.#bytes >= writtenFrom) this.#write();
      else if (this.#lines.length > 0) this.#timer ??= systemClock.timer(writtenAfter, false, () => this.#write());
    });
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#writing = undefined;
    this.#lines = [];
    this.#bytes = 0;
    this.#onFailure(error);
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#close();
    }
  }

  #close(): void {
    this.#state = 'closed';
    // A file that cannot be closed is lost to nobody but this process.
    this.#disk.close(this.#file, () => this.#onClosed?.());
  }
}

function opened(disk: Disk, path: string): number {
  try {
    return disk.open(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const given = code === 'EEXIST' ? `${show(path)}, which is there already` : `${show(path)} (${code ?? 'no file'})`;
    const allowed = 'a file that is not there yet, in a folder where this process may write';
    throw refused('The recording', [{ path: 'path', given, allowed }], cause);
  }
}
