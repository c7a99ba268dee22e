/** What is done to the process of a server. */
export type Action =
  /** It ends at once, with all its sockets (SIGKILL). */
  | 'kill'
  /** It is started again at the same address. */
  | 'start'
  /** It computes nothing any more, and its sockets stay open (SIGSTOP). */
  | 'freeze'
  /** It goes on where it was (SIGCONT). */
  | 'thaw';

/** What the command asks of the process that holds the store. Each is answered with its number. */
export type Question =
  | { readonly number: number; readonly action: Action; readonly server: number }
  | { readonly number: number; readonly action: 'count' };

/** The first message of the process that holds the store. */
export type Start =
  | {
      readonly urls: readonly string[];
      /** The processes of the servers, and the folder of the store: for the case that the process ends without its clean-up. */
      readonly processes: readonly number[];
      readonly folder: string;
    }
  | { readonly failure: string };

export interface Answer {
  readonly number: number;
  /** The processes of the servers. */
  readonly processes: readonly number[];
  /** How many queries each server has brought since the start. */
  readonly queries: readonly number[];
  /** Why it could not be done. */
  readonly failure?: string;
}
