// As much of the packages in the recipes as they use, so that their code can be checked without installing them.

declare module 'express' {
  import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

  export interface Request extends IncomingMessage {
    readonly params: Readonly<Record<string, string>>;
    readonly body: unknown;
    header(name: string): string | undefined;
  }
  export interface Response extends ServerResponse {
    readonly locals: Record<string, unknown>;
    status(code: number): this;
    json(body: unknown): this;
    sendStatus(code: number): this;
  }
  export type NextFunction = (error?: unknown) => void;
  type Handler = (request: Request, response: Response, next: NextFunction) => unknown;
  type ErrorHandler = (error: unknown, request: Request, response: Response, next: NextFunction) => unknown;
  export interface Express extends RequestListener {
    use(...handlers: (Handler | ErrorHandler)[]): this;
    get(path: string, handler: Handler): this;
    all(path: string, handler: Handler): this;
    listen(port: number): Server;
  }
  export default function express(): Express;
}

declare module '@nestjs/common' {
  export interface OnApplicationShutdown {
    onApplicationShutdown(signal?: string): unknown;
  }
  export function Module(metadata: { providers?: unknown[]; exports?: unknown[] }): ClassDecorator;
  export function Global(): ClassDecorator;
}

declare module '@modelcontextprotocol/sdk/server/mcp.js' {
  import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
  import type { ObjectOf, Shape } from 'zod';

  interface Call {
    readonly signal: AbortSignal;
    readonly requestId: string | number;
  }
  interface Elicitation {
    readonly message: string;
    readonly requestedSchema: { readonly type: 'object'; readonly properties: Record<string, never> };
  }
  interface RequestOptions {
    readonly relatedRequestId?: string | number | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly timeout?: number;
  }
  interface Tool<Input> {
    readonly description: string;
    readonly inputSchema: Input;
    readonly annotations?: { readonly readOnlyHint?: boolean; readonly destructiveHint?: boolean };
  }
  type Answer = { content: { type: 'text'; text: string }[] };

  export class McpServer {
    constructor(self: { name: string; version: string });
    readonly server: {
      onclose?: () => void;
      elicitInput(asked: Elicitation, options: RequestOptions): Promise<{ action: 'accept' | 'decline' | 'cancel' }>;
    };
    registerTool<Input extends Shape>(
      name: string,
      tool: Tool<Input>,
      work: (input: ObjectOf<Input>, call: Call) => Promise<Answer>,
    ): unknown;
    connect(transport: StreamableHTTPServerTransport): Promise<void>;
  }
}

declare module '@modelcontextprotocol/sdk/server/streamableHttp.js' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export class StreamableHTTPServerTransport {
    constructor(options: { sessionIdGenerator: () => string });
    onclose: (() => void) | undefined;
    handleRequest(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void>;
    close(): Promise<void>;
  }
}

declare module '@modelcontextprotocol/sdk/server/express.js' {
  import type { Express } from 'express';

  export function createMcpExpressApp(): Express;
}

declare module '@modelcontextprotocol/sdk/types.js' {
  export function isInitializeRequest(body: unknown): boolean;
}

declare module 'zod' {
  interface Text {
    describe(text: string): this;
    readonly output: string;
  }
  export type Shape = Record<string, Text>;
  export type ObjectOf<Given extends Shape> = { readonly [Name in keyof Given]: Given[Name]['output'] };
  export const z: { string(): Text };
}
