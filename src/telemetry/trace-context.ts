import { AsyncLocalStorage } from 'node:async_hooks';

/** Of which span the server's own spans of a request become children: W3C Trace Context, level 1. */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>`. */
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** A trace whose requests can carry the context of a span. */
export interface Propagating {
  /**
   * Set by a subscriber of `:start`, which publishes the trace before anything is sent: it goes with the requests to the
   * server. Servers before 3.1 and embedded engines ignore it.
   */
  traceContext?: TraceContext;
}

const traceparent = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;
/** What a header may hold; the server drops others. */
const headerText = /^[\x20-\x7e]+$/;

let warned = false;

/** What a subscriber set, if it can be sent: a server would refuse the whole request for one that is malformed. */
export function contextOf({ traceContext }: Propagating): TraceContext | undefined {
  if (traceContext === undefined) return undefined;
  const { traceparent: parent, tracestate: state } = Object(traceContext) as Record<keyof TraceContext, unknown>;
  if (typeof parent !== 'string' || !traceparent.test(parent)) {
    warnOnce();
    return undefined;
  }
  const isState = typeof state === 'string' && headerText.test(state);
  return isState ? { traceparent: parent, tracestate: state } : { traceparent: parent };
}

/** A fault of the telemetry must not fail a call. */
function warnOnce(): void {
  if (warned) return;
  warned = true;
  process.emitWarning(
    'a subscriber of a tracing channel set a traceContext without a valid traceparent (00-<32 hex digits>-<16>-<2>): it is not sent',
    { type: 'SurrealPoolWarning', code: 'SURREAL_POOL_TRACE_CONTEXT' },
  );
}

/** The context of the work under way that consists of several requests: a step of a transaction. */
const present = new AsyncLocalStorage<TraceContext>();

/** Runs work whose requests carry this context. */
export function withTraceContext<T>(context: TraceContext | undefined, work: () => T): T {
  return context === undefined ? work() : present.run(context, work);
}

/** The context for a request that has none of its own. */
export function presentTraceContext(): TraceContext | undefined {
  return present.getStore();
}
