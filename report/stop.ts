// In: a cell. Out: why no more replicates were made, in a sentence with the precision reached.
import type { CellResult } from '../results/model/run.ts';
import { headlineOf } from '../results/metrics.ts';
import { secondsText } from './words/conditions.ts';
import { reachRatio } from './words/numbers.ts';

export function stopText(cell: CellResult): string {
  const { stop, stopDetail, replicates, scenario, elapsedMs } = cell;
  const reached = reachText(cell);
  const after = `after ${replicates === 1 ? '1 replicate' : `${replicates} replicates`} in ${secondsText(elapsedMs)}`;
  if (stop !== 'interrupted' && stop !== 'failed' && isMeasuredAgain(cell))
    return `Stopped ${after}: an expectation had failed, and was measured again; ${reached}.`;
  switch (stop) {
    case 'precise':
      return `Stopped ${after} because ${reached}, and ${plainPercent(scenario.timing.precision)} was asked for.`;
    case 'decided':
      return `Stopped ${after}: these decide what was expected; ${reached}.`;
    case 'budget':
      return `Stopped ${after}: another replicate would not fit the time budget of ${secondsText(scenario.timing.budgetMs)}; ${reached}.`;
    case 'max-replicates':
      return `Stopped at the most replicates that the scenario allows, ${after}; ${reached}.`;
    case 'interrupted':
      return `Interrupted ${after}; ${reached}.`;
    case 'failed':
      return `Given up ${after}: ${stopDetail}.`;
    default:
      return stop satisfies never;
  }
}

function isMeasuredAgain({ expectations }: CellResult): boolean {
  return expectations.some(({ confirmation }) => confirmation !== null);
}

/** `the interval is ±3.1 %`, of the widest ratio of the metric that decides. */
function reachText({ comparisons, replicates, scenario }: CellResult): string {
  if (replicates === 0) return 'nothing was measured yet';
  const { metric: deciding, noun } = headlineOf(scenario.load);
  const compared = comparisons.filter(({ metric }) => metric === deciding);
  if (compared.length === 0) return 'there was no other arm to compare with';
  if (compared.some(({ replicateRatios }) => replicateRatios.length === 0))
    return 'not every arm could be measured';
  const ratios = compared.map(({ ratio }) => ratio);
  const known = ratios.filter(ratio => ratio !== null);
  if (known.length < ratios.length) return 'there are too few replicates for an interval';
  const widest = Math.max(...known.map(reachRatio));
  if (widest > 1) return `an interval of ${noun} is wider than ±100 %`;
  return `${known.length === 1 ? `the interval of ${noun} is` : `every interval of ${noun} is within`} ±${plainPercent(widest)}`;
}

function plainPercent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(2))} %`;
}
