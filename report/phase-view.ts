// In: a cell. Out: its arms' phases, which of them occur, and what to know of them, in sentences.
import type { Phase, PhaseSplit } from '../results/phases.ts';
import { PHASES, splitPhases } from '../results/phases.ts';
import type { ArmView, CellView } from './cell-view.ts';
import { significantText } from './words/numbers.ts';
import { PHASE_NAMES } from './phase-look.ts';

export interface PhasedArm {
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
