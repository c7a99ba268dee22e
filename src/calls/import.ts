import { ImportError, type ImportFailure } from '../errors/backup.js';
import { UsageError } from '../errors/configuration.js';
import { messageOf } from '../errors/error-message.js';
import { outcomeOf } from '../errors/outcome.js';
import { type ImportPiece, ImportPieces } from '../surrealql/import-pieces.js';
import { Call } from './call.js';
import type { LeaseChannel } from './lease-channel.js';
import type { Admission } from './ledger.js';

/** A text to import: whole, or as a stream. */
export type ImportInput = string | Blob | ReadableStream<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

/**
 * Imports a text by queries on the session of a lease, so that its user does the import, each statement has its own
 * answer, and each message is within `queryTimeout`. The import endpoint of servers does not report failed statements.
 *
 * @param admission asked about each message before it is sent
 * @throws ImportError, UsageError
 */
export async function importInto(channel: LeaseChannel, input: ImportInput, admission?: Admission): Promise<void> {
  const pieces = new ImportPieces();
  let applied = 0;
  const send = async (complete: Iterable<ImportPiece>): Promise<void> => {
    for (const piece of complete) applied += await sendPiece(channel, piece, applied, admission);
  };
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const part of partsOf(input)) {
    await send(pieces.add(typeof part === 'string' ? part : decode(() => decoder.decode(part, { stream: true }))));
  }
  await send(pieces.add(decode(() => decoder.decode())));
  const rest = pieces.end();
  if (rest !== undefined) await send([rest]);
}

/** @returns how many statements were executed, which is all of them */
async function sendPiece(
  channel: LeaseChannel,
  { text, statements, added }: ImportPiece,
  before: number,
  admission: Admission | undefined,
): Promise<number> {
  const numbered = statements.map((beginning, index) => ({ statement: before + index + 1, text: beginning }));
  const [first] = numbered;
  let answer: Awaited<ReturnType<LeaseChannel['send']>>;
  try {
    const call = new Call({ text, bindings: {} });
    const guarding = admission?.guard(call);
    if (guarding !== undefined) await guarding;
    answer = await channel.send(call);
  } catch (error) {
    if (!(error instanceof Error) || first === undefined) throw error;
    throw failed([{ ...first, error }], before, outcomeOf(error));
  }
  const errors = answer.slice(added).map(({ error }) => error);
  const failures = numbered.flatMap((one, index): ImportFailure[] => {
    const error = errors[index];
    return error === undefined ? [] : [{ ...one, error }];
  });
  // OPTION may or may not have an answer, so an error that matches no statement by number counts too.
  const [other] = errors.slice(numbered.length).filter((error) => error !== undefined);
  if (other !== undefined && first !== undefined) failures.push({ ...first, error: other });
  if (failures.length > 0) throw failed(failures, before + statements.length - failures.length, 'refused');
  return statements.length;
}

function failed(
  failures: readonly ImportFailure[],
  applied: number,
  outcome: ReturnType<typeof outcomeOf>,
): ImportError {
  const [first] = failures;
  const others = failures.length > 1 ? ` (and ${failures.length - 1} more of its message)` : '';
  const message = `statement ${first?.statement} of the import (${first?.text} …) failed: ${messageOf(first?.error)}${others}; ${applied} statements were executed, and are not undone`;
  return new ImportError(message, { outcome, applied, failures });
}

async function* partsOf(input: ImportInput): AsyncGenerator<Uint8Array | string> {
  if (typeof input === 'string') yield input;
  else if (input instanceof Blob) yield* piecesOf(input.stream());
  else if (input instanceof ReadableStream) yield* piecesOf(input);
  else if (Symbol.asyncIterator in Object(input)) yield* input;
  else throw new UsageError('import() takes a text, a Blob, a ReadableStream or what is iterated with for await');
}

async function* piecesOf<Part>(stream: ReadableStream<Part>): AsyncGenerator<Part> {
  yield* stream as ReadableStream<Part> & AsyncIterable<Part>;
}

function decode(read: () => string): string {
  try {
    return read();
  } catch (cause) {
    throw new UsageError('import() takes text in UTF-8', { cause });
  }
}
