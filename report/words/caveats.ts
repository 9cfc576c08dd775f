// In: a run or a cell. Out: what limits its figures, in sentences; what a number does not mean belongs beside it.
import type { CellResult, Host, Run } from '../../results/model/run.ts';
import type { CellView } from '../cell-view.ts';
import { countCaveats } from '../counted-by.ts';
import { foreignCaveats } from '../foreign-text.ts';
import { LINK_LIMITS } from './link.ts';

/** An interval from fewer replicates is wide or lucky. */
const FEW_REPLICATES = 3;
/** Busy cores before we began: someone else's work is in the figures. */
const BUSY_LOAD_RATIO = 0.5;

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

function busyText({ loadAverage, cpuCount }: Host): string[] {
  const [minute = 0] = loadAverage;
  if (cpuCount === 0 || minute / cpuCount <= BUSY_LOAD_RATIO) return [];
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
