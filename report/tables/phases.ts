// In: the arms of a cell. Out: where the mean response time goes, the tails, and what connections took; null without any.
import type { Phase, PhaseSpreads, Spread } from '../../results/phases.ts';
import { spreadPhases } from '../../results/phases.ts';
import type { CellView } from '../cell-view.ts';
import { msText, significantText } from '../words/numbers.ts';
import { PHASE_NAMES } from '../phase-look.ts';
import type { PhasedArm } from '../phase-view.ts';
import { phasedArms, phaseNotes, phasesOf, phasesText } from '../phase-view.ts';
import type { Column, Table } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

interface Row extends PhasedArm {
  spreads: PhaseSpreads;
}

interface Measure {
  column: Column;
  /** In the unit of the column; null: the arm has no such figure. */
  read(row: Row): { text: string; value: number } | null;
}

const measureMs = (column: Column, readUs: (row: Row) => number | undefined): Measure => ({
  column,
  read: row => {
    const us = readUs(row);
    return us === undefined ? null : { text: msText(us), value: us / 1000 };
  },
});

const response = measureMs(
  figureColumn('responseMs', 'response mean', 'ms'),
  ({ split }) => split.responseUs,
);

const part = (phase: Phase): Measure =>
  measureMs(figureColumn(`${phase}Ms`, PHASE_NAMES[phase], 'ms'), ({ split }) => split.parts[phase]);

const tail = (phase: 'wait' | 'firstByte' | 'body', heading: string): Measure =>
  measureMs(figureColumn(`${phase}P99Ms`, heading, 'ms'), ({ spreads }) => spreads[phase]?.p99Us);

const opened: Measure = {
  column: figureColumn('openedPerThousand', 'opened', 'per 1,000 requests'),
  read: ({ split: { connectionsPerRequest } }) => ({
    text: significantText(connectionsPerRequest * 1000),
    value: connectionsPerRequest * 1000,
  }),
};

const ofConnection = (phase: 'connect' | 'tls', spread: keyof Spread): Measure => {
  const name = spread === 'meanUs' ? 'mean' : 'p99';
  return measureMs(
    figureColumn(
      `${phase}${name === 'mean' ? 'Mean' : 'P99'}Ms`,
      `${PHASE_NAMES[phase]} ${name}`,
      'ms/connection',
    ),
    ({ spreads }) => spreads[phase]?.[spread],
  );
};

const MEASURES: readonly Measure[] = [
  tail('wait', 'wait p99'),
  tail('firstByte', 'first byte p99'),
  tail('body', 'body p99'),
  opened,
  ofConnection('connect', 'meanUs'),
  ofConnection('connect', 'p99Us'),
  ofConnection('tls', 'meanUs'),
  ofConnection('tls', 'p99Us'),
];

export function phaseTable(view: CellView): Table | null {
  const arms = phasedArms(view);
  if (arms.length === 0) return null;
  const all: Row[] = arms.map(of => ({ ...of, spreads: spreadPhases(of.arm.trials) }));
  const phases = phasesOf(arms);
  const measures = [
    response,
    ...phases.map(part),
    ...MEASURES.filter(measure => all.some(row => measure.read(row) !== null)),
  ];
  return createTable({
    name: 'phases',
    title: 'Where the time goes, in figures',
    columns: [keyColumn('arm', 'arm'), ...measures.map(({ column }) => column)],
    rows: all.map(row => [
      words(row.arm.label, row.arm.name),
      ...measures.map(({ read }) => {
        const found = read(row);
        const marks = row.arm.marks.filter(mark => mark === 'invalid');
        return found === null ? nothing : figure(found.text, found.value, marks);
      }),
    ]),
    notes: [
      phasesText(arms),
      'Connections are those opened in the steady windows.',
      ...(phases.includes('queue')
        ? ['Queue is the wait for a connection without the opening of one; the p99 of the wait has both.']
        : []),
      ...phaseNotes(arms),
    ],
  });
}
