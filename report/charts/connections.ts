// Charts of connections: how many were opened, accepted and needed, and what opening one costs.
import { type AmortisationFit, cellAmortisation } from '../../results/connection-cost.ts';
import { reuseOf } from '../../results/connections.ts';
import type { Finding } from '../../results/model/run.ts';
import { allMarks, type CellView, onlyInvalid } from '../cell-view.ts';
import { formatNeeded } from '../tables/main.ts';
import {
  countCell,
  figure,
  figureCell,
  figureColumn,
  keyColumn,
  tabulate,
  timeCell,
  wordColumn,
  words,
} from '../tables/table.ts';
import { describeAcceptedBy, describeOpenedBy, knownAccepted, knownOpened } from '../words/caveats.ts';
import { describeAmortisation, fitsWell, openingOf } from '../words/connection-cost.ts';
import { signsOf } from '../words/marks.ts';
import {
  formatCount,
  formatLatency,
  formatMs,
  formatPercent,
  formatSignificant,
  NO_FIGURE,
} from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import {
  armMarks,
  armRows,
  figureLayer,
  framed,
  guideLine,
  INK,
  type Layer,
  linearAxis,
  logAxis,
  MUTED,
  powersOfTen,
  quantity,
  silentLayer,
  tippedLayer,
} from './theme.ts';

/** Connections per 1,000 requests, beside the number that the connection policy needs. */
export const ledger: Chart = {
  name: 'ledger',
  section: 'connections',
  title: 'Connections per 1,000 requests',
  applies: view => listConnections(view).length > 0,
  caption: view =>
    `Circles: connections opened (${describeOpenedBy(view)}). Crosses: connections accepted (${describeAcceptedBy(view)}). Bars: the range that the connection policy needs. Ideally, each cross lies in its circle and on its bar. Logarithmic axis; warm-up included.`,
  spec(view) {
    const rows = listConnections(view);
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
      tip: row.neededTip,
    }));
    const counted = rows.flatMap(row => [
      ...(row.opened === null ? [] : [{ ...row, kind: 'opened', at: shown(row.opened) }]),
      ...(row.accepted === null ? [] : [{ ...row, kind: 'accepted', at: shown(row.accepted) }]),
    ]);
    const opened = counted.filter(({ kind }) => kind === 'opened');
    const x = logAxis('from', [floor, ceiling], 'connections per 1,000 requests');
    const decades = powersOfTen(Math.round(Math.log10(floor)), Math.floor(Math.log10(ceiling)));
    const at = quantity('at');
    return framed({
      heightPx: rows.length * 52 + 50,
      encoding: { y: armRows },
      layer: [
        tippedLayer(
          needed,
          { type: 'bar', height: { band: 0.3 }, color: MUTED, opacity: 0.35, cornerRadius: 3 },
          { x: { ...x, axis: { ...x.axis, values: decades } }, x2: { field: 'to' } },
        ),
        tippedLayer(
          opened,
          { type: 'point', shape: 'circle', size: 190, strokeWidth: 2.4, filled: false },
          { x: at, color: armMarks(view.arms).colour },
        ),
        {
          ...figureLayer(
            counted,
            { type: 'point', shape: CROSS, size: 60, strokeWidth: 2, color: INK, filled: false },
            { x: at },
          ),
          transform: [{ filter: "datum.kind === 'accepted'" }],
        },
        silentLayer(opened, { type: 'text', dy: -17 }, { x: at, text: { field: 'text' } }),
      ],
    });
  },
  hasOpenTable: true,
  table: view =>
    tabulate(listConnections(view), {
      name: 'ledger',
      title: 'Connections',
      columns: [
        [keyColumn('arm', 'client'), row => words(row.arm, row.name)],
        [figureColumn('requestsSent', 'requests sent'), row => countCell(row.requestsSent, row.marks)],
        [
          figureColumn('openedPerThousand', 'opened', 'per 1,000 requests'),
          row => figureCell(row.opened, row.marks),
        ],
        [
          figureColumn('acceptedPerThousand', 'accepted', 'per 1,000 requests'),
          row => figureCell(row.accepted, row.marks),
        ],
        [
          figureColumn('neededCount', 'needed', 'in total'),
          row => figure(formatNeeded(row.needed), row.needed, row.marks),
        ],
        [
          wordColumn('state', 'opened = accepted, within need'),
          ({ state, accepted }) =>
            words(state === 'pass' && accepted === null ? WITHIN_NEED : STATE_WORDS[state], state),
        ],
      ],
    }),
};

