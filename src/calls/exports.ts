import { ExportError } from '../errors/backup.js';
import { CallAbortedError, ConnectionLostError, QueryTimeoutError } from '../errors/call.js';
import { messageOf } from '../errors/error-message.js';
import { PoolError } from '../errors/pool-error.js';
import { systemClock } from '../time/clock.js';
import { onAbort } from '../time/on-abort.js';
import { patientTimer } from '../time/patient-timer.js';
import { untilAborted } from '../time/until-aborted.js';
import type { ExportRequest } from '../wire/export-requests.js';
import type { Transport } from '../wire/transport.js';
import type { CallLimits } from './limits.js';

/** What an export needs, once it is known who asks for it: no connection of the pool is taken while it runs. */
export interface ExportPermit {
  readonly transport: Transport;
  readonly request: ExportRequest;
}

/** Ends an export with what it is told, when what it belongs to ends. */
export type Stop = (error: Error) => void;

/**
 * An export that is under way. The server sends it piece by piece for as long as it takes: it may not be silent for longer
 * than `queryTimeout` while a reader waits for a piece, and the signal ends all of it.
 */
class RunningExport {
  readonly #permit: ExportPermit;
  readonly #limits: CallLimits;
  readonly #stop = new AbortController();
  readonly #forgetSignal: (() => void) | undefined;
  readonly #onEnd: () => void;
  #pieces: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #received = 0;

  /** @param onEnd called once, when its last piece was read or no other will be */
  constructor(permit: ExportPermit, limits: CallLimits, onEnd: () => void) {
    this.#permit = permit;
    this.#limits = limits;
    this.#onEnd = onEnd;
    const { signal } = limits;
    this.#forgetSignal =
      signal &&
      onAbort(signal, () =>
        this.stop(
          new CallAbortedError('an export was aborted by its signal', { outcome: 'unknown', cause: signal.reason }),
        ),
      );
  }

  stop(error: Error): void {
    this.#stop.abort(error);
  }

  /** @throws ExportError, CallAbortedError, QueryTimeoutError, and what it was stopped with */
  async begin(): Promise<Response> {
    const { transport, request } = this.#permit;
    const response = await this.#within(transport.export(request, this.#stop.signal));
    this.#pieces = response.body?.getReader();
    const body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const piece = await this.#within(
            this.#pieces?.read() ?? Promise.resolve({ done: true as const, value: undefined }),
          );
          if (piece.done) {
            this.#finish();
            controller.close();
          } else {
            this.#received += piece.value.length;
            controller.enqueue(piece.value);
          }
        },
        cancel: (reason) => {
          this.#end();
          this.#stop.abort(reason);
        },
      },
      { highWaterMark: 0 },
    );
    abandoned.register(body, this);
    return new Response(body, { headers: { 'Content-Type': 'text/plain; charset=utf-8' } });
  }

  /** One that its reader dropped goes on for nobody. */
  abandon(): void {
    this.#end();
    this.#stop.abort(new Error('the export was dropped by its reader'));
  }

  async #within<T>(work: Promise<T>): Promise<T> {
    const { queryTimeout } = this.#limits;
    const silent = (): void =>
      this.stop(
        new QueryTimeoutError(
          `the server sent nothing of an export for longer than queryTimeout (${queryTimeout} ms)`,
          {
            outcome: 'unknown',
          },
        ),
      );
    const timer = queryTimeout === 0 ? undefined : patientTimer(systemClock, queryTimeout, true, silent);
    try {
      return await untilAborted(work, this.#stop.signal);
    } catch (cause) {
      this.#end();
      const failure = this.#stop.signal.aborted ? this.#stop.signal.reason : cause;
      throw failure instanceof PoolError ? failure : cutOff(this.#permit.transport, failure);
    } finally {
      timer?.cancel();
    }
  }

  /** A server answers for a database that is not there with nothing. */
  #finish(): void {
    this.#end();
    if (this.#received > 0) return;
    const { namespace, database } = this.#permit.request;
    throw new ExportError(`the export of "${namespace}/${database}" is empty: the server has no such database`, {
      outcome: 'refused',
    });
  }

  #end(): void {
    this.#forgetSignal?.();
    this.#onEnd();
    // The signal alone does not end a request whose response was dropped: `fetch` forgets it then.
    this.#pieces?.cancel().catch(() => {});
  }
}

/** Knows the body that a reader holds, and not what ends it. */
const abandoned = new FinalizationRegistry<RunningExport>((running) => running.abandon());

function cutOff({ endpoint }: Transport, cause: unknown): ExportError {
  return new ExportError(`an export of ${endpoint} was cut off: ${messageOf(cause)}`, { outcome: 'unknown', cause });
}

/** The exports of one pool that no lease ends: its shutdown does. */
export class Exports {
  readonly #running = new Set<Stop>();
  #onQuiet: (() => void) | undefined;

  async begin(permit: ExportPermit, limits: CallLimits): Promise<Response> {
    const running = new RunningExport(permit, limits, () => {
      this.#running.delete(stop);
      if (this.#running.size === 0) this.#onQuiet?.();
    });
    const stop: Stop = (error) => running.stop(error);
    this.#running.add(stop);
    return await running.begin();
  }

  /** Gives those that are under way this long, in milliseconds. */
  async end(gracePeriod: number): Promise<void> {
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = patientTimer(systemClock, gracePeriod, true, resolve);
        this.#onQuiet = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    const error = new ConnectionLostError('the pool was shut down while an export was under way', {
      outcome: 'unknown',
    });
    for (const stop of [...this.#running]) stop(error);
  }
}

/** An export that ends with its lease. */
export async function exportWithLease(
  permit: ExportPermit,
  limits: CallLimits,
  dependents: Set<Stop>,
): Promise<Response> {
  const running = new RunningExport(permit, limits, () => dependents.delete(stop));
  const stop: Stop = (error) => running.stop(error);
  dependents.add(stop);
  return await running.begin();
}
