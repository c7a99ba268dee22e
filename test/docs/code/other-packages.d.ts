// As much of the packages in the recipes as they use, so that their code can be checked without installing them.

declare module 'express' {
  import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

  export interface Request extends IncomingMessage {
    readonly params: Readonly<Record<string, string>>;
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
    listen(port: number): Server;
  }
  export default function express(): Express;
}

declare module 'fastify' {
  export interface FastifyRequest {
    readonly headers: Readonly<Record<string, string | undefined>>;
    readonly raw: import('node:http').IncomingMessage;
  }
  export interface FastifyReply {
    readonly raw: import('node:http').ServerResponse;
    code(status: number): this;
    header(name: string, value: string): this;
    send(body?: unknown): this;
  }
  export interface FastifyInstance {
    decorateRequest(name: string, value?: unknown): this;
    addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): this;
    addHook(name: 'onClose', hook: () => Promise<unknown>): this;
    get(path: string, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): this;
    setErrorHandler(handler: (error: unknown, request: FastifyRequest, reply: FastifyReply) => unknown): this;
    listen(options: { port: number }): Promise<string>;
  }
  export default function fastify(): FastifyInstance;
}

declare module '@nestjs/common' {
  export interface OnApplicationShutdown {
    onApplicationShutdown(signal?: string): unknown;
  }
  export function Module(metadata: { providers?: unknown[]; exports?: unknown[] }): ClassDecorator;
  export function Global(): ClassDecorator;
}