const CROSS = 'M-1,-1L1,1M-1,1L1,-1';

type State = Finding['state'] | 'unknown';

const STATE_WORDS: Record<State, string> = {
  pass: '✓',
  warn: '! audit warns',
  fail: '✗ audit failed',
  unknown: NO_FIGURE,
};

/** The entry where the accepting end of connections is not known: half of what the column says. */
const WITHIN_NEED = '✓ within need; accepted not known';

/** The audit judges each trial; a client is as good as its worst. */
function stateOf(arm: string, { findings }: CellView['result']): State {
  const states = findings
    .filter(({ rule, ...of }) => rule === 'ledger' && of.arm === arm)
    .map(({ state }) => state);
  return (['fail', 'warn', 'pass'] as const).find(state => states.includes(state)) ?? 'unknown';
}

function listConnections({ arms, result }: CellView) {
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

const CURVE_POINTS = 80;
/** A break-even beyond the last point by more than this factor is only reported in words. */
const FAR_FACTOR = 10;
/** Beyond this share of the axis, a label has no room to the right of its point. */
const RIGHT_SHARE = 0.75;

/** Mean latency by requests per connection, and what opening a connection costs by the fitted model. */
export const amortisation: Chart = {
  name: 'amortisation',
  section: 'connections',
  title: 'What opening a connection costs',
  applies: ({ result }) => cellAmortisation(result) !== null,
  caption(view) {
    const fit = fitOf(view);
    return `Points: mean latency by requests per connection (unlimited: the number reached). Line: the model latency = service + handshake / requests per connection, here ${formatMs(fit.serviceUs)} ms + ${formatMs(fit.handshakeUs)} ms / k, which explains ${formatPercent(fit.r2)} of the variation. ${describeAmortisation(fit, signsOf(allMarks(view)), openingOf(view))}`;
  },
  spec(view) {
    const fit = fitOf(view);
    const points = listPoints(view, fit);
    const { colour: color, shape } = armMarks(view.arms);
    const most = Math.max(...points.map(({ k }) => k));
    const breakEven = fitsWell(fit) ? fit.breakEvenRequests : null;
    const shownBreakEven = breakEven !== null && breakEven <= FAR_FACTOR * most ? breakEven : null;
    const longest = Math.max(most, shownBreakEven ?? 1) * 1.3;
    const highest = Math.max(...points.map(({ ms }) => ms));
    const logK = logAxis('k', [0.9, longest], 'requests per connection (k)');
    const x = { ...logK, axis: { ...logK.axis, grid: false } };
    const y = linearAxis('ms', [0, highest * 1.12], { title: 'mean latency (ms)', ticks: 6 });
    const text = { field: 'text' };
    const tip = `service ${formatLatency(fit.serviceUs)}`;
    const service = [{ ms: fit.serviceUs / 1000, k: 1, text: tip, tip }];
    const left = points.filter(({ k }) => k <= longest ** RIGHT_SHARE);
    const right = points.filter(({ k }) => k > longest ** RIGHT_SHARE);
    return framed({
      heightPx: 310,
      layer: [
        tippedLayer(service, guideLine, { y }),
        silentLayer(
          service,
          { type: 'text', align: 'left', baseline: 'top', dy: 6, dx: -2, color: MUTED },
          { x, y, text },
        ),
        ...(shownBreakEven === null ? [] : breakEvenLayers(shownBreakEven, { x, y, highest, longest })),
        silentLayer(
          curveOf(fit, longest),
          { type: 'line', color: INK, strokeWidth: 1.6, opacity: 0.7 },
          { x, y },
        ),
        figureLayer(points, { type: 'point', filled: true, size: 110, opacity: 1 }, { x, y, color, shape }),
        silentLayer(left, { type: 'text', align: 'left', dx: 9, dy: -10 }, { x, y, text }),
        silentLayer(right, { type: 'text', align: 'right', dx: 0, dy: 16 }, { x, y, text }),
      ],
    });
  },
  table(view) {
    const fit = fitOf(view);
    const marks = allMarks(view);
    return tabulate(listPoints(view, fit), {
      name: 'amortisation',
      title: 'What opening a connection costs',
      columns: [
        [keyColumn('arm', 'client'), point => words(point.arm, point.name)],
        [
          figureColumn('requestsPerConnection', 'requests per connection'),
          ({ limit, k }) =>
            words(limit === 'unlimited' ? `unlimited (${formatSignificant(k)})` : formatCount(limit), limit),
        ],
        [
          figureColumn('measuredMs', 'measured mean latency', 'ms'),
          point => figure(formatMs(point.ms * 1000), point.ms, point.marks),
        ],
        [figureColumn('modelMs', 'model', 'ms'), point => timeCell(point.predictedUs, marks)],
      ],
      notes: [describeAmortisation(fit, signsOf(marks), openingOf(view))],
    });
  },
};

/** @throws Error when the chart does not apply. */
function fitOf({ result }: CellView): AmortisationFit {
  const fit = cellAmortisation(result);
  if (fit === null) throw new Error('a chart that does not apply was drawn');
  return fit;
}

/** Unlimited is placed at the number of requests per connection that was reached. */
function listPoints({ arms }: CellView, fit: AmortisationFit) {
  return fit.arms.flatMap(({ arm: name, requestsPerConnection: limit, measuredUs, predictedUs }) => {
    const arm = arms.find(candidate => candidate.name === name);
    if (arm?.summary == null) return [];
    const reuse = reuseOf(arm.trials.map(({ measurement }) => measurement.ledger));
    const k =
      limit !== 'unlimited'
        ? limit
        : reuse === null
          ? 1
          : Math.max(1, reuse.connected.most / Math.max(1, reuse.opened));
    const tip = `${arm.label}: mean ${formatLatency(measuredUs)}, model ${formatLatency(predictedUs)}`;
    return {
      name,
      arm: arm.label,
      text: arm.label.replace(' (baseline)', ''),
      marks: arm.marks,
      limit,
      k,
      ms: measuredUs / 1000,
      predictedUs,
      tip,
    };
  });
}

function curveOf({ serviceUs, handshakeUs }: AmortisationFit, longest: number) {
  return Array.from({ length: CURVE_POINTS + 1 }, (_, index) => {
    const k = longest ** (index / CURVE_POINTS);
    return { k, ms: (serviceUs + handshakeUs / k) / 1000 };
  });
}

function breakEvenLayers(
  requests: number,
  { x, y, highest, longest }: { x: object; y: object; highest: number; longest: number },
): Layer[] {
  const isRight = requests > Math.sqrt(longest);
  const text = `handshake is 10 %\nof service\nat k = ${formatCount(requests)}`;
  const values = [{ k: requests, ms: highest, text, tip: text }];
  const [align, dx] = isRight ? (['right', -6] as const) : (['left', 6] as const);
  return [
    tippedLayer(values, guideLine, { x }),
    silentLayer(
      values,
      { type: 'text', align, baseline: 'top', dx, color: MUTED },
      { x, y, text: { field: 'text' } },
    ),
  ];
}
