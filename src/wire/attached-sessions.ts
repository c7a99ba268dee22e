import { randomUUID } from 'node:crypto';
import { type ConnectionSession, Uuid } from 'surrealdb';

/** The requests that make and end sessions. */
export interface SessionRequests {
  attach(session: Uuid): Promise<void>;
  detach(session: Uuid): Promise<void>;
}

/** The sessions of one transport. */
export class AttachedSessions {
  /** The SDK's engine looks up the session of a call here. */
  readonly bySession: Map<Uuid, ConnectionSession> = new Map();
  readonly #requests: SessionRequests;

  constructor(requests: SessionRequests) {
    this.#requests = requests;
  }

  get size(): number {
    return this.bySession.size;
  }

  /** Makes a session without database and user. */
  async attach(): Promise<Uuid> {
    // Not Uuid.v4(): in a test with its own realm, as in Jest, the SDK cannot encode the result.
    const session = new Uuid(randomUUID());
    this.bySession.set(session, {
      id: session,
      namespace: undefined,
      database: undefined,
      accessToken: undefined,
      refreshToken: undefined,
      variables: {},
      authRenewal: undefined,
      authOverriden: true,
    });
    try {
      await this.#requests.attach(session);
    } catch (error) {
      this.bySession.delete(session);
      throw error;
    }
    return session;
  }

  async detach(session: Uuid): Promise<void> {
    this.bySession.delete(session);
    await this.#requests.detach(session);
  }
}
