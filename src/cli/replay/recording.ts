import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { refused } from '../../config/form.js';
import { show } from '../../config/refusal.js';
import {
  type EndLine,
  recordingVersion,
  type ShapeLine,
  type UnitKind,
  type UnitLine,
} from '../../record/recording-format.js';

/** A recording that was read. */
export interface Recording {
  /** The time of day at which it began. */
  readonly startedAt: string;
  /** All units of work, in the order in which they asked for a connection. */
  readonly units: readonly UnitLine[];
  /** The most connections that each pool could have, by its number. */
  readonly pools: ReadonlyMap<number, number>;
  readonly shapes: ReadonlyMap<number, ShapeLine>;
  /** Its last line; undefined when the process ended by force. */
  readonly end: EndLine | undefined;
  /** Whether its last line is not whole, as after a crash; that line is left out. */
  readonly isTorn: boolean;
}

const kinds: readonly UnitKind[] = ['call', 'lease', 'transaction'];

/**
 * Reads a recording.
 *
 * @throws ConfigurationError that names the line, when the file is no recording, or not a whole one
 */
export async function readRecording(path: string): Promise<Recording> {
  const reader = new RecordingReader(path);
  const input = createReadStream(path, 'utf8');
  let endsWithNewline = false;
  input.on('data', (chunk) => {
    endsWithNewline = chunk.at(-1) === '\n';
  });
  try {
    let last: string | undefined;
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (last !== undefined) reader.read(last);
      last = line;
    }
    if (last !== undefined) reader.readLast(last, endsWithNewline);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof Refused) throw error instanceof Refused ? error.error : error;
    throw refused('The recording', [
      {
        path: '--replay',
        given: `${show(path)}, which cannot be read (${code})`,
        allowed: 'a file made by a recording',
      },
    ]);
  } finally {
    input.destroy();
  }
  return reader.recording();
}

/** Carries the error for the user past the errors of the file system. */
class Refused extends Error {
  constructor(readonly error: Error) {
    super('refused');
  }
}

class RecordingReader {
  readonly #path: string;
  readonly #units: UnitLine[] = [];
  readonly #pools = new Map<number, number>();
  readonly #shapes = new Map<number, ShapeLine>();
  #line = 0;
  #startedAt: string | undefined;
  #end: EndLine | undefined;
  #isTorn = false;

  constructor(path: string) {
    this.#path = path;
  }

  read(text: string): void {
    this.#line++;
    let line: unknown;
    try {
      line = JSON.parse(text);
    } catch {
      throw this.#refused('a line that is no JSON', this.#startedAt === undefined ? aRecording : 'an object in JSON');
    }
    this.#take(line);
  }

  /** A process that ends by force may leave a part of a line. */
  readLast(text: string, isWhole: boolean): void {
    if (isWhole || this.#startedAt === undefined) {
      this.read(text);
      return;
    }
    try {
      JSON.parse(text);
    } catch {
      this.#isTorn = true;
      return;
    }
    this.read(text);
  }

  recording(): Recording {
    if (this.#startedAt === undefined) {
      this.#line = 1;
      throw this.#refused('an empty file', aRecording).error;
    }
    this.#units.sort((one, other) => one.at - other.at);
    return {
      startedAt: this.#startedAt,
      units: this.#units,
      pools: this.#pools,
      shapes: this.#shapes,
      end: this.#end,
      isTorn: this.#isTorn,
    };
  }

  #take(given: unknown): void {
    if (typeof given !== 'object' || given === null) throw this.#refused('no object', aLine);
    const line = given as Readonly<Record<string, unknown>>;
    if (this.#startedAt === undefined) this.#takeHeader(line);
    else if (this.#end !== undefined) throw this.#refused('a line after the last one', 'nothing');
    else if (typeof line.kind === 'string') this.#takeUnit(line);
    else if (isCount(line.shape)) this.#takeShape(line);
    else if (isCount(line.pool) && isCount(line.maxConnections)) this.#pools.set(line.pool, line.maxConnections);
    else if (isTime(line.at) && typeof line.end === 'string') this.#end = line as unknown as EndLine;
    else if (!isCount(line.dropped)) throw this.#refused('an object of another kind', aLine);
  }

  #takeHeader({ surrealPoolRecording: version, startedAt }: Readonly<Record<string, unknown>>): void {
    if (!isCount(version) || typeof startedAt !== 'string' || Number.isNaN(Date.parse(startedAt))) {
      throw this.#refused('something else', aRecording);
    }
    if (version !== recordingVersion) {
      const allowed = `version ${recordingVersion}: read it with the version of surreal-pool that made it`;
      throw this.#refused(`a recording of version ${version}`, allowed);
    }
    this.#startedAt = startedAt;
  }

  #takeShape(line: Readonly<Record<string, unknown>>): void {
    const { shape, operation, text } = line;
    if (typeof operation !== 'string' || typeof text !== 'string') {
      throw this.#refused('a shape without its operation or text', aLine);
    }
    this.#shapes.set(shape as number, { shape: shape as number, operation, text });
  }

  #takeUnit(line: Readonly<Record<string, unknown>>): void {
    const { at, of, kind, identity, agent, waited, held, busy, calls = [], more = 0 } = line;
    const wrong = [
      ...(isTime(at) ? [] : ['at']),
      ...(isCount(of) ? [] : ['of']),
      ...(kinds.includes(kind as UnitKind) ? [] : ['kind']),
      ...(isCount(identity) ? [] : ['identity']),
      ...(agent === undefined || isCount(agent) ? [] : ['agent']),
      ...(isTime(waited) ? [] : ['waited']),
      ...(held === undefined || isTime(held) ? [] : ['held']),
      ...(busy === undefined || isTime(busy) ? [] : ['busy']),
      ...(Array.isArray(calls) && calls.every((call) => this.#isCall(call)) ? [] : ['calls']),
      ...(isCount(more) ? [] : ['more']),
    ];
    if (wrong.length > 0)
      throw this.#refused(`a unit of work with a wrong ${wrong.join(', ')}`, 'numbers of a recording');
    // The line of its pool may have been dropped.
    if (!this.#pools.has(of as number)) this.#pools.set(of as number, 0);
    this.#units.push(line as unknown as UnitLine);
  }

  #isCall(call: unknown): boolean {
    if (!Array.isArray(call)) return false;
    const [at, took, shape, error] = call as unknown[];
    const isKnown = shape === 0 || (isCount(shape) && this.#shapes.has(shape));
    return isTime(at) && isTime(took) && isKnown && (error === undefined || typeof error === 'string');
  }

  #refused(given: string, allowed: string): Refused {
    const path = `line ${this.#line}`;
    return new Refused(refused(`The recording ${show(this.#path)}`, [{ path, given, allowed }]));
  }
}

const aRecording = 'the first line of a file made by recordLoad() or load --record';
const aLine = 'a line of a recording';

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The clock of a recording may step back by less than it shows. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
