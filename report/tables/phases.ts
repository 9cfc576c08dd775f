// Table of phases: where the mean response time goes, tail latencies, and the time to open connections.
import { METRIC_TABLE } from '../../results/metrics.ts';
import {
  PHASES,
  type Phase,
  type PhaseSplit,
  type PhaseSpreads,
  splitPhases,
  spreadPhases,
} from '../../results/phases.ts';
import { type ArmView, type CellView, onlyInvalid, quantileMarks } from '../cell-view.ts';
import type { Column, Table } from '../model.ts';
import { formatMs, formatSignificant } from '../words/numbers.ts';
import { compact } from '../words/text.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

/** The names of the phases, the same in every chart and table. */
export const PHASE_NAMES: Record<Phase, string> = {
  heldBack: 'held back',
  queue: 'queue',
  connect: 'connect',
  tls: 'TLS',
  firstByte: 'first byte',
  body: 'body',
  unsplit: 'not split',
};

/**
 * Adjacent phases differ in hue and in lightness, all are distinguishable with any kind of colour vision, none looks like a
 * client's, and each has a contrast of at least 3 to its background. Found by search under these conditions, which the test enforces.
 */
export const PHASE_COLOURS: Record<Phase, string> = {
  heldBack: '#988856',
  queue: '#be771d',
  connect: '#a0250f',
  tls: '#722881',
  firstByte: '#678ee8',
  body: '#004932',
  unsplit: '#8293a4',
};
/** The same on a dark background. */
export const PHASE_COLOURS_DARK: Record<Phase, string> = {
  heldBack: '#f9d9a7',
  queue: '#e89800',
  connect: '#ce3a28',
  tls: '#9365a8',
  firstByte: '#20cde5',
  body: '#3c7665',
  unsplit: '#e5f7eb',
};

/** As a variable of the page. */
export function phaseColour(phase: Phase): string {
  return `var(--phase-${phase})`;
}

interface PhasedArm {
  arm: ArmView;
  split: PhaseSplit;
}

/** The arms that have response times to split. */
export function phasedArms({ arms }: CellView): PhasedArm[] {
  return arms.flatMap(arm => {
    const split = splitPhases(arm.trials);
    return split === null ? [] : [{ arm, split }];
  });
}

/** The phases that take any time in any arm, in order of time. */
export function phasesOf(arms: readonly PhasedArm[]): Phase[] {
  return PHASES.filter(phase => arms.some(({ split }) => split.parts[phase] > 0));
}

const PHASE_MEANINGS: Record<Phase, string> = {
  heldBack: 'due but not yet sent',
  queue: 'waiting for a connection',
  connect: 'share of opening connections',
  tls: 'share of TLS handshakes',
  firstByte: 'from the request written to the response header',
  body: 'until the last byte',
  unsplit: 'not reported by the client',
};

const OFF =
  'Phases were not recorded (phases: false in the scenario, or --no-phases), so the mean response time is split only as far as possible without them.';

/** Where the time of a request goes, or that phases were not recorded. */
export function describePhases(arms: readonly PhasedArm[]): string {
  if (arms.every(({ split }) => !split.isRecorded)) return OFF;
  const phases = phasesOf(arms).map(phase => `${PHASE_NAMES[phase]} (${PHASE_MEANINGS[phase]})`);
  return `The phases of the mean response time, in order: ${phases.join(', ')}.`;
}

/** A client that opens a connection for this share of its requests opens some in every window. */
const OFTEN = 0.5;

