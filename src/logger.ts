/**
 * Where the pool writes what it does. The details come first, as in pino, so that a pino logger fits as it is;
 * `console` fits too. The pool never hands a password, a token or the user info of an address to a logger.
 */
export interface Logger {
  /** The everyday life of connections: opened, lent, recycled. */
  debug(details: object, message: string): void;
  /** Turning points: started, shut down, an endpoint is back. */
  info(details: object, message: string): void;
  /** Something that the pool mended itself, and that somebody should know of. */
  warn(details: object, message: string): void;
  /** Something that the pool cannot mend. */
  error(details: object, message: string): void;
}
