import type { Channel } from 'node:diagnostics_channel';
import { diag, type Span } from '@opentelemetry/api';
import {
  type AcquireTrace,
  acquireChannel,
  type ConnectTrace,
  connectChannel,
  type PoolTrace,
  type QueryTrace,
  queryChannel,
  type TransactionTrace,
  transactionChannel,
} from '../telemetry/channels.js';
import { endSpan, type PoolSpans } from './pool-spans.js';

/** What Node adds to a trace whose work failed. */
interface Failing {
  readonly error?: unknown;
}

/**
 * The pools whose channels are made into spans. All share one subscription, so that a call of one pool is not shown to each
 * of the others; it exists while there is a pool or an open span.
 */
class TracedPools {
  readonly #pools = new Map<number, PoolSpans>();
  readonly #open = new Map<object, Span>();
  readonly #subscriptions: readonly (readonly [Channel, (trace: unknown) => void])[];
  #subscribed = false;

  constructor() {
    const begins = <Trace extends PoolTrace>(
      make: (spans: PoolSpans, trace: Trace) => Span | undefined,
    ): ((trace: unknown) => void) =>
      unfailing((trace) => this.#begin(trace as Trace, (spans) => make(spans, trace as Trace)));
    const ends = unfailing((trace) => this.#end(trace as Failing));
    // Work that throws before its first wait has no asynchronous end.
    const endsIfFailed = unfailing((trace) => {
      if ((trace as Failing).error !== undefined) this.#end(trace as Failing);
    });
    const acquired = unfailing((trace) => {
      const told = trace as AcquireTrace & Failing;
      this.#pools.get(told.poolId)?.acquired(told, told.error);
    });
    this.#subscriptions = [
      [queryChannel.start, begins((spans, trace: QueryTrace) => spans.query(trace))],
      [connectChannel.start, begins((spans, trace: ConnectTrace) => spans.connect(trace))],
      [transactionChannel.start, begins((spans, trace: TransactionTrace) => spans.transaction(trace))],
      ...[queryChannel, connectChannel, transactionChannel].flatMap(
        ({ end, asyncEnd }) =>
          [
            [end, endsIfFailed],
            [asyncEnd, ends],
          ] as const,
      ),
      [acquireChannel.asyncEnd, acquired],
    ];
  }

  /** @returns ends it; the spans that are open then end with their work */
  add(pool: number, spans: PoolSpans): () => void {
    this.#pools.set(pool, spans);
    if (!this.#subscribed) for (const [channel, listener] of this.#subscriptions) channel.subscribe(listener);
    this.#subscribed = true;
    return () => {
      this.#pools.delete(pool);
      this.#unsubscribeWhenIdle();
    };
  }

  #begin<Trace extends PoolTrace>(trace: Trace, make: (spans: PoolSpans) => Span | undefined): void {
    const spans = this.#pools.get(trace.poolId);
    const span = spans && make(spans);
    if (span !== undefined) this.#open.set(trace, span);
  }

  #end(trace: Failing): void {
    const span = this.#open.get(trace);
    if (span === undefined) return;
    this.#open.delete(trace);
    this.#unsubscribeWhenIdle();
    endSpan(span, trace.error);
  }

  #unsubscribeWhenIdle(): void {
    if (!this.#subscribed || this.#pools.size > 0 || this.#open.size > 0) return;
    this.#subscribed = false;
    for (const [channel, listener] of this.#subscriptions) channel.unsubscribe(listener);
  }
}

/** What a subscriber throws would end the process, and an SDK runs code of others: samplers, processors. */
function unfailing(listener: (trace: unknown) => void): (trace: unknown) => void {
  return (trace) => {
    try {
      listener(trace);
    } catch (error) {
      diag.error('surreal-pool: a span could not be made or ended', error);
    }
  };
}

export const tracedPools: TracedPools = new TracedPools();
