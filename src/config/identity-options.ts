/**
 * A user of the whole server (root), or, with `namespace`, of that namespace, or, with both, of that database.
 */
export interface PasswordCredentials {
  username: string;
  password: string;
  /** The namespace that defines the user. Left out for a root user. */
  namespace?: string | undefined;
  /** The database that defines the user; needs `namespace`. */
  database?: string | undefined;
}

/** A record user, who signs in through an access method of the database. */
export interface RecordCredentials {
  /** The name of the access method, as in `DEFINE ACCESS`. */
  access: string;
  /** What its `SIGNIN` clause reads as `$email`, `$password` and so on. */
  variables: Readonly<Record<string, unknown>>;
  /** The namespace of the access method. Default: the pool's own. */
  namespace?: string | undefined;
  /** The database of the access method; needs `namespace`. Default: the pool's own. */
  database?: string | undefined;
}

/** The key of a bearer grant, as `ACCESS … GRANT` gives it. */
export interface BearerCredentials {
  /** The name of the access method, as in `DEFINE ACCESS … TYPE BEARER`. */
  access: string;
  /** The key of the grant. */
  key: string;
  /** The namespace of the access method. Default: the pool's own. */
  namespace?: string | undefined;
  /** The database of the access method; needs `namespace`. Default: the pool's own. */
  database?: string | undefined;
}

/**
 * A token that was issued elsewhere, or the tokens that the SDK's `signin()` and `signup()` give. Without a refresh token
 * the pool cannot renew it; a {@link CredentialsProvider} can.
 */
export interface TokenCredentials {
  token: string | { access: string; refresh?: string | undefined };
}

/**
 * The pair of tokens that an access method `WITH REFRESH` gives. The pool renews it before the access token ends. A
 * refresh token can be used once: from then on the pool alone has the next one, and no other program can renew this pair.
 */
export interface RefreshCredentials {
  /** The access token. */
  access: string;
  /** The refresh token that was given with it. */
  refresh: string;
}

/** Who the pool signs in as. */
export type Credentials =
  | PasswordCredentials
  | RecordCredentials
  | BearerCredentials
  | TokenCredentials
  | RefreshCredentials;

/**
 * Who a connection is, where it is, and what it brings along, where that is not what the pool is configured with. Part of
 * what is lent: a connection of one identity is never lent as another.
 */
export interface IdentityOptions {
  /** Another namespace; always together with `database`. */
  namespace?: string;
  /** Another database; always together with `namespace`. */
  database?: string;
  /**
   * Another user; null for a session that signs in as no user. A function is one identity for as long as it is the same
   * function, whatever it answers: see `credentialsKey`.
   */
  credentials?: Credentials | CredentialsProvider | null;
  /**
   * Names the identity of a credentials function, where the function is made anew for each request: functions with the same
   * key are the same identity in the same place, sign in once, and share connections. The one given last is asked.
   */
  credentialsKey?: string;
  /** Variables (`$name`) of the session, by their names without the dollar. */
  variables?: Readonly<Record<string, unknown>>;
}

/** Asked whenever the pool has to sign in, so that secrets can be fetched, and change, while it runs. */
export type CredentialsProvider = () => Credentials | Promise<Credentials>;