/** What to know about single arms, or about the link. */
export function phaseNotes(arms: readonly PhasedArm[]): string[] {
  const linked = arms.find(({ split }) => split.roundTripUs > 0 && split.areConnectionsTimed)?.split;
  const silent = arms.filter(
    ({ arm: { summary }, split }) =>
      !split.areConnectionsTimed && summary !== null && summary.opened > OFTEN * summary.requestsSent,
  );
  const incomplete = arms.filter(({ split }) => split.isRecorded && split.parts.unsplit > 0);
  return compact([
    linked !== undefined &&
      `Of each new connection, the ${formatSignificant(linked.roundTripUs / 1000)} ms of a round trip on the emulated link count as connect. There the kernel reports "connected" at once, and TLS or the first byte waits instead.`,
    silent.length > 0 &&
      `${namesOf(silent)} did not report how long it takes to open a connection; that time is part of queue, or not split.`,
    incomplete.length > 0 && `${namesOf(incomplete)} did not report every phase of every request.`,
  ]);
}

function namesOf(arms: readonly PhasedArm[]): string {
  return arms.map(({ arm }) => arm.name).join(', ');
}

interface Row extends PhasedArm {
  spreads: PhaseSpreads;
}

interface Measure {
  column: Column;
  /** In the unit of the column; null if the arm has no such figure. */
  read(row: Row): { text: string; value: number } | null;
  /** Of a quantile: the requests or connections that it is of. */
  count?(row: Row): number;
}

const measureMs = (column: Column, readUs: (row: Row) => number | undefined): Measure => ({
  column,
  read: row => {
    const us = readUs(row);
    return us === undefined ? null : { text: formatMs(us), value: us / 1000 };
  },
});

const p99Of = (phase: keyof PhaseSpreads, column: Column): Measure => ({
  ...measureMs(column, ({ spreads }) => spreads[phase]?.p99Us),
  count: ({ spreads }) => spreads[phase]?.count ?? 0,
});

const response = measureMs(
  figureColumn('responseMs', 'response mean', 'ms'),
  ({ split }) => split.responseUs,
);

const part = (phase: Phase): Measure =>
  measureMs(figureColumn(`${phase}Ms`, PHASE_NAMES[phase], 'ms'), ({ split }) => split.parts[phase]);

const tail = (phase: 'wait' | 'firstByte' | 'body', heading: string): Measure =>
  p99Of(phase, figureColumn(`${phase}P99Ms`, heading, 'ms'));

const opened: Measure = {
  column: figureColumn('openedPerThousand', 'opened', 'per 1,000 requests'),
  read: ({ split: { connectionsPerRequest } }) => ({
    text: formatSignificant(connectionsPerRequest * 1000),
    value: connectionsPerRequest * 1000,
  }),
};

const ofConnection = (phase: 'connect' | 'tls', of: 'mean' | 'p99'): Measure => {
  const key = `${phase}${of === 'mean' ? 'Mean' : 'P99'}Ms`;
  const column = figureColumn(key, `${PHASE_NAMES[phase]} ${of}`, 'ms/connection');
  return of === 'p99' ? p99Of(phase, column) : measureMs(column, ({ spreads }) => spreads[phase]?.meanUs);
};

const MEASURES: readonly Measure[] = [
  tail('wait', 'wait p99'),
  tail('firstByte', 'first byte p99'),
  tail('body', 'body p99'),
  opened,
  ofConnection('connect', 'mean'),
  ofConnection('connect', 'p99'),
  ofConnection('tls', 'mean'),
  ofConnection('tls', 'p99'),
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
    title: 'Where the time goes: figures',
    columns: [keyColumn('arm', 'client'), ...measures.map(({ column }) => column)],
    rows: all.map(row => [
      words(row.arm.label, row.arm.name),
      ...measures.map(({ read, count }) => {
        const found = read(row);
        if (found === null) return nothing;
        const few = count === undefined ? [] : quantileMarks(METRIC_TABLE.p99Us.shareBeyond, count(row));
        return figure(found.text, found.value, [...onlyInvalid(row.arm.marks), ...few]);
      }),
    ]),
    notes: compact([
      describePhases(arms),
      'Opened: connections per 1,000 requests of the slices, ramps and drains included. Their times: of those opened in the steady windows.',
      phases.includes('queue') &&
        'Queue is the wait for a connection without the time to open one; wait p99 includes both.',
      ...phaseNotes(arms),
    ]),
  });
}
