// Chart: mean latency by requests per connection, and what opening a connection costs by the fitted model.
import { type AmortisationFit, cellAmortisation } from '../../results/connection-cost.ts';
import { reuseOf } from '../../results/connections.ts';
import { allMarks, type CellView, signsOf } from '../cell-view.ts';
import { createTable, figure, figureColumn, keyColumn, words } from '../tables/table.ts';
import { describeAmortisation, fitsWell, openingOf } from '../words/connection-cost.ts';
import { formatCount, formatLatency, formatMs, formatPercent, formatSignificant } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import { armMarks, framed, guideLine, INK, type Layer, logTicks, MUTED, type X, type Y } from './theme.ts';

const CURVE_POINTS = 80;
/** A break-even beyond the last point by more than this factor is only reported in words. */
const FAR_FACTOR = 10;
/** Beyond this share of the axis, a label has no room to the right of its point. */
const RIGHT_SHARE = 0.75;

const chart: Chart = {
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
    const points = pointsOf(view, fit);
    const marks = armMarks(view.arms);
    const most = Math.max(...points.map(({ k }) => k));
    const breakEven = fitsWell(fit) ? fit.breakEvenRequests : null;
    const shownBreakEven = breakEven !== null && breakEven <= FAR_FACTOR * most ? breakEven : null;
    const longest = Math.max(most, shownBreakEven ?? 1) * 1.3;
    const highest = Math.max(...points.map(({ ms }) => ms));
    const k: X = {
      field: 'k',
      type: 'quantitative',
      scale: { type: 'log', domain: [0.9, longest], nice: false },
      axis: {
        title: 'requests per connection (k)',
        values: logTicks(0.9, longest),
        format: ',~r',
        grid: false,
      },
    };
    const ms: Y = {
      field: 'ms',
      type: 'quantitative',
      scale: { domain: [0, highest * 1.12], nice: false },
      axis: { title: 'mean latency (ms)', tickCount: 6, format: ',~r' },
    };
    return framed(
      {
        layer: [
          {
            data: {
              values: [{ ms: fit.serviceUs / 1000, k: 1, text: `service ${formatLatency(fit.serviceUs)}` }],
            },
            layer: [
              {
                mark: guideLine,
                encoding: { y: ms, description: { field: 'text' } },
              },
              {
                mark: {
                  type: 'text',
                  align: 'left',
                  baseline: 'top',
                  dy: 6,
                  dx: -2,
                  color: MUTED,
                  aria: false,
                },
                encoding: { x: k, y: ms, text: { field: 'text' } },
              },
            ],
          },
          ...breakEvenLayers(shownBreakEven, { k, ms, highest, longest }),
          {
            data: { values: curveOf(fit, longest) },
            mark: { type: 'line', color: INK, strokeWidth: 1.6, opacity: 0.7, aria: false },
            encoding: { x: k, y: ms },
          },
          {
            data: { name: 'figures', values: points },
            mark: { type: 'point', filled: true, size: 110, opacity: 1 },
            encoding: {
              x: k,
              y: ms,
              color: marks.colour,
              shape: marks.shape,
              description: { field: 'tip' },
            },
          },
          labelLayer(
            points.filter(point => point.k <= longest ** RIGHT_SHARE),
            { k, ms },
            { align: 'left', dx: 9, dy: -10 },
          ),
          labelLayer(
            points.filter(point => point.k > longest ** RIGHT_SHARE),
            { k, ms },
            { align: 'right', dx: 0, dy: 16 },
          ),
        ],
      },
      { heightPx: 310 },
    );
  },
  table(view) {
    const fit = fitOf(view);
    return createTable({
      name: 'amortisation',
      title: 'What opening a connection costs',
      columns: [
        keyColumn('arm', 'client'),
        figureColumn('requestsPerConnection', 'requests per connection'),
        figureColumn('measuredMs', 'measured mean latency', 'ms'),
        figureColumn('modelMs', 'model', 'ms'),
      ],
      rows: pointsOf(view, fit).map(point => [
        words(point.arm, point.name),
        words(
          point.limit === 'unlimited'
            ? `unlimited (${formatSignificant(point.k)})`
            : formatCount(point.limit),
          point.limit,
        ),
        figure(formatMs(point.ms * 1000), point.ms, point.marks),
        figure(formatMs(point.predictedUs), point.predictedUs / 1000, allMarks(view)),
      ]),
      notes: [describeAmortisation(fit, signsOf(allMarks(view)), openingOf(view))],
    });
  },
};
export default chart;

/** @throws Error when the chart does not apply. */
function fitOf({ result }: CellView): AmortisationFit {
  const fit = cellAmortisation(result);
  if (fit === null) throw new Error('a chart that does not apply was drawn');
  return fit;
}

/** Unlimited is placed at the number of requests per connection that was reached. */
function pointsOf({ arms }: CellView, fit: AmortisationFit) {
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

function labelLayer(
  values: ReturnType<typeof pointsOf>,
  { k, ms }: { k: X; ms: Y },
  place: { align: 'left' | 'right'; dx: number; dy: number },
): Layer {
  return {
    data: { values },
    mark: { type: 'text', aria: false, ...place },
    encoding: { x: k, y: ms, text: { field: 'text' } },
  };
}

function breakEvenLayers(
  breakEvenRequests: number | null,
  { k, ms, highest, longest }: { k: X; ms: Y; highest: number; longest: number },
): Layer[] {
  if (breakEvenRequests === null) return [];
  const isRight = breakEvenRequests > Math.sqrt(longest);
  const text = `handshake is 10 %\nof service\nat k = ${formatCount(breakEvenRequests)}`;
  return [
    {
      data: { values: [{ k: breakEvenRequests, ms: highest, text }] },
      layer: [
        {
          mark: guideLine,
          encoding: { x: k, description: { field: 'text' } },
        },
        {
          mark: {
            type: 'text',
            align: isRight ? 'right' : 'left',
            baseline: 'top',
            dx: isRight ? -6 : 6,
            color: MUTED,
            aria: false,
          },
          encoding: { x: k, y: ms, text: { field: 'text' } },
        },
      ],
    },
  ];
}
