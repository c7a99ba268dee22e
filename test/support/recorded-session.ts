import type { QueryChunk, Uuid } from 'surrealdb';
import { afterEach } from 'vitest';
import { type CallRecording, newRecording } from '../../src/calls/call.js';
import { LoggedCall } from '../../src/savepoints/logged-call.js';
import type { RerunTarget } from '../../src/savepoints/rerun.js';
import { type Mending, mendedText, noMending } from '../../src/surrealql/mended-text.js';
import { SurrealText } from '../../src/surrealql/surreal-text.js';
import type { EncodedBindings } from '../../src/wire/recording-codec.js';
import { Transport } from '../../src/wire/transport.js';
import type { Surroundings } from './surroundings.js';

export type SessionKind = 'embedded' | 'socket';

/** A session on a server, driven below the pool, whose calls can be recorded. */
export class RecordedSession {
  private constructor(
    readonly transport: Transport,
    readonly id: Uuid,
  ) {}

  static async open(kind: SessionKind, own: Surroundings, url = 'mem://'): Promise<RecordedSession> {
    const address = kind === 'embedded' ? url : (await own.listen()).url;
    const settings = { openTimeout: 5000, livenessTimeout: 0, probeTimeout: 5000 };
    const transport = await Transport.open({ url: address }, settings, AbortSignal.timeout(10_000));
    const id = await transport.attach();
    await transport.use({ namespace: 'test', database: 'test' }, id);
    return new RecordedSession(transport, id);
  }

  /** Sends a text, recorded when there is a recording, and gives all chunks of its answer. */
  async send(
    query: string,
    bindings: Record<string, unknown> | EncodedBindings = {},
    transaction?: Uuid,
    recording: CallRecording = newRecording(),
  ): Promise<QueryChunk<unknown>[]> {
    return await this.transport.query({ query, bindings }, this.id, transaction, recording);
  }

  /** Makes a call and keeps it as the log of a transaction does. A text that the server refuses is kept with its error. */
  async call(
    text: string,
    bindings: Record<string, unknown> = {},
    transaction?: Uuid,
    mending = noMending,
  ): Promise<LoggedCall> {
    const recording = newRecording();
    const mended = mendedText(new SurrealText(text), mending);
    recording.added = mended.added;
    const from = performance.now();
    const sent = async (query: string): Promise<Error | undefined> =>
      this.send(query, bindings, transaction, recording).then(
        () => undefined,
        (error: Error) => error,
      );
    let failure = await sent(mended.text);
    if (failure !== undefined && mended.added.size > 0) {
      // As the pool does: the error is to show the caller's own text.
      recording.added = new Set();
      failure = await sent(text);
    }
    const made = { from, until: performance.now() };
    return new LoggedCall({ text, recording, made, failure });
  }

  begin(): Promise<Uuid> {
    return this.transport.begin(this.id);
  }

  cancel(transaction: Uuid): Promise<void> {
    return this.transport.cancel(transaction, this.id);
  }

  /** Where calls are made again. */
  target(transaction: Uuid, mending: Mending): RerunTarget {
    return {
      mending,
      send: (text, bindings, _calls, recording) => this.send(text, bindings, transaction, recording),
    };
  }
}

/** Call once at the top of a test file: sessions that end after each test, or all of them behind the last. */
export function recordedSessions(own: Surroundings): (kind: SessionKind, url?: string) => Promise<RecordedSession> {
  const open: RecordedSession[] = [];
  afterEach(() => {
    for (const { transport } of open.splice(0)) transport.terminate();
  });
  return async (kind, url) => {
    const session = await RecordedSession.open(kind, own, url);
    open.push(session);
    return session;
  };
}
