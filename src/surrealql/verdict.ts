/**
 * Whether replaying a call on the same data has the same effect and answer.
 *
 * - `replayable`: yes
 * - `impure`: no, or not known; with the part of the text that is the reason
 * - `outside`: it also does something that no rollback undoes
 *
 * `byTextAlone`: no bound value was read, so the verdict holds for the text with any parameters.
 */
export type Replayability = { readonly byTextAlone: boolean } & (
  | { readonly kind: 'replayable' }
  | { readonly kind: 'impure' | 'outside'; readonly culprit: string; readonly reason: string }
);

/** The reason that goes away when the ids are given beforehand. */
export const newIdReason = 'the server may choose the id of a new record';

/** Thrown to end the analysis of a text. */
export class Verdict {
  constructor(
    readonly kind: 'impure' | 'outside',
    readonly culprit: string,
    readonly reason: string,
  ) {}
}
