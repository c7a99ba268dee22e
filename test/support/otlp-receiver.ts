import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** A span as a server exported it; ids in hexadecimal. */
export interface ExportedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
}

/** Receives spans by OTLP over gRPC, which is all that SurrealDB exports by. */
export class OtlpReceiver {
  readonly spans: ExportedSpan[] = [];
  readonly #server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    const server = receiver.#server;
    server.on('session', (session) => {
      receiver.#sessions.add(session);
      session.on('close', () => receiver.#sessions.delete(session));
      session.on('error', () => {});
    });
    server.on('stream', (stream, headers) => receiver.#receive(stream, headers));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The environment by which a SurrealDB server sends its spans here, soon after they end. */
  get environment(): Record<string, string> {
    return {
      SURREAL_TELEMETRY_PROVIDER: 'otlp',
      SURREAL_TELEMETRY_DISABLE_METRICS: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: this.url,
      OTEL_BSP_SCHEDULE_DELAY: '50',
    };
  }

  /** Resolves with the spans of a trace once there is one that is wanted. */
  async spansOf(traceId: string, wanted: (span: ExportedSpan) => boolean): Promise<ExportedSpan[]> {
    for (;;) {
      const found = this.spans.filter((span) => span.traceId === traceId);
      if (found.some(wanted)) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  async #receive(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', () => {});
    await once(stream, 'end');
    if (headers[':path'] === '/opentelemetry.proto.collector.trace.v1.TraceService/Export') {
      // A message of gRPC: one byte that says whether it is compressed, four for its length.
      this.spans.push(...spansIn(Buffer.concat(chunks).subarray(5)));
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  }
}

/** The spans of an `ExportTraceServiceRequest`: opentelemetry-proto 1.x, trace.proto. */
function spansIn(message: Buffer): ExportedSpan[] {
  const spans = fieldsOf(message, 1).flatMap((resource) =>
    fieldsOf(resource, 2).flatMap((scope) => fieldsOf(scope, 2)),
  );
  return spans.map((span) => {
    const text = (number: number, encoding: 'hex' | 'utf8'): string =>
      fieldsOf(span, number)[0]?.toString(encoding) ?? '';
    return {
      name: text(5, 'utf8'),
      traceId: text(1, 'hex'),
      spanId: text(2, 'hex'),
      parentSpanId: text(4, 'hex'),
      traceState: text(3, 'utf8'),
    };
  });
}

/** The values of one field of a message of protobuf, of those that have a length. */
function fieldsOf(message: Buffer, number: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const kind = key & 7;
    if (kind === 0) varint();
    else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else {
      const length = varint();
      if (key >> 3 === number) found.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}
