/**
 * Whether a call, made again on the same data, does and answers the same.
 *
 * - `replayable`: yes
 * - `impure`: no, or not known to; with what in it is the reason
 * - `outside`: it also does something that no rollback undoes
 *
 * `byTextAlone` says that no bound value was looked at: the verdict holds for the text with any parameters.
 */
export type Replayability = { readonly byTextAlone: boolean } & (
  | { readonly kind: 'replayable' }
  | { readonly kind: 'impure' | 'outside'; readonly culprit: string; readonly reason: string }
);

/** The reason that can be taken away by giving the ids beforehand. */
export const newIdReason = 'the server may choose the id of a new record';

/** Thrown by a look at a text to end it. */
export class Verdict {
  constructor(
    readonly kind: 'impure' | 'outside',
    readonly culprit: string,
    readonly reason: string,
  ) {}
}
