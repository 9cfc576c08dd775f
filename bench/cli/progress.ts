// Shows the progress of a run: one live line on a terminal, plain lines elsewhere.
import { createLogUpdate } from 'log-update';
import prettyMs from 'pretty-ms';
import { formatComparison } from '../../report/words/numbers.ts';
import type { RunEvent } from '../run/context.ts';
import type { Output } from './context.ts';

export interface Progress {
  show(event: RunEvent): void;
  /** A line that stays. */
  say(text: string): void;
  /** Clears the live line. */
  end(): void;
}

type Living = Extract<RunEvent, { type: 'progress' }>;

const PHASES: Record<Living['phase'], string> = {
  start: 'starting',
  'warm-up': 'warming up',
  search: 'searching',
  measure: 'measuring',
  profile: 'profiling',
  finish: 'closing',
};

function seconds(ms: number): string {
  return prettyMs(Math.max(0, ms), { secondsDecimalDigits: 0 });
}

/** For example `short-vs-persistent  replicate 2  measuring 3/8  persistent 52,300 req/s  21s left at most`. */
export function progressLine(event: Living): string {
  const { cell, replicate, phase, arm, ratePerSec, isKept, blocksDone, blockCount, leftMs } = event;
  const blocks = blocksDone === undefined ? '' : ` ${blocksDone}/${blockCount}`;
  const rate = ratePerSec === undefined ? '' : ` ${Math.round(ratePerSec).toLocaleString('en')} req/s`;
  const kept = isKept === undefined ? '' : isKept ? ' sustained' : ' not sustained';
  return [
    cell,
    `replicate ${replicate + 1}`,
    `${PHASES[phase]}${blocks}`,
    ...(arm === undefined ? [] : [`${arm}${rate}${kept}`]),
    leftMs > 0 ? `${seconds(leftMs)} left at most` : 'slower than expected, ends with this replicate',
  ].join('  ');
}

/** The permanent line for an event, on any kind of output; undefined for events without one. */
export function lastingLine(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'cell-started': {
      const { cell, index, cellCount } = event;
      const budget = seconds(cell.scenario.timing.budgetMs);
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
      return `  done: ${event.result.stopDetail} (${seconds(event.result.elapsedMs)})`;
    case 'progress':
      return undefined;
    default:
      return event satisfies never;
  }
}

export function createProgress(output: Output): Progress {
  const living = output.isTty ? createLogUpdate(process.stderr) : undefined;
  let shownPhase = '';

  /** Without a live line, prints a permanent one when each phase under load begins. */
  function notePhase(event: Living): void {
    if (event.phase === 'start' || event.phase === 'finish') return;
    const phase = [event.cell, event.replicate, event.phase].join();
    if (phase !== shownPhase) output.note(`  ${progressLine(event)}`);
    shownPhase = phase;
  }

  function say(text: string): void {
    living?.clear(); // otherwise its next update would erase the line below it
    output.note(text);
  }

  return {
    say,
    show(event) {
      const lasting = lastingLine(event);
      if (lasting !== undefined) {
        say(lasting);
      } else if (event.type === 'progress') {
        if (living === undefined) notePhase(event);
        else living(progressLine(event).slice(0, output.columns - 1));
      }
    },
    end() {
      living?.clear();
      living?.done();
    },
  };
}
