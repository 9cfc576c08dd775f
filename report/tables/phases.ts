// In: the arms of a cell. Out: where their time goes: waiting, connecting, TLS, first byte; null without any trial.
import type { CompletedTrial, Histogram } from '../../bench/core/types.ts';
import { mergeHistograms } from '../../results/histogram.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { msText } from '../numbers.ts';
import type { Table, TableCell } from '../report.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from '../table-parts.ts';

type Phase = 'service' | 'wait' | 'firstByte' | 'connect' | 'tls';

const PHASES: readonly { phase: Phase; heading: string }[] = [
  { phase: 'service', heading: 'service' },
  { phase: 'wait', heading: 'wait' },
  { phase: 'firstByte', heading: 'first byte' },
  { phase: 'connect', heading: 'connect' },
  { phase: 'tls', heading: 'TLS' },
];

const QUANTILES = [
  { name: 'mean', read: (histogram: Histogram) => histogram.meanUs },
  { name: 'p99', read: (histogram: Histogram) => histogram.p99Us },
] as const;

export function phaseTable({ arms }: CellView): Table | null {
  const measured = arms.filter(({ trials }) => trials.length > 0);
  const phases = PHASES.filter(({ phase }) =>
    measured.some(({ trials }) => trials.some(({ measurement }) => measurement[phase].count > 0)),
  );
  if (phases.length === 0) return null;
  return createTable({
    name: 'phases',
    title: 'Where the time goes',
    columns: [
      keyColumn('arm', 'arm'),
      ...phases.flatMap(({ phase, heading }) =>
        QUANTILES.map(({ name }) =>
          figureColumn(`${phase}${name === 'mean' ? 'Mean' : 'P99'}Ms`, `${heading} ${name}`, 'ms'),
        ),
      ),
    ],
    rows: measured.map(arm => [
      words(arm.label, arm.name),
      ...phases.flatMap(({ phase }) => phaseCells(arm, phase)),
    ]),
    notes: [
      'Service runs from when a request was really started, first byte from when it was written to a connection; the wait is for a connection, opening one included.',
      'TCP connect and TLS handshake are per connection opened, the rest per request.',
    ],
  });
}

function phaseCells({ trials, marks }: ArmView, phase: Phase): TableCell[] {
  const merged = mergeHistograms(trials.map((trial: CompletedTrial) => trial.measurement[phase]));
  if (merged.count === 0) return QUANTILES.map(() => nothing);
  return QUANTILES.map(({ read }) =>
    figure(
      msText(read(merged)),
      read(merged) / 1000,
      marks.filter(mark => mark === 'invalid'),
    ),
  );
}
