// Chart: the mean response time of each client as a bar, divided into the phases of a request.
import type { Phase } from '../../results/phases.ts';
import { type CellView, onlyInvalid } from '../cell-view.ts';
import {
  describePhases,
  PHASE_NAMES,
  phaseColour,
  phasedArms,
  phaseNotes,
  phasesOf,
} from '../tables/phases.ts';
import { figure, figureColumn, keyColumn, shareCell, tabulate, words } from '../tables/table.ts';
import { signsOf } from '../words/marks.ts';
import { formatLatency, formatMs, formatPercent } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import {
  armRows,
  CHARACTER_PX,
  CHART_PX,
  either,
  endWithRoom,
  figureLayer,
  framed,
  LABEL_PX,
  LINE_BREAK,
  linearAxis,
  MUTED,
  quantity,
  silentLayer,
} from './theme.ts';

/** Thinner parts are drawn without a gap to the next. */
const THIN_PX = 5;
/** Left between the words beneath neighbouring parts. */
const LABEL_GAP_PX = 6;
/** The most width that names of clients take. */
const NAMES_PX = LABEL_PX + 20;
const LEGEND_ITEM_PX = 110;
const ROW_PX = 64;
/** Share of a row that its bar is high. */
const BAR_SHARE = 0.42;
/** Bars are lifted to make room for the words beneath them. */
const LIFT_PX = 12;

const chart: Chart = {
  name: 'phases',
  section: 'time',
  title: 'Where the time goes',
  applies: view => phasedArms(view).length > 0,
  caption(view) {
    const arms = phasedArms(view);
    return [describePhases(arms), ...phaseNotes(arms)].join(' ');
  },
  spec(view) {
    const arms = phasedArms(view);
    const phases = phasesOf(arms);
    const totals = arms.map(({ arm, split: { responseUs } }) => ({
      arm: arm.label,
      value: responseUs / 1000,
      text: `${formatLatency(responseUs)}${signsOf(arm.marks)}`,
    }));
    const limit = endWithRoom(totals);
    const px = (ms: number) => (ms / limit) * (CHART_PX - NAMES_PX);
    const parts = listParts(view).map(part => ({ ...part, isThin: px(part.ms) < THIN_PX }));
    const fits = (text: string, ms: number) => text.length * CHARACTER_PX + LABEL_GAP_PX <= px(ms);
    const named = parts.filter(({ phase, ms }) => fits(phase, ms));
    const labels = parts.flatMap(part => {
      const { arm, from, to, phase, ms, share } = part;
      const lines = [...(named.includes(part) ? [phase] : []), formatPercent(share)];
      return lines.every(line => fits(line, ms))
        ? [{ arm, middle: (from + to) / 2, text: lines.join(LINE_BREAK) }]
        : [];
    });
    // What no bar has room to name.
    const others = phases
      .map(phase => PHASE_NAMES[phase])
      .filter(name => named.every(({ phase }) => phase !== name));
    const color = phaseColours(phases, others);
    return framed({
      heightPx: arms.length * ROW_PX + 66 + (others.length === 0 ? 0 : 34),
      encoding: { y: armRows },
      layer: [
        figureLayer(
          parts,
          { type: 'bar', height: { band: BAR_SHARE }, yOffset: -LIFT_PX, stroke: 'var(--paper)' },
          {
            x: linearAxis('from', [0, limit], { title: 'mean response time (ms)', ticks: 4 }),
            x2: { field: 'to' },
            color,
            strokeWidth: either('datum.isThin', 0, 1),
          },
        ),
        silentLayer(
          labels,
          {
            type: 'text',
            baseline: 'top',
            dy: (ROW_PX * BAR_SHARE) / 2 - LIFT_PX + 3,
            lineHeight: 14,
            color: MUTED,
          },
          { x: quantity('middle'), text: { field: 'text' } },
        ),
        silentLayer(
          totals,
          { type: 'text', align: 'left', dx: 8, dy: -LIFT_PX },
          { x: quantity('value'), text: { field: 'text' } },
        ),
      ],
    });
  },
  table: view =>
    tabulate(listParts(view), {
      name: 'phases',
      title: 'Where the time goes',
      columns: [
        [keyColumn('arm', 'client'), part => words(part.arm, part.name)],
        [keyColumn('phase', 'phase'), part => words(part.phase, part.key)],
        [
          figureColumn('meanMs', 'mean', 'ms/request'),
          ({ ms, marks }) => figure(formatMs(ms * 1000), ms, marks),
        ],
        [
          figureColumn('shareRatio', 'share', 'of response time'),
          ({ share, marks }) => shareCell(share, marks),
        ],
      ],
    }),
};
export default chart;

/** @param unnamed phases that the picture has no room to name, and a legend above it does */
function phaseColours(phases: readonly Phase[], unnamed: readonly string[]) {
  const columns = Math.floor((CHART_PX - NAMES_PX) / LEGEND_ITEM_PX) + 1;
  const legend = {
    title: null,
    values: [...unnamed],
    orient: 'top',
    direction: 'horizontal',
    columns: Math.min(unnamed.length, columns),
    symbolType: 'square',
    symbolStrokeWidth: 0,
  } as const;
  return {
    field: 'phase',
    type: 'nominal',
    scale: { domain: phases.map(phase => PHASE_NAMES[phase]), range: phases.map(phaseColour) },
    legend: unnamed.length === 0 ? null : legend,
  } as const;
}

/** The phases that take any time, end to end. */
function listParts(view: CellView) {
  const arms = phasedArms(view);
  const phases = phasesOf(arms);
  return arms.flatMap(({ arm: { name, label, marks: all }, split: { parts, responseUs } }) => {
    const marks = onlyInvalid(all);
    let endMs = 0;
    return phases
      .filter(phase => parts[phase] > 0)
      .map(phase => {
        const ms = parts[phase] / 1000;
        const from = endMs;
        endMs += ms;
        const share = parts[phase] / responseUs;
        const tip = `${label}, ${PHASE_NAMES[phase]}: ${formatLatency(parts[phase])}, ${formatPercent(share)} of the response time`;
        return {
          name,
          arm: label,
          key: phase,
          phase: PHASE_NAMES[phase],
          ms,
          from,
          to: endMs,
          share,
          marks,
          tip,
        };
      });
  });
}
