// In: a run or a cell. Out: what limits its figures, in sentences; what a number does not mean belongs beside it.
import { isBusyMachine } from '../../results/audits/machine.ts';
import { headlineOf } from '../../results/metrics.ts';
import type { ArmSummary, CellResult, Host, Run } from '../../results/model/run.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { foreignCaveats, secondsText } from './conditions.ts';
import { LINK_LIMITS } from './link.ts';
import { countText, reachRatio } from './numbers.ts';

// From the arms of a cell. Out: by whom their connections were counted, in words, and the figure that may stand under the name.

const OPENED: Record<ArmSummary['openedBy'], string> = {
  client: "by the client's count",
  kernel: "by the kernel's, of all programs on this machine",
  unknown: 'not known, since they cannot be seen',
};

const ACCEPTED: Record<ArmSummary['acceptedBy'], string> = {
  target: "by the target's",
  kernel: "by the kernel's, of all programs on this machine",
  kernelOpens: 'not known of a server on another machine',
};

/** Connections that the client opened; null where they can't be seen. */
export function openedOf({ opened, openedBy }: Pick<ArmSummary, 'opened' | 'openedBy'>): number | null {
  return openedBy === 'unknown' ? null : opened;
}

/** Connections that were accepted; null where nobody knows: what this machine opened is no count of the far end. */
export function acceptedOf({
  accepted,
  acceptedBy,
}: Pick<ArmSummary, 'accepted' | 'acceptedBy'>): number | null {
  return acceptedBy === 'kernelOpens' ? null : accepted;
}

/** `opened by the client's count, accepted by the target's`; where arms differ, with their names. */
export function countedByText({ arms }: Pick<CellView, 'arms'>): string {
  return `opened ${openedByText({ arms })}, accepted ${acceptedByText({ arms })}`;
}

/** What the kernel's counts hold besides: they are of all programs. */
export function countCaveats({ arms }: Pick<CellView, 'arms'>): string[] {
  const openers = namesWhere(arms, ({ openedBy }) => openedBy === 'kernel');
  const unseen = namesWhere(arms, ({ openedBy }) => openedBy === 'unknown');
  const elsewhere = arms.filter(({ summary }) => (summary?.openedElsewhere ?? 0) > 0);
  const isAccepting = namesWhere(arms, ({ acceptedBy }) => acceptedBy === 'kernel').length > 0;
  return [
    ...(openers.length === 0
      ? []
      : [
          `The client of ${openers.join(', ')} does not count its connections: what it opened is what the kernel says that all programs on this machine opened.`,
        ]),
    ...(unseen.length === 0
      ? []
      : [
          `The connections of ${unseen.join(', ')} can't be seen: their number is not known, and the ledger was not checked.`,
        ]),
    ...elsewhere.map(({ name, summary }) => {
      const { openedElsewhere, openedBy, opened } = summary!;
      const seen = openedBy === 'unknown' ? 'none' : countText(opened);
      return `${name} opened ${countText(openedElsewhere)} connections to other places than the target (another port or host, a proxy or a Unix socket) and ${seen} to it: only those to it are counted and checked.`;
    }),
    ...(isAccepting
      ? [
          'Accepted connections are those that the kernel counted for all programs on this machine: connections of other programs are among them, such as those of a proxy to its upstream.',
        ]
      : []),
  ];
}

export function openedByText({ arms }: Pick<CellView, 'arms'>): string {
  return sourceText(arms, OPENED, ({ openedBy }) => openedBy, 'client');
}

export function acceptedByText({ arms }: Pick<CellView, 'arms'>): string {
  const unknown = namesWhere(arms, ({ accepted }) => accepted === null);
  const known = sourceText(arms, ACCEPTED, ({ acceptedBy }) => acceptedBy, 'target');
  return `${known}${unknown.length === 0 ? '' : ` (not counted on this system: ${unknown.join(', ')})`}`;
}

function sourceText<Source extends string>(
  arms: readonly ArmView[],
  texts: Record<Source, string>,
  sourceOf: (summary: ArmSummary) => Source,
  usual: Source,
): string {
  const groups = Map.groupBy(
    arms.filter(({ summary }) => summary !== null),
    ({ summary }) => sourceOf(summary!),
  );
  const [only = usual, ...others] = groups.keys();
  if (others.length === 0) return texts[only];
  return [...groups]
    .map(([source, members]) => `${texts[source]} (${members.map(({ name }) => name).join(', ')})`)
    .join(' or ');
}

function namesWhere(arms: readonly ArmView[], is: (summary: ArmSummary) => boolean): string[] {
  return arms.filter(({ summary }) => summary !== null && is(summary)).map(({ name }) => name);
}

// From a cell. Out: why no more replicates were made, in a sentence with the precision reached.

