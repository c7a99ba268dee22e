/** Passes a request on to the layer below. */
export type Next<Asked, Answer> = (asked: Asked) => Promise<Answer>;

/** One layer: acts before a request goes down, after its answer comes up, or instead of both. */
export type Layer<Asked, Answer> = (asked: Asked, next: Next<Asked, Answer>) => Promise<Answer>;

/** Composes layers, the outermost first, down to `last`. The order of the list is the order of execution. */
export function pipeline<Asked, Answer>(
  layers: readonly Layer<Asked, Answer>[],
  last: Next<Asked, Answer>,
): Next<Asked, Answer> {
  return layers.reduceRight<Next<Asked, Answer>>((next, layer) => (asked) => layer(asked, next), last);
}
