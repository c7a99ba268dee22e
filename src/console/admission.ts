import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from '../http/http-message.js';
import { RefusedRequest } from '../http/refused-request.js';

/** Names of this machine in a header `Host`. Another name that leads here may be that of a page that wants to get in. */
const ownHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;
const ownAddress = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/;
/** What a proxy adds: behind it every client looks as if it were on this machine. */
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** Who may look at the live page, and who may act. */
export interface AdmissionRules {
  readonly token: string | undefined;
  readonly actions: boolean;
  readonly allowRemote: boolean;
}

export class Admission {
  readonly #rules: AdmissionRules;
  readonly #digest: Buffer | undefined;

  constructor(rules: AdmissionRules) {
    this.#rules = rules;
    this.#digest = rules.token === undefined ? undefined : digestOf(rules.token);
  }

  /**
   * Admits a request for the page itself, which shows nothing by itself.
   * @throws RefusedRequest
   */
  toPage(request: HttpRequest): void {
    if (!this.#rules.allowRemote) requireOwnMachine(request);
  }

  /**
   * Admits a request for data.
   * @throws RefusedRequest
   */
  toData(request: HttpRequest): void {
    this.toPage(request);
    requireOwnPage(request);
    if (this.#rules.allowRemote) this.#requireToken(request);
  }

  /**
   * Admits an action.
   * @throws RefusedRequest
   */
  toAction(request: HttpRequest): void {
    this.toPage(request);
    if (!this.#rules.actions) {
      throw new RefusedRequest(403, 'This page only shows: the handler was made without `actions: true`.');
    }
    requireOwnPage(request);
    this.#requireToken(request);
  }

  #requireToken(request: HttpRequest): void {
    const [, given] = /^Bearer +(\S+)$/i.exec(request.headers('authorization') ?? '') ?? [];
    const expected = this.#digest;
    if (given === undefined || expected === undefined) {
      throw new RefusedRequest(401, 'This needs the token of the handler: `Authorization: Bearer …`.');
    }
    // Of equal length, and compared in equal time.
    if (!timingSafeEqual(digestOf(given), expected)) throw new RefusedRequest(401, 'The token is wrong.');
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function requireOwnMachine(request: HttpRequest): void {
  const { remoteAddress } = request;
  if (remoteAddress === undefined) {
    throw new RefusedRequest(
      403,
      'The server does not tell who asks, so the page is not shown: give the handler `allowRemote: true` and a token.',
    );
  }
  if (!ownAddress.test(remoteAddress)) {
    throw new RefusedRequest(
      403,
      'The page is shown on its own machine alone: give the handler `allowRemote: true` and a token to show it elsewhere.',
    );
  }
  if (!ownHost.test(request.headers('host') ?? '')) {
    throw new RefusedRequest(403, 'The page is shown at localhost alone: its header Host names another machine.');
  }
  const proxy = proxyHeaders.find((name) => request.headers(name) !== undefined);
  if (proxy !== undefined) {
    throw new RefusedRequest(
      403,
      `The request came through a proxy (${proxy}), so it may be from anywhere: give the handler \`allowRemote: true\` and a token.`,
    );
  }
}

/** Refuses what a page of another origin sends; browsers tell, and other clients say nothing. */
function requireOwnPage(request: HttpRequest): void {
  const origin = request.headers('origin');
  if (origin !== undefined && hostOf(origin) !== request.headers('host')?.toLowerCase()) {
    throw new RefusedRequest(403, 'The request was made by a page of another origin.');
  }
  const site = request.headers('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new RefusedRequest(403, 'The request was made by a page of another site.');
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host.toLowerCase() : undefined;
}
