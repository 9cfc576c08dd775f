// The plain lines of a run's progress: those that stay on any output, and those for an output that is no terminal.
import prettyMs from 'pretty-ms';
import { formatComparison } from '../../report/words/numbers.ts';
import type { RunEvent } from '../run/context.ts';

export type Living = Extract<RunEvent, { type: 'progress' }>;

export const PHASES: Record<Living['phase'], string> = {
  start: 'starting',
  'warm-up': 'warming up',
  search: 'searching',
  measure: 'measuring',
  profile: 'profiling',
  finish: 'closing',
};

/** `1m 1s`. */
export function formatSeconds(ms: number): string {
  return prettyMs(Math.max(0, ms), { secondsDecimalDigits: 0 });
}

/** `52,300 req/s`. */
export function formatPerSec(ratePerSec: number): string {
  return `${Math.round(ratePerSec).toLocaleString('en')} req/s`;
}

/** For example `short-vs-persistent  replicate 2  measuring 3/8  persistent 52,300 req/s  21s left at most`. */
export function progressLine(event: Living): string {
  const { cell, replicate, phase, arm, ratePerSec, isKept, blocksDone, blockCount, leftMs } = event;
  const blocks = blocksDone === undefined ? '' : ` ${blocksDone}/${blockCount}`;
  const rate = ratePerSec === undefined ? '' : ` ${formatPerSec(ratePerSec)}`;
  const kept = isKept === undefined ? '' : isKept ? ' sustained' : ' not sustained';
  return [
    cell,
    `replicate ${replicate + 1}`,
    `${PHASES[phase]}${blocks}`,
    ...(arm === undefined ? [] : [`${arm}${rate}${kept}`]),
    leftMs > 0 ? `${formatSeconds(leftMs)} left at most` : 'slower than expected, ends with this replicate',
  ].join('  ');
}

/** The permanent line for an event, on any kind of output; undefined for events without one. */
export function lastingLine(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'cell-started': {
      const { cell, index, cellCount } = event;
      const budget = formatSeconds(cell.scenario.timing.budgetMs);
      return `[${index + 1}/${cellCount}] ${cell.id}: ${cell.arms.join(', ')} (budget ${budget})`;
    }
    case 'notice':
      return `  ! ${event.message}`;
    case 'trial':
      return event.result.state === 'failed'
        ? `  ! ${event.result.trial.arm}, replicate ${event.result.trial.replicate + 1}: ${event.result.error.message}`
        : undefined;
    case 'replicate-finished': {
      const { metric: deciding, noun } = event.headline;
      const ratios = event.comparisons
        .filter(({ metric }) => metric === deciding)
        .map(comparison => `${comparison.candidate} ${formatComparison(comparison)}`);
      const what = deciding === 'requestsPerSec' || ratios.length === 0 ? '' : `${noun} of `;
      return `  replicate ${event.replicate + 1}: ${what}${ratios.join(', ') || 'nothing to compare'}`;
    }
    case 'cell-finished':
      return `  done: ${event.result.stopDetail} (${formatSeconds(event.result.elapsedMs)})`;
    case 'progress':
      return undefined;
    default:
      return event satisfies never;
  }
}
