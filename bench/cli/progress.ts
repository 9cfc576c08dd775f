// Shows the progress of a run: three live lines on a terminal, plain lines elsewhere.

import { createLogUpdate } from 'log-update';
import picocolors from 'picocolors';
import prettyMs from 'pretty-ms';
import stringWidth from 'string-width';
import { formatComparison, knownRatio, reachRatio } from '../../report/words/numbers.ts';
import { roundPercent } from '../../results/figures.ts';
import type { Headline } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import { visibleLine } from '../../results/visible.ts';
import type { Timing } from '../../scenarios/model/scenario.ts';
import type { RunEvent } from '../run/context.ts';
import { hasColourOn, type Output } from './output.ts';

export interface Progress {
  show(event: RunEvent): void;
  /** A line that stays. */
  say(text: string): void;
  /** Clears the live lines. */
  end(): void;
}

export function createProgress(output: Output): Progress {
  return output.isTty ? createLiveProgress(output, process.stderr) : createPlainProgress(output);
}

/** One permanent line when each phase under load begins. */
function createPlainProgress(output: Output): Progress {
  let shownPhase = '';
  return {
    say: output.note,
    show(event) {
      const lasting = lastingLine(event);
      if (lasting !== undefined) output.note(lasting);
      if (event.type !== 'progress' || event.phase === 'start' || event.phase === 'finish') return;
      const phase = [event.cell, event.replicate, event.phase].join();
      if (phase !== shownPhase) output.note(`  ${progressLine(event)}`);
      shownPhase = phase;
    },
    end() {},
  };
}

/** Three lines that are drawn again at each event, below those that stay. */
function createLiveProgress(output: Output, stream: NodeJS.WriteStream): Progress {
  const living = createLogUpdate(stream);
  const view = new LiveView();
  let drawn: readonly string[] = [];
  let drawnColumns = stream.columns;

  function draw(): void {
    // A line as long as the terminal is wide would wrap in some terminals.
    const lines = view.lines(stream.columns - 1, hasColourOn(stream));
    if (stream.columns < drawnColumns) {
      living.clear();
      stream.write(eraseAbove(countWrapped(drawn, stream.columns)));
    }
    drawn = lines;
    drawnColumns = stream.columns;
    living(lines.join('\n'));
  }

  function say(text: string): void {
    living.clear(); // otherwise its next update would erase the line below it
    drawn = [];
    output.note(text);
  }

  return {
    say,
    show(event) {
      view.follow(event);
      const lasting = lastingLine(event);
      if (lasting !== undefined) say(lasting);
      else if (event.type === 'progress') draw();
    },
    end() {
      living.clear();
      living.done();
    },
  };
}

/** Rows that lines take beyond one each, in a terminal that has become narrower and has wrapped them. */
export function countWrapped(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(0, Math.ceil(stringWidth(line) / columns) - 1), 0);
}

function eraseAbove(rows: number): string {
  return rows === 0 ? '' : `\u001b[${rows}A\u001b[J`;
}

export type Living = Extract<RunEvent, { type: 'progress' }>;

const PHASES: Record<Living['phase'], string> = {
  start: 'starting',
  'warm-up': 'warming up',
  search: 'searching',
  measure: 'measuring',
  profile: 'profiling',
  finish: 'closing',
};

/** `1m 1s`. */
function formatSeconds(ms: number): string {
  return prettyMs(Math.max(0, ms), { secondsDecimalDigits: 0 });
}

