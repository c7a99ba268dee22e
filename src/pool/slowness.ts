/** An opening that takes this many times as long as usual is slow: others may be started beside it. */
const slowFactor = 4;
/** The least time, in milliseconds, after which an opening, a probe or a change of identity is slow. */
export const slowAtLeast = 250;
/** The same while the usual time is not known. */
const slowAtFirst = 1000;

/**
 * How long an opening may take before it is slow, in milliseconds.
 * @param usual how long one usually takes; undefined when not known
 */
export function slowness(usual: number | undefined): number {
  return usual === undefined ? slowAtFirst : Math.max(slowAtLeast, slowFactor * usual);
}
