/** The claims of a token: when it was issued and when it expires, in seconds since 1970, and its user. */
export interface TokenClaims {
  readonly exp?: number | undefined;
  readonly iat?: number | undefined;
  readonly namespace?: string | undefined;
  readonly database?: string | undefined;
  readonly access?: string | undefined;
  readonly id?: string | undefined;
}

/** Reads a token without checking its signature. A token that cannot be read gives no claims. */
export function claimsOf(token: string): TokenClaims {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const record = Object(claims) as Record<string, unknown>;
    const numberOf = (name: string): number | undefined =>
      typeof record[name] === 'number' ? (record[name] as number) : undefined;
    // The server accepts three names for each of these.
    const textOf = (short: string): string | undefined => {
      const names = [short.toUpperCase(), short, `https://surrealdb.com/${short}`];
      return names.map((name) => record[name]).find((value) => typeof value === 'string') as string | undefined;
    };
    return {
      exp: numberOf('exp'),
      iat: numberOf('iat'),
      namespace: textOf('ns'),
      database: textOf('db'),
      access: textOf('ac'),
      id: textOf('id'),
    };
  } catch {
    return {};
  }
}

/** How long a token issued just now lives, in milliseconds. Both times are by the clock of its issuer. */
export function wholeLife(token: string): number {
  const { exp, iat } = claimsOf(token);
  return exp === undefined || iat === undefined ? remainingLife(token) : (exp - iat) * 1000;
}

/** How long a token still lives, in milliseconds. A token without an expiry is used until the server refuses it. */
export function remainingLife(token: string): number {
  const { exp } = claimsOf(token);
  return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000 - Date.now();
}

/** Where a user is defined: everywhere (root), in a namespace, or in one database. */
export interface UserLevel {
  readonly namespace?: string | undefined;
  readonly database?: string | undefined;
}

/** Whether a user of this level has rights in a database. */
export function covers(level: UserLevel, name: { readonly namespace: string; readonly database: string }): boolean {
  if (level.namespace !== undefined && level.namespace !== name.namespace) return false;
  return level.database === undefined || level.database === name.database;
}

/** The kind of user, with the access method and the place, for messages. The name of the user is left out. */
export function describeUser({ namespace, database, access, id }: TokenClaims): string {
  // With an access method, the id of a record user is a record id; that of a system user is a name.
  const isRecord = access !== undefined && id?.includes(':') === true;
  const kind = isRecord ? 'a record user' : 'a user';
  const by = access === undefined ? '' : ` by access method "${access}"`;
  if (namespace === undefined) return `${kind} of the whole server${by}`;
  return database === undefined
    ? `${kind} of namespace "${namespace}"${by}`
    : `${kind} of "${namespace}/${database}"${by}`;
}
