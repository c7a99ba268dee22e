import type { AnyAuth } from 'surrealdb';
import type { Credentials, CredentialsProvider, PasswordCredentials } from '../config/identity-options.js';
import { claimsOf, describeUser } from './token-claims.js';

/** Whom credentials sign in, with the level of that user and its name, for errors. No secret is read for it. */
export function whoIs(credentials: Credentials | CredentialsProvider | AnyAuth): string {
  if (typeof credentials === 'function') return 'the user of the credentials function';
  if ('username' in credentials) {
    const { username, namespace, database }: PasswordCredentials = credentials;
    const name = JSON.stringify(username);
    if (namespace === undefined) return `root user ${name}`;
    return database === undefined
      ? `user ${name} of namespace "${namespace}"`
      : `user ${name} of "${namespace}/${database}"`;
  }
  if ('refresh' in credentials) return whoseToken(credentials.access);
  if ('token' in credentials) return whoseToken(credentials.token);
  return 'key' in credentials
    ? `holder of a key of access method "${credentials.access}"`
    : `record user by access method "${credentials.access}"`;
}

/** Whom a token signs in, as far as it can be read. */
export function whoseToken(token: string | { readonly access: string }): string {
  return describeUser(claimsOf(typeof token === 'string' ? token : token.access));
}
