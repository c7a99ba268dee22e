/** Passes a request on to the layer below. */
export type Next<Asked, Answer> = (asked: Asked) => Promise<Answer>;

/** One layer: does something before a request goes down, after its answer comes up, or instead of both. */
export type Layer<Asked, Answer> = (asked: Asked, next: Next<Asked, Answer>) => Promise<Answer>;

/**
 * The way of a request through layers, the outermost first, to `last`. The order of the list is the order of what
 * happens, so that it can be read where the list is written.
 */
export function pipeline<Asked, Answer>(
  layers: readonly Layer<Asked, Answer>[],
  last: Next<Asked, Answer>,
): Next<Asked, Answer> {
  return layers.reduceRight<Next<Asked, Answer>>((next, layer) => (asked) => layer(asked, next), last);
}
