import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TimeInput,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import { ServerError } from 'surrealdb';
import { AcquireError } from '../errors/acquire.js';
import { causes } from '../errors/causes.js';
import { poolNameAttribute } from '../metrics/families.js';
import type { AcquireTrace, ConnectTrace, PoolTrace, QueryTrace, TransactionTrace } from '../telemetry/channels.js';
import { errorName } from '../telemetry/error-names.js';
import type { Propagating } from '../telemetry/trace-context.js';
import { queryFacts } from './query-facts.js';
import { scope } from './scope.js';

/** What spans of a pool say. */
export interface SpanOptions {
  /** The name of the pool, unlike that of any other. */
  readonly name: string;
  readonly queryText: 'normalised' | 'none';
  readonly propagate: boolean;
}

/** What a step of a transaction is: a request to the server, named as SurrealQL does, or work of the pool. */
const steps: Readonly<Record<TransactionTrace['step'], { readonly name: string; readonly operation?: string }>> = {
  begin: { name: 'BEGIN', operation: 'BEGIN' },
  commit: { name: 'COMMIT', operation: 'COMMIT' },
  rollback: { name: 'CANCEL', operation: 'CANCEL' },
  fence: { name: 'surreal-pool.fence' },
  retry: { name: 'surreal-pool.retry' },
  savepoint: { name: 'surreal-pool.savepoint' },
  rollbackToSavepoint: { name: 'surreal-pool.rollback_to_savepoint' },
  releaseSavepoint: { name: 'surreal-pool.release_savepoint' },
};

/** How an acquire ended that failed, by the code of its error; the words of the metric `surreal_pool.acquires`. */
const outcomes: Readonly<Record<string, string>> = {
  ERR_POOL_ACQUIRE_TIMEOUT: 'timed-out',
  ERR_POOL_ACQUIRE_ABORTED: 'aborted',
  ERR_POOL_QUEUE_FULL: 'queue-full',
  ERR_POOL_QUEUE_OVERLOAD: 'overload',
  ERR_POOL_CIRCUIT_OPEN: 'circuit-open',
  ERR_POOL_SHUTDOWN: 'shutdown',
};

/** The provider of the API that passes on to the one which the application registers, maybe later. */
interface Delegating {
  getDelegateTracer(name: string, version?: string): Tracer | undefined;
}

/**
 * Makes the spans of one pool, each below the span that is active where its caller asked. None holds a value, a message
 * of an error, which may quote one, or an address with a query string.
 */
export class PoolSpans {
  readonly #provider: TracerProvider;
  readonly #options: SpanOptions;
  #found: Tracer | undefined;

  constructor(provider: TracerProvider, options: SpanOptions) {
    this.#provider = provider;
    this.#options = options;
  }

  /** @returns undefined when it is not recorded */
  query(trace: QueryTrace): Span | undefined {
    const tracer = this.#tracer;
    if (tracer === undefined) return undefined;
    const { operation, summary, text } = queryFacts(trace.text);
    const attributes = this.#attributes(trace, trace.connection);
    attributes['db.namespace'] = `${trace.namespace}|${trace.database}`;
    if (operation !== undefined) attributes['db.operation.name'] = operation;
    if (summary !== undefined) attributes['db.query.summary'] = summary;
    if (this.#options.queryText === 'normalised') attributes['db.query.text'] = text;
    if (trace.transaction !== undefined) attributes['surreal_pool.transaction'] = trace.transaction;
    const span = recorded(tracer, summary ?? operation ?? 'surrealdb', SpanKind.CLIENT, attributes);
    if (span !== undefined) this.#propagate(trace, span);
    return span;
  }

  transaction(trace: TransactionTrace): Span | undefined {
    const tracer = this.#tracer;
    if (tracer === undefined) return undefined;
    const { name, operation } = steps[trace.step];
    const attributes = this.#attributes(trace, trace.connection);
    attributes['surreal_pool.transaction'] = trace.transaction;
    attributes['surreal_pool.attempt'] = trace.attempt;
    if (operation !== undefined) attributes['db.operation.name'] = operation;
    const kind = operation === undefined ? SpanKind.INTERNAL : SpanKind.CLIENT;
    const span = recorded(tracer, name, kind, attributes);
    if (span !== undefined) this.#propagate(trace, span);
    return span;
  }

  connect(trace: ConnectTrace): Span | undefined {
    const tracer = this.#tracer;
    if (tracer === undefined) return undefined;
    return recorded(tracer, 'surreal-pool.connect', SpanKind.CLIENT, this.#attributes(trace, trace.connection));
  }

  /** A span for an acquire that has ended, if its caller waited: all others would say that nothing happened. */
  acquired(trace: AcquireTrace, error: unknown): void {
    const waited = error instanceof AcquireError ? error.waited : trace.waited;
    if (!waited) return;
    const tracer = this.#tracer;
    if (tracer === undefined) return;
    const now = Date.now();
    const attributes = this.#attributes(trace, trace.connection);
    attributes['surreal_pool.outcome'] =
      error === undefined ? 'served' : (outcomes[(error as { readonly code?: string }).code ?? ''] ?? 'failed');
    const span = recorded(tracer, 'surreal-pool.acquire', SpanKind.INTERNAL, attributes, now - waited);
    if (span !== undefined) endSpan(span, error, now);
  }

  /** Undefined as long as the application has registered no provider. */
  get #tracer(): Tracer | undefined {
    if (this.#found !== undefined) return this.#found;
    const delegating = this.#provider as Partial<Delegating>;
    this.#found =
      typeof delegating.getDelegateTracer === 'function'
        ? delegating.getDelegateTracer(scope.name, scope.version)
        : this.#provider.getTracer(scope.name, scope.version);
    return this.#found;
  }

  #attributes({ serverAddress, serverPort }: PoolTrace, connection: number | undefined): Attributes {
    const attributes: Attributes = { 'db.system.name': 'surrealdb', [poolNameAttribute]: this.#options.name };
    if (serverAddress !== undefined) attributes['server.address'] = serverAddress;
    if (serverPort !== undefined) attributes['server.port'] = serverPort;
    if (connection !== undefined) attributes['surreal_pool.connection'] = connection;
    return attributes;
  }

  /** In the form of W3C, whatever the application propagates by: the server reads no other. */
  #propagate(trace: Propagating, span: Span): void {
    if (!this.#options.propagate) return;
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    const flags = traceFlags.toString(16).padStart(2, '0');
    const traceparent = `00-${traceId}-${spanId}-${flags}`;
    const tracestate = traceState?.serialize();
    trace.traceContext = tracestate ? { traceparent, tracestate } : { traceparent };
  }
}

/** Ends a span. It does not get the message of the error, which may quote values. */
export function endSpan(span: Span, error: unknown, at?: TimeInput): void {
  if (error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute('error.type', errorName(error));
    const status = statusOf(error);
    if (status !== undefined) span.setAttribute('db.response.status_code', status);
  }
  span.end(at);
}

/** What the server calls the error: its kind, such as `NotAllowed`, or the code of an old one. */
function statusOf(error: unknown): string | undefined {
  for (const cause of causes(error)) {
    if (cause instanceof ServerError) return cause.kind || String(cause.code);
  }
  return undefined;
}

function recorded(
  tracer: Tracer,
  name: string,
  kind: SpanKind,
  attributes: Attributes,
  startTime?: TimeInput,
  parent: Context = context.active(),
): Span | undefined {
  const options = startTime === undefined ? { kind, attributes } : { kind, attributes, startTime };
  const span = tracer.startSpan(name, options, parent);
  return span.isRecording() ? span : undefined;
}
