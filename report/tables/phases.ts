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
import type { Table } from '../model.ts';
import { formatSignificant } from '../words/numbers.ts';
import { compact } from '../words/text.ts';
import {
  clientColumn,
  figureColumn,
  nothing,
  type ReadColumn,
  roundedColumn,
  tabulate,
  timeCell,
  timeColumn,
} from './table.ts';

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

/** A column with the p99 of the requests or connections that the phase was timed for. */
function p99Column(phase: keyof PhaseSpreads, heading: string, unit = 'ms'): ReadColumn<Row> {
  return [
    figureColumn(`${phase}P99Ms`, heading, unit),
    ({ arm, spreads: { [phase]: spread } }) =>
      timeCell(spread?.p99Us ?? null, [
        ...onlyInvalid(arm.marks),
        ...quantileMarks(METRIC_TABLE.p99Us.shareBeyond, spread?.count ?? 0),
      ]),
  ];
}

function meanColumn(phase: 'connect' | 'tls'): ReadColumn<Row> {
  return [
    figureColumn(`${phase}MeanMs`, `${PHASE_NAMES[phase]} mean`, 'ms/connection'),
    ({ arm, spreads }) => timeCell(spreads[phase]?.meanUs ?? null, onlyInvalid(arm.marks)),
  ];
}

/** Shown where some client has such a figure. */
const COLUMNS: readonly ReadColumn<Row>[] = [
  p99Column('wait', 'wait p99'),
  p99Column('firstByte', 'first byte p99'),
  p99Column('body', 'body p99'),
  roundedColumn(
    'openedPerThousand',
    'opened',
    ({ split }) => split.connectionsPerRequest * 1000,
    'per 1,000 requests',
  ),
  meanColumn('connect'),
  p99Column('connect', 'connect p99', 'ms/connection'),
  meanColumn('tls'),
  p99Column('tls', 'TLS p99', 'ms/connection'),
];

export function phaseTable(view: CellView): Table | null {
  const arms = phasedArms(view);
  if (arms.length === 0) return null;
  const rows = arms.map((of): Row => ({ ...of, spreads: spreadPhases(of.arm.trials) }));
  const phases = phasesOf(arms);
  return tabulate(rows, {
    name: 'phases',
    title: 'Where the time goes: figures',
    columns: [
      clientColumn,
      timeColumn('responseMs', 'response mean', ({ split }) => split.responseUs),
      ...phases.map(phase =>
        timeColumn<Row>(`${phase}Ms`, PHASE_NAMES[phase], ({ split }) => split.parts[phase]),
      ),
      ...COLUMNS.filter(([, read]) => rows.some(row => read(row) !== nothing)),
    ],
    notes: [
      describePhases(arms),
      'Opened: connections per 1,000 requests of the slices, ramps and drains included. Their times: of those opened in the steady windows.',
      phases.includes('queue') &&
        'Queue is the wait for a connection without the time to open one; wait p99 includes both.',
      ...phaseNotes(arms),
    ],
  });
}
