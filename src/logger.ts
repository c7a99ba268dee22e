/**
 * Where the pool writes its log. The details come first, as in pino, so that a pino logger fits as it is; `console`
 * fits too. The pool never logs a password, a token or the user info of an address.
 */
export interface Logger {
  /** The routine of connections: opened, lent, recycled. */
  debug(details: object, message: string): void;
  /** Changes of state: started, shut down, a server is back. */
  info(details: object, message: string): void;
  /** A problem that the pool handled itself, but operators should know about. */
  warn(details: object, message: string): void;
  /** A problem that the pool cannot handle itself. */
  error(details: object, message: string): void;
}
