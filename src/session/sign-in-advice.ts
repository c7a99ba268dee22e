import type { AnyAuth } from 'surrealdb';
import type { DatabaseName } from '../config/database-name.js';
import type { PasswordCredentials } from '../config/identity-options.js';
import type { Transport } from '../wire/transport.js';

type Level = Pick<PasswordCredentials, 'namespace' | 'database'>;

/**
 * Why a password was refused. A server answers a wrong password, a user it does not know and a user of another level with
 * the same words, so the same user and password are tried at the other levels, on a session that is thrown away.
 *
 * @param place where the pool is: the namespace and the database whose users are tried
 */
export async function whyRefused(
  transport: Transport,
  { username, password, ...given }: PasswordCredentials,
  { namespace, database }: DatabaseName,
): Promise<string> {
  const levels: Level[] = [{}, { namespace: given.namespace ?? namespace }, { namespace, database }];
  const session = await transport.attach();
  try {
    for (const level of levels) {
      if (level.namespace === given.namespace && level.database === given.database) continue;
      const isGood = await transport.signin({ username, password, ...level } as AnyAuth, session).then(
        () => true,
        () => false,
      );
      if (isGood) return `it is the name and password of ${kindOf(level)}: ${remedyFor(level)}`;
    }
  } finally {
    transport.detach(session).catch(() => {});
  }
  return passwordRefused(given);
}

/** The same where other levels are not tried. */
export function passwordRefused(level: Level): string {
  return `the password is wrong, or it is not that of ${kindOf(level)}`;
}

function kindOf({ namespace, database }: Level): string {
  if (namespace === undefined) return 'a root user';
  return database === undefined ? `a user of namespace "${namespace}"` : `a user of "${namespace}/${database}"`;
}

function remedyFor({ namespace, database }: Level): string {
  if (namespace === undefined) return 'leave namespace and database out of the credentials';
  const where = JSON.stringify({ namespace, database }, undefined, 1)
    .replace(/\s+/g, ' ')
    .replace(/"(\w+)":/g, '$1:');
  return `put ${where} in the credentials`;
}
