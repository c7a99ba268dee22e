import { Features, type Tokens, type Uuid } from 'surrealdb';
import type { Transport } from '../wire/transport.js';
import { claimsOf } from './token-claims.js';

/**
 * Signs a session in by a refresh token. That uses the token up; the answer has the next one. An embedded engine has no
 * method for this, but takes a refresh token in place of the variables of a sign-in.
 */
export async function refreshTokens(transport: Transport, tokens: Tokens, session: Uuid): Promise<Tokens> {
  if (transport.supports(Features.RefreshTokens)) return await transport.refresh(tokens, session);
  const { namespace = '', database = '', access = '' } = claimsOf(tokens.access);
  return await transport.signin({ namespace, database, access, variables: { refresh: tokens.refresh } }, session);
}