export function stopText(cell: CellResult): string {
  const { stop, stopDetail, replicates, scenario, elapsedMs } = cell;
  const reached = reachText(cell);
  const after = `after ${replicates === 1 ? '1 replicate' : `${replicates} replicates`} in ${secondsText(elapsedMs)}`;
  if (stop !== 'interrupted' && stop !== 'failed' && isMeasuredAgain(cell))
    return `Stopped ${after}: an expectation had failed, and was measured again; ${reached}.`;
  switch (stop) {
    case 'precise':
      return `Stopped ${after} because ${reached}, and ${plainPercent(scenario.timing.precision)} was asked for.`;
    case 'decided':
      return `Stopped ${after}: these decide what was expected; ${reached}.`;
    case 'budget':
      return `Stopped ${after}: another replicate would not fit the time budget of ${secondsText(scenario.timing.budgetMs)}; ${reached}.`;
    case 'max-replicates':
      return `Stopped at the most replicates that the scenario allows, ${after}; ${reached}.`;
    case 'interrupted':
      return `Interrupted ${after}; ${reached}.`;
    case 'failed':
      return `Given up ${after}: ${stopDetail}.`;
    default:
      return stop satisfies never;
  }
}

function isMeasuredAgain({ expectations }: CellResult): boolean {
  return expectations.some(({ confirmation }) => confirmation !== null);
}

/** `the interval is ±3.1 %`, of the widest ratio of the metric that decides. */
function reachText({ comparisons, replicates, scenario }: CellResult): string {
  if (replicates === 0) return 'nothing was measured yet';
  const { metric: deciding, noun } = headlineOf(scenario.load);
  const compared = comparisons.filter(({ metric }) => metric === deciding);
  if (compared.length === 0) return 'there was no other arm to compare with';
  if (compared.some(({ replicateRatios }) => replicateRatios.length === 0))
    return 'not every arm could be measured';
  const ratios = compared.map(({ ratio }) => ratio);
  const known = ratios.filter(ratio => ratio !== null);
  if (known.length < ratios.length) return 'there are too few replicates for an interval';
  const widest = Math.max(...known.map(reachRatio));
  if (widest > 1) return `an interval of ${noun} is wider than ±100 %`;
  return `${known.length === 1 ? `the interval of ${noun} is` : `every interval of ${noun} is within`} ±${plainPercent(widest)}`;
}

function plainPercent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(2))} %`;
}

/** An interval from fewer replicates is wide or lucky. */
const FEW_REPLICATES = 3;

const LOOPBACK =
  'Clients and target ran on one machine over loopback: a real network adds its round trips to every handshake, so there the gap between short and persistent connections is usually wider.';

export function runCaveats({ state, git, host, cells }: Run): string[] {
  return [
    ...networkTexts(cells),
    ...(state === 'partial' ? ['The run is partial: what is shown is what was measured.'] : []),
    ...(state === 'failed' ? ['Part of what was asked for could not be measured.'] : []),
    ...(host.pinning === null ? [`Processes were not pinned to cores: ${host.pinningDetail}.`] : []),
    ...busyText(host),
    ...(git?.isDirty === true
      ? ['The code had uncommitted changes, so the commit alone does not reproduce it.']
      : []),
  ];
}

/** Loopback and an emulated link lack different things of a network; a server elsewhere lacks nothing of it. */
function networkTexts(cells: readonly CellResult[]): string[] {
  const linked = cells.filter(({ scenario }) => scenario.link !== undefined);
  const elsewhere = cells.filter(({ server }) => server?.isLoopback === false);
  const names = linked.map(({ cell }) => cell).join(', ');
  const isMixed = linked.length < cells.length;
  const hasLoopback = cells.length === 0 || linked.length + elsewhere.length < cells.length;
  return [
    ...(hasLoopback ? [LOOPBACK] : []),
    ...(linked.length === 0
      ? []
      : [`Clients and target ran on one machine${isMixed ? ` in ${names}, too` : ''}, and ${LINK_LIMITS}.`]),
  ];
}

function busyText(host: Host): string[] {
  if (!isBusyMachine(host)) return [];
  const { loadAverage, cpuCount } = host;
  const [minute = 0] = loadAverage;
  return [`The machine was not idle at the start: load average ${minute.toFixed(2)} on ${cpuCount} cores.`];
}

export function cellCaveats({ result, trials, arms }: CellView): string[] {
  const failed = trials.filter(({ state }) => state === 'failed').length;
  const partial = trials.filter(trial => trial.state === 'completed' && trial.isPartial).length;
  return [
    ...foreignCaveats(result),
    ...countCaveats({ arms }),
    ...(failed === 0
      ? []
      : [`${failed} of ${trials.length} trials failed; figures are of those that completed.`]),
    ...(partial === 0
      ? []
      : [`${partial} of ${trials.length} trials were cut short and are shorter than planned.`]),
    ...(result.replicates < FEW_REPLICATES
      ? [
          `Only ${result.replicates === 1 ? '1 replicate' : `${result.replicates} replicates`}: processes run in modes up to 30 % apart, which so few can't show.`,
        ]
      : []),
    ...result.leftOut.map(({ arm, message, hint }) => `The arm ${arm} was left out: ${message} (${hint}).`),
    ...arms.flatMap(({ name, trials: own }) =>
      [...new Set(own.flatMap(({ measurement }) => measurement.caveats))].map(caveat => `${name}: ${caveat}`),
    ),
  ];
}