/** `52,300 req/s`. */
function formatPerSec(ratePerSec: number): string {
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

interface ClientState {
  /** Requests/s in its last slices, warm-up included. */
  rates: number[];
  isKept: boolean | undefined;
}

/** Rates that are remembered for a client, and the fewest that are drawn. */
const SPARKS = { most: 12, least: 4 };
const SPARK = '▁▂▃▄▅▆▇█';
const GAP = '  ';
const BAR = { most: 30, least: 8 };
/** A name is cut to this rather than left out. */
const MIN_NAME = 8;
/** The axis of the interval reaches this many times as far as the precision that was asked. */
const AXIS_REACH = 4;
/** Characters at either side of the value. */
const AXIS_SIDE = 12;

/** Follows the events of a run, and draws its state within any width. No line is longer than the width, and no number is cut. */
export class LiveView {
  #cell = '';
  #place = '';
  #timing: Pick<Timing, 'precision' | 'until'> = { precision: 0, until: 'precise' };
  #clients = new Map<string, ClientState>();
  #active: string | undefined;
  #last: Living | undefined;
  /** The most time left that was announced: that of the whole run. */
  #totalMs = 0;
  #comparisons: readonly Comparison[] = [];
  #headline: Headline | undefined;

  /** Takes in an event. */
  follow(event: RunEvent): void {
    switch (event.type) {
      case 'cell-started': {
        const { cell, index, cellCount } = event;
        this.#cell = cell.id;
        this.#place = cellCount === 1 ? '' : ` ${index + 1}/${cellCount}`;
        this.#timing = cell.scenario.timing;
        this.#clients = new Map(cell.arms.map(arm => [arm, { rates: [], isKept: undefined }]));
        this.#active = undefined;
        this.#comparisons = [];
        this.#headline = undefined;
        break;
      }
      case 'progress':
        this.#progress(event);
        break;
      case 'replicate-finished':
        this.#comparisons = event.comparisons.filter(({ metric }) => metric === event.headline.metric);
        this.#headline = event.headline;
        break;
      case 'notice':
      case 'trial':
      case 'cell-finished':
        break;
      default:
        event satisfies never;
    }
  }

  #progress(event: Living): void {
    this.#last = event;
    this.#totalMs = Math.max(this.#totalMs, event.leftMs);
    const client = event.arm === undefined ? undefined : this.#clients.get(event.arm);
    if (client === undefined) return;
    this.#active = event.arm;
    if (event.ratePerSec === undefined) return;
    client.rates = [...client.rates, event.ratePerSec].slice(-SPARKS.most);
    client.isKept = event.isKept;
  }

  /** The three lines; none before anything was started. */
  lines(width: number, hasColour: boolean): string[] {
    const event = this.#last;
    if (event === undefined) return [];
    const colours = picocolors.createColors(hasColour);
    const { bar, rest } = this.#timeLine(event, width);
    return [`${colours.cyan(bar)}${rest}`, this.#clientLine(width), colours.dim(this.#precisionLine(width))];
  }

  #timeLine(event: Living, width: number): { bar: string; rest: string } {
    const { replicate, phase, blocksDone, blockCount, leftMs } = event;
    const blocks = blocksDone === undefined ? '' : ` ${blocksDone}/${blockCount}`;
    const texts = fitted(
      [
        leftMs > 0 ? `${formatSeconds(leftMs)} left` : 'ends with this replicate',
        `${PHASES[phase]}${blocks}`,
        `replicate ${replicate + 1}`,
      ],
      width - BAR.least - GAP.length,
    );
    const used = stringWidth(texts.join(GAP)) + GAP.length;
    const name = cutName(visibleLine(`${this.#cell}${this.#place}`), width - used - BAR.least - GAP.length);
    if (name !== '') texts.push(name);
    const room = width - stringWidth(texts.join(GAP)) - GAP.length;
    const length = Math.min(BAR.most, room);
    const done = this.#totalMs === 0 ? 0 : Math.round((1 - Math.max(0, leftMs) / this.#totalMs) * length);
    return {
      bar: length < BAR.least ? '' : `${'█'.repeat(done)}${'░'.repeat(length - done)}`,
      rest: `${length < BAR.least ? '' : GAP}${texts.join(GAP)}`,
    };
  }

  /** All clients, the more of their past the more room there is; of too many, the first ones and the one whose turn it is. */
  #clientLine(width: number): string {
    const names = [...this.#clients.keys()];
    for (const sparks of [SPARKS.most, SPARKS.least, 0]) {
      const line = names.map(name => this.#clientText(name, sparks)).join(GAP);
      if (stringWidth(line) <= width) return line;
    }
    const active = this.#active ?? names[0]!;
    for (let count = names.length - 1; count > 0; count--) {
      const first = names.slice(0, count);
      const shown = first.includes(active) ? first : [...first.slice(0, -1), active];
      const more = `+${names.length - count} more`;
      const line = [...shown.map(name => this.#clientText(name, 0)), more].join(GAP);
      if (stringWidth(line) <= width) return line;
    }
    return fitted([this.#figureOf(active)], width).join('');
  }

  #clientText(name: string, sparks: number): string {
    const { rates } = this.#clients.get(name)!;
    const past = sparks === 0 ? '' : sparkline(rates.slice(-sparks));
    return [visibleLine(name), this.#figureOf(name), past].filter(text => text !== '').join(' ');
  }

  #figureOf(name: string): string {
    const { rates, isKept } = this.#clients.get(name)!;
    const rate = rates.at(-1);
    if (rate === undefined) return '–';
    return `${formatPerSec(rate)}${isKept === undefined ? '' : isKept ? ' ✓' : ' ✗'}`;
  }

  /** The ratio that is known worst, because it decides how long the measurement goes on. */
  #precisionLine(width: number): string {
    const { precision, until } = this.#timing;
    const asked = until === 'decided' ? 'until it is decided' : `±${roundPercent(precision, 2)} asked`;
    if (this.#clients.size === 1) return fitted(['one client: nothing to compare'], width).join(GAP);
    const [worst, ...others] = this.#comparisons.toSorted((a, b) => reachOf(b) - reachOf(a));
    if (worst === undefined || this.#headline === undefined)
      return fitted(['no ratio before the first replicate', asked], width).join(GAP);
    const ratio = knownRatio(worst);
    const { noun } = this.#headline;
    const parts = [
      formatComparison(worst),
      ...(ratio === null ? [] : [`±${roundPercent(reachRatio(ratio), 2)}`]),
      asked,
      ...(ratio === null || until === 'decided' ? [] : [drawInterval(ratio, precision)]),
      ...(others.length === 0 ? [] : [`+${others.length} more`]),
    ];
    const shown = fitted(parts, width);
    const label = cutName(
      visibleLine(`${noun}, ${worst.candidate}:`),
      width - stringWidth(shown.join(GAP)) - 1,
    );
    return label === '' ? shown.join(GAP) : `${label} ${shown.join(GAP)}`;
  }
}

/** Infinite where there is no interval. */
function reachOf(comparison: Comparison): number {
  const ratio = knownRatio(comparison);
  return ratio === null ? Number.POSITIVE_INFINITY : reachRatio(ratio);
}

/** Texts in their order while they fit; one that does not is left out whole, because a cut number would be another number. */
function fitted(texts: readonly string[], width: number): string[] {
  const shown: string[] = [];
  for (const text of texts) {
    if (stringWidth([...shown, text].join(GAP)) <= width) shown.push(text);
  }
  return shown;
}

/** The beginning of a name with an ellipsis, never within a number; empty if hardly anything would be left. */
function cutName(name: string, width: number): string {
  if (stringWidth(name) <= width) return name;
  if (width < MIN_NAME) return '';
  let cut = name;
  while (stringWidth(cut) > width - 1) cut = cut.slice(0, -1);
  const next = name.slice(cut.length);
  return `${/^[\d.,]/.test(next) ? cut.replace(/[\d.,]+$/, '') : cut}…`;
}

/** From 0 to the highest, so that what looks like a slump is one. */
function sparkline(rates: readonly number[]): string {
  const most = Math.max(...rates);
  return rates.map(rate => SPARK[most === 0 ? 0 : Math.round((rate / most) * (SPARK.length - 1))]).join('');
}

/** `──[───●───]──`: the interval on a logarithmic axis around its value, the precision asked as brackets; `<` and `>` where it goes on. */
function drawInterval(
  { value, low, high }: { value: number; low: number; high: number },
  precision: number,
): string {
  const side = Math.log1p(precision) * AXIS_REACH;
  const place = (ratio: number): number => Math.round((Math.log(ratio / value) / side) * AXIS_SIDE);
  const cells = Array.from({ length: 2 * AXIS_SIDE + 1 }, () => ' ');
  const put = (at: number, sign: string): void => {
    cells[AXIS_SIDE + at] = sign;
  };
  const from = Math.max(-AXIS_SIDE, place(low));
  const to = Math.min(AXIS_SIDE, place(high));
  for (let at = from; at <= to; at++) put(at, '─');
  if (place(low) < -AXIS_SIDE) put(-AXIS_SIDE, '<');
  if (place(high) > AXIS_SIDE) put(AXIS_SIDE, '>');
  const asked = AXIS_SIDE / AXIS_REACH;
  put(-asked, '[');
  put(asked, ']');
  put(0, '●');
  return cells.join('');
}
