// In: the arms of a cell. Out: where the mean response time goes, the tails, and what connections took; null without any.
import {
  PHASES,
  type Phase,
  type PhaseSplit,
  type PhaseSpreads,
  type Spread,
  splitPhases,
  spreadPhases,
} from '../../results/phases.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import type { Column, Table } from '../model.ts';
import { msText, significantText } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

// From a phase. Out: its name and its colour, the same in every chart, readable in any theme.

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
 * Phases next to each other differ in hue and in lightness; with any kind of colour vision all can be told apart, and
 * each has a contrast of at least 3 to its ground. Found by search under these conditions; the test holds them.
 */
export const PHASE_COLOURS: Record<Phase, string> = {
  heldBack: '#a48962',
  queue: '#c57601',
  connect: '#950600',
  tls: '#7c2b80',
  firstByte: '#5494e4',
  body: '#015144',
  unsplit: '#84929d',
};
/** The same on a dark ground. */
export const PHASE_COLOURS_DARK: Record<Phase, string> = {
  heldBack: '#e9cca4',
  queue: '#eaa02b',
  connect: '#cd4832',
  tls: '#9469a1',
  firstByte: '#64caff',
  body: '#4a8872',
  unsplit: '#bac4cd',
};

/** A page may override it by a CSS variable. */
export function phaseColour(phase: Phase): string {
  return `var(--phase-${phase}, ${PHASE_COLOURS[phase]})`;
}

// From a cell. Out: its arms' phases, which of them occur, and what to know of them, in sentences.

interface PhasedArm {
  arm: ArmView;
  split: PhaseSplit;
}

/** The arms that have answers to divide. */
export function phasedArms({ arms }: CellView): PhasedArm[] {
  return arms.flatMap(arm => {
    const split = splitPhases(arm.trials);
    return split === null ? [] : [{ arm, split }];
  });
}

/** Those that take any time in any arm, in order of time. */
export function phasesOf(arms: readonly PhasedArm[]): Phase[] {
  return PHASES.filter(phase => arms.some(({ split }) => split.parts[phase] > 0));
}

const PHASE_WORDS: Record<Phase, string> = {
  heldBack: 'due and not yet sent',
  queue: 'waiting for a connection',
  connect: 'its share of opening connections',
  tls: 'its share of TLS handshakes',
  firstByte: 'from the request written to the response header',
  body: 'until the last byte',
  unsplit: 'what the client does not tell',
};

const OFF =
  'Phases were not recorded (phases: false in the scenario, or --no-phases): the mean response time is split no further than is known without them.';

/** Where a request's time goes, as a sentence; or that it was not looked at. */
export function phasesText(arms: readonly PhasedArm[]): string {
  if (arms.every(({ split }) => !split.isRecorded)) return OFF;
  const phases = phasesOf(arms).map(phase => `${PHASE_NAMES[phase]} (${PHASE_WORDS[phase]})`);
  return `The mean response time of a request, in the order in which it passes: ${phases.join(', ')}.`;
}

/** A client that opens a connection for so many of its requests opens some in every window. */
const OFTEN = 0.5;

/** What has to be known of single arms, or of the link. */
export function phaseNotes(arms: readonly PhasedArm[]): string[] {
  const linked = arms.find(({ split }) => split.roundTripUs > 0 && split.connectionsPerRequest > 0)?.split;
  const silent = arms.filter(
    ({ arm: { summary }, split }) =>
      split.connectionsPerRequest === 0 && summary !== null && summary.opened > OFTEN * summary.requestsSent,
  );
  const untold = arms.filter(({ split }) => split.isRecorded && split.parts.unsplit > 0);
  return [
    ...(linked === undefined
      ? []
      : [
          `Of each connection, the ${significantText(linked.roundTripUs / 1000)} ms of a round trip on the emulated link count as connect: there the kernel says "connected" at once, and TLS or the first byte waits instead.`,
        ]),
    ...(silent.length === 0
      ? []
      : [
          `For ${namesOf(silent)} the client does not tell how long it takes to open a connection: that is in the queue, or not split.`,
        ]),
    ...(untold.length === 0
      ? []
      : [`For ${namesOf(untold)} the client does not tell every phase of every request.`]),
  ];
}

function namesOf(arms: readonly PhasedArm[]): string {
  return arms.map(({ arm }) => arm.name).join(', ');
}

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
