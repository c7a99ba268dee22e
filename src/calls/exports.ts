import { ExportError } from '../errors/backup.js';
import { CallAbortedError, ConnectionLostError, QueryTimeoutError } from '../errors/call.js';
import { messageOf } from '../errors/error-message.js';
import { PoolError } from '../errors/pool-error.js';
import { systemClock } from '../time/clock.js';
import { onAbort } from '../time/on-abort.js';
import { patientTimer } from '../time/patient-timer.js';
import { untilAborted } from '../time/until-aborted.js';
import type { Transport } from '../wire/transport.js';
import type { ExportPermit } from './export-permit.js';
import type { CallLimits } from './limits.js';

/** Ends an export with this error when its lease or pool ends. */
export type Stop = (error: Error) => void;

/**
 * An export under way. The server sends it piece by piece, for any length of time. While a reader waits for a piece,
 * the server may be silent for `queryTimeout` at most; the signal ends the whole export.
 */
class RunningExport {
  readonly #permit: ExportPermit;
  readonly #limits: CallLimits;
  readonly #stop = new AbortController();
  readonly #forgetSignal: (() => void) | undefined;
  readonly #onEnd: () => void;
  #pieces: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #received = 0;

  /** @param onEnd called at least once, when the last piece was read or no further one will come */
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

  /** @throws ExportError, CallAbortedError, QueryTimeoutError, and the error it was stopped with */
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

  /** Ends an export whose reader dropped it. */
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

  /** Refuses an empty export: that is how a server answers for a database that does not exist. */
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
    // Cancel the body too: the signal does not end a request whose response was dropped, since `fetch` forgets it then.
    this.#pieces?.cancel().catch(() => {});
  }
}

/** Watches the body that a reader holds, without holding it. */
const abandoned = new FinalizationRegistry<RunningExport>((running) => running.abandon());

function cutOff({ endpoint }: Transport, cause: unknown): ExportError {
  return new ExportError(`an export of ${endpoint} was cut off: ${messageOf(cause)}`, { outcome: 'unknown', cause });
}

/** The exports of one pool that belong to no lease. The shutdown ends them. */
export class Exports {
  readonly #running = new Set<Stop>();
  #onQuiet: (() => void) | undefined;

  /** @param onEnd called once, when it has ended */
  async begin(permit: ExportPermit, limits: CallLimits, onEnd?: () => void): Promise<Response> {
    const running = new RunningExport(permit, limits, () => {
      if (!this.#running.delete(stop)) return;
      onEnd?.();
      if (this.#running.size === 0) this.#onQuiet?.();
    });
    const stop: Stop = (error) => running.stop(error);
    this.#running.add(stop);
    return await running.begin();
  }

  /** Gives exports under way this long to finish, in milliseconds, then ends them. */
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

/** Runs an export that ends with its lease. */
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
