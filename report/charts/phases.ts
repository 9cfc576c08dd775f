// Chart: the mean response time of each client as a bar, divided into the phases of a request.
import { type CellView, onlyInvalid, signsOf } from '../cell-view.ts';
import {
  describePhases,
  PHASE_NAMES,
  phaseColour,
  phasedArms,
  phaseNotes,
  phasesOf,
} from '../tables/phases.ts';
import { createTable, figure, figureColumn, keyColumn, words } from '../tables/table.ts';
import { formatLatency, formatMs, formatPercent } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import {
  armRows,
  CHARACTER_PX,
  CHART_PX,
  endWithRoom,
  framed,
  LABEL_PX,
  LINE_BREAK,
  MUTED,
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
    const parts = partsOf(view).map(part => ({ ...part, isThin: px(part.ms) < THIN_PX }));
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
    const legendColumns = Math.floor((CHART_PX - NAMES_PX) / LEGEND_ITEM_PX) + 1;
    return framed(
      {
        encoding: { y: armRows },
        layer: [
          {
            data: { name: 'figures', values: parts },
            mark: { type: 'bar', height: { band: BAR_SHARE }, yOffset: -LIFT_PX, stroke: 'var(--paper)' },
            encoding: {
              x: {
                field: 'from',
                type: 'quantitative',
                scale: { domain: [0, limit], nice: false },
                axis: { title: 'mean response time (ms)', tickCount: 4, format: ',~r' },
              },
              x2: { field: 'to' },
              color: {
                field: 'phase',
                type: 'nominal',
                scale: { domain: phases.map(phase => PHASE_NAMES[phase]), range: phases.map(phaseColour) },
                legend:
                  others.length === 0
                    ? null
                    : {
                        title: null,
                        values: others,
                        orient: 'top',
                        direction: 'horizontal',
                        columns: Math.min(others.length, legendColumns),
                        symbolType: 'square',
                        symbolStrokeWidth: 0,
                      },
              },
              strokeWidth: { condition: { test: 'datum.isThin', value: 0 }, value: 1 },
              description: { field: 'tip' },
            },
          },
          {
            data: { values: labels },
            mark: {
              type: 'text',
              baseline: 'top',
              dy: (ROW_PX * BAR_SHARE) / 2 - LIFT_PX + 3,
              lineHeight: 14,
              color: MUTED,
              aria: false,
            },
            encoding: { x: { field: 'middle', type: 'quantitative' }, text: { field: 'text' } },
          },
          {
            data: { values: totals },
            mark: { type: 'text', align: 'left', dx: 8, dy: -LIFT_PX, aria: false },
            encoding: { x: { field: 'value', type: 'quantitative' }, text: { field: 'text' } },
          },
        ],
      },
      { heightPx: arms.length * ROW_PX + 66 + (others.length === 0 ? 0 : 34) },
    );
  },
  table: view =>
    createTable({
      name: 'phases',
      title: 'Where the time goes',
      columns: [
        keyColumn('arm', 'client'),
        keyColumn('phase', 'phase'),
        figureColumn('meanMs', 'mean', 'ms/request'),
        figureColumn('shareRatio', 'share', 'of response time'),
      ],
      rows: partsOf(view).map(({ name, arm, key, phase, ms, share, marks }) => [
        words(arm, name),
        words(phase, key),
        figure(formatMs(ms * 1000), ms, marks),
        figure(formatPercent(share), share, marks),
      ]),
    }),
};
export default chart;

/** The phases that take any time, end to end. */
function partsOf(view: CellView) {
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
