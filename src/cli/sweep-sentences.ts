import { formatCount, formatNumber, formatPercent } from './formats.js';
import { enoughOfBest, type Interval } from './sweep-choice.js';
import type { SweepFigures } from './sweep-report.js';

/** A process that computes so much of the time, in percent, has no more to give. */
const saturated = 90;

/** Whether the measurements say anything about sizes: they do not where operations failed, or none was done. */
export function isComparable({ sizes }: Pick<SweepFigures, 'sizes'>): boolean {
  return sizes.every(({ errors }) => errors === 0) && sizes.some(({ throughput }) => throughput.mean > 0);
}

/** Which size is right and why, and what the measurement does not show. Nothing is claimed that was not measured. */
export function sweepSentences(figures: SweepFigures): string[] {
  const failed = figures.sizes.reduce((sum, { errors }) => sum + errors, 0);
  if (failed > 0) {
    return [
      `${formatNumber(failed, 'operation')} failed, so the sizes cannot be compared: look at the errors first, with a load without --sweep.`,
    ];
  }
  if (!isComparable(figures)) return ['No operation was done, so the sizes cannot be compared.'];
  return [recommendation(figures), ...undecided(figures), ...unrest(figures), ...limits(figures)];
}

/** Rounds of the same size that differ so much, in percent of their mean, were disturbed by something else. */
const muchUnrest = 20;

function unrest({ sizes, recommended }: SweepFigures): string[] {
  const { mean = 0, high = 0 } = sizes.find(({ size }) => size === recommended)?.throughput ?? {};
  const off = mean === 0 ? 0 : (100 * (high - mean)) / mean;
  if (off <= muchUnrest) return [];
  return [
    `Rounds of ${formatNumber(recommended, 'connection')} differ much (95 % sure: ±${off.toFixed(0)} %): something else ran on the machine or the server, or --duration is too short.`,
  ];
}

function recommendation({ sizes, recommended, best, undecided: candidates, sweep }: SweepFigures): string {
  if (candidates.length > 0 && sizes.every(({ verdict }) => verdict !== 'too-few')) {
    return `${sweep.rounds} rounds cannot tell the sizes below ${recommended} apart: each may be enough. Measure longer with --duration, with nothing else on the machine.`;
  }
  const chosen = sizes.find(({ size }) => size === recommended);
  const most = sizes.find(({ size }) => size === best);
  const below = sizes.filter(({ size, verdict }) => size < recommended && verdict === 'too-few').at(-1);
  const share =
    recommended === best
      ? `it did the most, ${formatCount(most?.throughput.mean ?? 0)} operations per second`
      : `it did ${shareText(chosen?.ofBest)} of the most, which ${formatNumber(best, 'connection')} did`;
  const why = below === undefined ? '' : `; ${below.size} did ${shareText(below.ofBest)}`;
  return `--pool-max ${recommended} is enough: ${share}${why}.`;
}

function undecided({ sizes, undecided: candidates, sweep }: SweepFigures): string[] {
  const [least] = candidates;
  const judged = sizes.find(({ size }) => size === least);
  if (judged === undefined || sizes.every(({ verdict }) => verdict !== 'too-few')) return [];
  return [
    `${candidates.join(', ')} may be enough too: ${sweep.rounds} rounds cannot tell (${judged.size} did ${shareText(judged.ofBest)}, and ${enoughOfBest} % is enough); a longer --duration may.`,
  ];
}

function limits({ sizes, sweep, recommended, atLimit }: SweepFigures): string[] {
  const busy = sizes.find(({ processBusy }) => processBusy >= saturated);
  const largest = sizes.at(-1)?.size ?? recommended;
  return [
    ...(atLimit && largest < sweep.workers
      ? [`No larger size was measured: try --pool-max ${2 * largest} to see whether more is better.`]
      : []),
    ...(atLimit && largest === sweep.workers
      ? [`There were ${sweep.workers} callers, who can use no more than that: try more --workers.`]
      : []),
    ...(busy === undefined
      ? []
      : [
          `With ${formatNumber(busy.size, 'connection')} or more this process computed ${formatPercent(busy.processBusy)} of the time: the limit there may be the process, and not the pool.`,
        ]),
    ...(sweep.engine === 'in-process'
      ? ['The engine ran inside this process, on the cores of its callers: a server will have another right size.']
      : []),
  ];
}

/** `71 % (95 % sure: 69 to 74 %)` */
function shareText(share: Interval | undefined): string {
  if (share === undefined) return 'nothing';
  const { mean, low, high } = share;
  return `${mean.toFixed(0)} % (95 % sure: ${Math.max(0, low).toFixed(0)} to ${high.toFixed(0)} %)`;
}
