// Chart: connections opened and accepted per 1,000 requests, beside the number that the connection policy needs.
import type { Finding } from '../../results/model/run.ts';
import { type CellView, onlyInvalid } from '../cell-view.ts';
import { formatNeeded } from '../tables/main.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from '../tables/table.ts';
import { describeAcceptedBy, describeOpenedBy, knownAccepted, knownOpened } from '../words/caveats.ts';
import { formatCount, formatSignificant, NO_FIGURE } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import { armMarks, armRows, framed, INK, MUTED } from './theme.ts';

const chart: Chart = {
  name: 'ledger',
  section: 'connections',
  title: 'Connections per 1,000 requests',
  applies: view => rowsOf(view).length > 0,
  caption: view =>
    `Circles: connections opened (${describeOpenedBy(view)}). Crosses: connections accepted (${describeAcceptedBy(view)}). Bars: the range that the connection policy needs. Ideally, each cross lies in its circle and on its bar. Logarithmic axis; warm-up included.`,
  spec(view) {
    const rows = rowsOf(view);
    const positive = rows
      .flatMap(({ opened, accepted, least }) => [opened ?? least, accepted ?? least, least])
      .filter(n => n > 0);
    const floor = 10 ** Math.floor(Math.log10(Math.min(...positive, 100)) - 0.1);
    const ceiling = Math.max(2000, 2 * Math.max(...positive, 0));
    const shown = (value: number) => Math.max(floor, value);
    const needed = rows.map(row => ({
      ...row,
      from: shown(row.least) * 0.93,
      to: Math.min(ceiling, shown(row.most ?? ceiling) * 1.07),
    }));
    const counted = rows.flatMap(row => [
      ...(row.opened === null ? [] : [{ ...row, kind: 'opened', at: shown(row.opened) }]),
      ...(row.accepted === null ? [] : [{ ...row, kind: 'accepted', at: shown(row.accepted) }]),
    ]);
    const axis = {
      title: 'connections per 1,000 requests',
      values: decades(floor, ceiling),
      format: ',~r',
    };
    return framed(
      {
        encoding: { y: armRows },
        layer: [
          {
            data: { values: needed },
            mark: { type: 'bar', height: { band: 0.3 }, color: MUTED, opacity: 0.35, cornerRadius: 3 },
            encoding: {
              x: {
                field: 'from',
                type: 'quantitative',
                scale: { type: 'log', domain: [floor, ceiling], nice: false },
                axis,
              },
              x2: { field: 'to' },
              description: { field: 'neededTip' },
            },
          },
          {
            data: { values: counted.filter(({ kind }) => kind === 'opened') },
            mark: { type: 'point', shape: 'circle', size: 190, strokeWidth: 2.4, filled: false },
            encoding: {
              x: { field: 'at', type: 'quantitative' },
              color: armMarks(view.arms).colour,
              description: { field: 'tip' },
            },
          },
          {
            data: { name: 'figures', values: counted },
            transform: [{ filter: "datum.kind === 'accepted'" }],
            mark: {
              type: 'point',
              shape: 'M-1,-1L1,1M-1,1L1,-1',
              size: 60,
              strokeWidth: 2,
              color: INK,
              filled: false,
            },
            encoding: { x: { field: 'at', type: 'quantitative' }, description: { field: 'tip' } },
          },
          {
            data: { values: counted.filter(({ kind }) => kind === 'opened') },
            mark: { type: 'text', dy: -17, aria: false },
            encoding: { x: { field: 'at', type: 'quantitative' }, text: { field: 'text' } },
          },
        ],
      },
      { heightPx: rows.length * 52 + 50 },
    );
  },
  hasOpenTable: true,
  table: view =>
    createTable({
      name: 'ledger',
      title: 'Connections',
      columns: [
        keyColumn('arm', 'client'),
        figureColumn('requestsSent', 'requests sent'),
        figureColumn('openedPerThousand', 'opened', 'per 1,000 requests'),
        figureColumn('acceptedPerThousand', 'accepted', 'per 1,000 requests'),
        figureColumn('neededCount', 'needed', 'in total'),
        wordColumn('state', 'opened = accepted, within need'),
      ],
      rows: rowsOf(view).map(row => [
        words(row.arm, row.name),
        figure(formatCount(row.requestsSent), row.requestsSent, row.marks),
        row.opened === null ? nothing : figure(formatSignificant(row.opened), row.opened, row.marks),
        row.accepted === null ? nothing : figure(formatSignificant(row.accepted), row.accepted, row.marks),
        figure(formatNeeded(row.needed), row.needed, row.marks),
        words(
          row.state === 'pass' && row.accepted === null ? WITHIN_NEED : STATE_WORDS[row.state],
          row.state,
        ),
      ]),
    }),
};
export default chart;

type State = Finding['state'] | 'unknown';

const STATE_WORDS: Record<State, string> = {
  pass: '✓',
  warn: '! audit warns',
  fail: '✗ audit failed',
  unknown: NO_FIGURE,
};

/** Of connections whose accepting end is not known: half of what the column says. */
const WITHIN_NEED = '✓ within need; accepted not known';

/** The audit judges each trial; a client is as good as its worst. */
function stateOf(arm: string, { findings }: CellView['result']): State {
  const states = findings
    .filter(({ rule, ...of }) => rule === 'ledger' && of.arm === arm)
    .map(({ state }) => state);
  return (['fail', 'warn', 'pass'] as const).find(state => states.includes(state)) ?? 'unknown';
}

function rowsOf({ arms, result }: CellView) {
  return arms.flatMap(({ name, label, summary, marks: all }) => {
    if (summary === null || summary.requestsSent === 0) return [];
    const { requestsSent, needed } = summary;
    const perThousand = (count: number) => (count / requestsSent) * 1000;
    const marks = onlyInvalid(all);
    const openedCount = knownOpened(summary);
    const opened = openedCount === null ? null : perThousand(openedCount);
    const acceptedCount = knownAccepted(summary);
    const accepted = acceptedCount === null ? null : perThousand(acceptedCount);
    const sign = marks.length === 0 ? '' : '†';
    const most = needed.most === null ? null : perThousand(needed.most);
    return {
      name,
      arm: label,
      marks,
      requestsSent,
      needed,
      state: stateOf(name, result),
      opened,
      accepted,
      least: perThousand(needed.least),
      most,
      text: `${opened === null ? NO_FIGURE : formatSignificant(opened)}${sign}`,
      tip: `${label}: opened ${openedCount === null ? NO_FIGURE : formatCount(openedCount)}, accepted ${acceptedCount === null ? NO_FIGURE : formatCount(acceptedCount)} for ${formatCount(requestsSent)} requests`,
      neededTip: `${label}: needs ${formatNeeded(needed)} for ${formatCount(requestsSent)} requests`,
    };
  });
}

function decades(floor: number, ceiling: number): number[] {
  const first = Math.round(Math.log10(floor));
  const last = Math.floor(Math.log10(ceiling));
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}
