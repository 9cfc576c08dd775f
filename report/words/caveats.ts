// Caveats: the sentences that say what limits the figures of a run or a cell, and why measuring stopped.

import { foldSimilar, groupSimilar } from '../../results/audits/index.ts';
import { isBusyMachine } from '../../results/audits/machine.ts';
import { joinWords, roundPercent } from '../../results/figures.ts';
import { headlineOf } from '../../results/metrics.ts';
import type { ArmSummary, CellResult, Host, Run, StopReason } from '../../results/model/run.ts';
import { type CompletedTrial, OUTCOME_NAMES, OUTCOMES, type Outcome } from '../../results/model/trial.ts';
import { clockJumpMs } from '../../results/run-clock.ts';
import { sumOf } from '../../results/stats.ts';
import { isBuiltIn } from '../../scenarios/model/target.ts';
import { type ArmView, type CellView, namesWhere } from '../cell-view.ts';
import {
  countReplicates,
  formatCount,
  formatLatency,
  formatQuantity,
  formatSeconds,
  missingReplicates,
  reachRatio,
} from './numbers.ts';
import { machineCaveats, runsTargetElsewhere } from './run.ts';
import { LINK_LIMITS, serverCaveats } from './target.ts';
import { compact } from './text.ts';

const OPENED: Record<ArmSummary['openedBy'], string> = {
  client: 'counted by the client',
  kernel: 'counted by the kernel for all programs on this machine',
  unknown: 'unknown, because they cannot be observed',
};

const ACCEPTED: Record<ArmSummary['acceptedBy'], string> = {
  target: 'counted by the server',
  kernel: 'counted by the kernel for all programs on this machine',
  serverKernel: "counted by the kernel of the server's machine for all programs there",
  kernelOpens: 'unknown for a server on another machine',
};

/** Connections that the client opened; null if they cannot be observed. */
export function knownOpened({ opened, openedBy }: Pick<ArmSummary, 'opened' | 'openedBy'>): number | null {
  return openedBy === 'unknown' ? null : opened;
}

/** Connections that the server accepted; null if unknown: what this machine opened is not a count of the far end. */
export function knownAccepted({
  accepted,
  acceptedBy,
}: Pick<ArmSummary, 'accepted' | 'acceptedBy'>): number | null {
  return acceptedBy === 'kernelOpens' ? null : accepted;
}

/** A client that waits for its turn may lose connections that it would have used meanwhile. */
function pauseCaveats({ arms, result }: Pick<CellView, 'arms' | 'result'>): string[] {
  const isWhole = result.scenario.timing.slicing === 'whole';
  const slicing = isWhole ? '' : ", and so does timing.slicing: 'whole'";
  return arms.flatMap(({ name, trials }) => {
    const ledgers = trials.map(({ measurement }) => measurement.ledger);
    const count = sumOf(ledgers, ({ closedInPauses }) => closedInPauses);
    if (count === 0) return [];
    const longestMs = Math.max(...ledgers.map(({ longestPauseMs }) => longestPauseMs));
    return `${formatCount(count)} connections of ${name} ended while it waited for its turn, in pauses of up to ${formatSeconds(longestMs)} ${isWhole ? 'before its measured slice' : 'between its slices'}. Either an idle timeout of client or server was shorter, or the server closed them for another reason. In the first case, connections opened in their place are due to the experiment, not to the client, and a longer idle timeout (pool.idleTimeoutMs) avoids them${slicing}.`;
  });
}

/** `opened: counted by the client; accepted: counted by the server`; names the arms where they differ. */
export function describeCounting({ arms }: Pick<CellView, 'arms'>): string {
  return `opened: ${describeOpenedBy({ arms })}; accepted: ${describeAcceptedBy({ arms })}`;
}

/** What else the counts include: the kernel counts the connections of all programs. */
export function countCaveats({ arms }: Pick<CellView, 'arms'>): string[] {
  const openers = namesWhere(arms, ({ openedBy }) => openedBy === 'kernel');
  const unseen = namesWhere(arms, ({ openedBy }) => openedBy === 'unknown');
  const elsewhere = arms.filter(({ summary }) => (summary?.openedElsewhere ?? 0) > 0);
  const isAccepting = namesWhere(arms, ({ acceptedBy }) => acceptedBy === 'kernel').length > 0;
  return compact([
    openers.length > 0 &&
      `The client of ${openers.join(', ')} does not count its connections. The number opened is the kernel's count for all programs on this machine.`,
    unseen.length > 0 &&
      `The connections of ${unseen.join(', ')} cannot be observed, so their number is unknown and the ledger was not checked.`,
    ...elsewhere.map(({ name, summary }) => {
      const { openedElsewhere, openedBy, opened } = summary!;
      const seen = openedBy === 'unknown' ? 'none' : formatCount(opened);
      return `${name} opened ${formatCount(openedElsewhere)} connections to destinations other than the server (another port or host, a proxy or a Unix socket) and ${seen} to the server. Only those to the server are counted and checked.`;
    }),
    isAccepting &&
      'Accepted connections are counted by the kernel for all programs on this machine, so they include those of other programs, such as a proxy connecting to its upstream.',
  ]);
}

export function describeOpenedBy({ arms }: Pick<CellView, 'arms'>): string {
  return describeSource(arms, OPENED, ({ openedBy }) => openedBy, 'client');
}

export function describeAcceptedBy({ arms }: Pick<CellView, 'arms'>): string {
  const unknown = namesWhere(arms, ({ accepted }) => accepted === null);
  const known = describeSource(arms, ACCEPTED, ({ acceptedBy }) => acceptedBy, 'target');
  return `${known}${unknown.length === 0 ? '' : ` (not counted on this system: ${unknown.join(', ')})`}`;
}

function describeSource<Source extends string>(
  arms: readonly ArmView[],
  descriptions: Record<Source, string>,
  sourceOf: (summary: ArmSummary) => Source,
  usual: Source,
): string {
  const groups = Map.groupBy(
    arms.filter(({ summary }) => summary !== null),
    ({ summary }) => sourceOf(summary!),
  );
  const [only = usual, ...others] = groups.keys();
  if (others.length === 0) return descriptions[only];
  return [...groups]
    .map(([source, members]) => `${descriptions[source]} (${members.map(({ name }) => name).join(', ')})`)
    .join(' or ');
}

const STOP_NAMES: Record<StopReason, string> = {
  precise: 'precise enough',
  decided: 'expectations decided',
  budget: 'time budget spent',
  'max-replicates': 'maximum of replicates',
  cut: 'cut at the announced time',
  interrupted: 'interrupted',
  failed: 'given up',
  measuring: 'still measuring',
};

/** Why no more replicates were measured, in a word or two. */
export function nameStop(stop: StopReason): string {
  return STOP_NAMES[stop];
}

/** The same as a sentence, with the precision reached. */
export function describeStop(cell: CellResult): string {
  const { stop, stopDetail, replicates, scenario, elapsedMs } = cell;
  const reached = describeReach(cell);
  const after = `after ${countReplicates(replicates)} in ${formatSeconds(elapsedMs)}`;
  if (cell.imported !== undefined) return `Ended ${after}: ${stopDetail}; ${reached}.`;
  const isMeasuredAgain = cell.expectations.some(({ confirmation }) => confirmation !== null);
  if (!['interrupted', 'failed', 'cut', 'measuring'].includes(stop) && isMeasuredAgain)
    return `Stopped ${after}: a failed expectation was re-measured; ${reached}.`;
  switch (stop) {
    case 'precise':
      return `Stopped ${after}: ${reached} (requested: ±${roundPercent(scenario.timing.precision, 2)}).`;
    case 'decided':
      return `Stopped ${after}: the expectations are decided; ${reached}.`;
    case 'budget':
      return `Stopped in ${formatSeconds(elapsedMs)} with ${stopDetail}; ${reached}.`;
    case 'max-replicates':
      return `Stopped ${after}, the maximum that the scenario allows; ${reached}.`;
    case 'cut':
      return `Cut short ${after}: ${stopDetail}; ${reached}.`;
    case 'interrupted':
      return `Interrupted ${after}; ${reached}.`;
    case 'failed':
      return `Gave up ${after}: ${stopDetail}.`;
    case 'measuring':
      return `Still measuring: ${countReplicates(replicates)} so far; ${reached}.`;
    default:
      return stop satisfies never;
  }
}

/** `the interval of requests/s is ±3.1 %`: the widest among the ratios of the deciding metric. */
function describeReach({ comparisons, replicates, scenario }: CellResult): string {
  if (replicates === 0) return 'nothing was measured yet';
  const { metric: deciding, noun } = headlineOf(scenario.load);
  const compared = comparisons.filter(({ metric }) => metric === deciding);
  if (compared.length === 0) return 'there was no other client to compare with';
  if (compared.some(({ replicateRatios }) => replicateRatios.length === 0))
    return 'not every client could be measured';
  const ratios = compared.map(({ ratio }) => ratio);
  const known = ratios.filter(ratio => ratio !== null);
  if (known.length < ratios.length) return 'too few replicates for an interval';
  const widest = Math.max(...known.map(reachRatio));
  if (widest > 1) return `an interval of ${noun} is wider than ±100 %`;
  return `${known.length === 1 ? `the interval of ${noun} is` : `every interval of ${noun} is within`} ±${roundPercent(widest, 2)}`;
}

const LOOPBACK = 'Clients and server ran on one machine over loopback.';

/** What a network would change: most where one client opens connections that another keeps. */
function describeLoopback(cells: readonly CellResult[]): string {
  const isShort = cells.map(({ scenario }) =>
    Object.values(scenario.clients).map(({ requestsPerConnection }) => requestsPerConnection === 1),
  );
  const compares = isShort.some(clients => clients.includes(true) && clients.includes(false));
  return compares || cells.length === 0
    ? `${LOOPBACK} A real network adds round trips to every handshake, so there the gap between short and persistent connections is usually wider.`
    : `${LOOPBACK} A real network adds a round trip to every request.`;
}

export function runCaveats(run: Run): string[] {
  const { state, git, host, skipped = [] } = run;
  return compact([
    ...networkCaveats(run),
    state === 'partial' && 'The run is partial: only what was measured is shown.',
    state === 'failed' && 'Some of the requested measurements could not be made.',
    ...skipped.map(
      ({ cell, message, hint }) => `${cell} was skipped, because this machine has ${message} (${hint}).`,
    ),
    host.pinning === null && `Processes were not pinned to cores: ${host.pinningDetail}.`,
    busyCaveat(host),
    ...machineCaveats(run),
    clockCaveat(run),
    git?.isDirty === true &&
      'The working tree had uncommitted changes, so the commit alone does not reproduce the run.',
  ]);
}

/** Loopback and an emulated link each lack something that a real network has; a remote server lacks nothing. */
function networkCaveats(run: Run): string[] {
  const { cells } = run;
  const isOwnElsewhere = runsTargetElsewhere(run);
  const linked = cells.filter(({ scenario }) => scenario.link !== undefined);
  const elsewhere = cells.filter(({ server, scenario: { target } }) =>
    isBuiltIn(target) ? isOwnElsewhere : server?.isLoopback === false,
  );
  const names = linked.map(({ cell }) => cell).join(', ');
  const isMixed = linked.length < cells.length;
  const hasLoopback = cells.length === 0 || linked.length + elsewhere.length < cells.length;
  return compact([
    hasLoopback && describeLoopback(cells),
    linked.length > 0 &&
      `Clients and server ran on one machine${isMixed ? ` for ${names} as well` : ''}, and ${LINK_LIMITS}.`,
  ]);
}

function clockCaveat(run: Run): string | null {
  const jumpMs = clockJumpMs(run);
  if (jumpMs === 0) return null;
  const by = formatSeconds(Math.abs(jumpMs));
  const what =
    jumpMs < 0
      ? `The machine's clock was set back by ${by} during the run`
      : `The machine's clock was set ahead by ${by} during the run, or the machine slept`;
  return `${what}: its times of day cannot be compared with each other. Durations and latencies are those of a clock that nobody sets.`;
}

function busyCaveat(host: Host): string | null {
  const { loadAverage, cpuCount } = host;
  const [minute = 0] = loadAverage;
  return isBusyMachine(host)
    ? `The machine was not idle at the start: load average ${minute.toFixed(2)} on ${cpuCount} cores.`
    : null;
}

/** Failures outside the measured windows, which the error rate does not include. */
function outsideCaveats({ arms, result }: Pick<CellView, 'arms' | 'result'>): string[] {
  const around =
    result.scenario.load.model === 'capacity' ? 'warm-up, ramps and probes' : 'warm-up and ramps';
  return arms.flatMap(({ name, trials }) => {
    const unanswered = sumOf(trials, ({ measurement }) => unansweredOutside(measurement));
    const kinds = failedOutside(trials.map(({ measurement }) => measurement));
    const failed = sumOf(kinds, ({ count }) => count);
    const what = kinds.map(({ kind, count }) =>
      kinds.length === 1 ? kind : `${formatCount(count)} ${kind}`,
    );
    return [
      { count: failed, ended: `failed (${what.join(', ')})` },
      { count: unanswered, ended: 'had no response' },
    ].flatMap(({ count, ended }) =>
      count === 0
        ? []
        : `${formatQuantity(count, 'request')} of ${name} outside the measured windows (${around}) ${ended}. The error rate covers the requests of the windows only, so it does not include ${count === 1 ? 'it' : 'them'}.`,
    );
  });
}

/** Failed requests that are not of a window, the most frequent kind first. */
function failedOutside(measurements: readonly CompletedTrial['measurement'][]) {
  const inWindows = ({ outcomes }: CompletedTrial['measurement'], kind: Outcome): number =>
    outcomes[kind]?.count ?? 0;
  // What had no response is counted with the unfinished requests. Older versions do not store the kinds of all failures.
  const kinds = OUTCOMES.filter(kind => kind !== 'ok' && kind !== 'noAnswer');
  const [known, unknown] = [
    measurements.filter(({ ledger }) => ledger.failures !== null),
    measurements.filter(({ ledger }) => ledger.failures === null),
  ];
  return [
    ...kinds.map(kind => ({
      kind: OUTCOME_NAMES[kind],
      count: sumOf(known, one => Math.max(0, (one.ledger.failures?.[kind] ?? 0) - inWindows(one, kind))),
    })),
    {
      kind: 'of unknown kind',
      count: sumOf(unknown, one =>
        Math.max(0, one.ledger.failed - sumOf(kinds, kind => inWindows(one, kind))),
      ),
    },
  ]
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count);
}

/** Requests in flight at the end of a slice that are not of its window. */
function unansweredOutside({ ledger, censored, arrivals }: CompletedTrial['measurement']): number {
  // A load tool that drops what is in flight at the end of each slice says so itself.
  if (ledger.openedBy === 'kernel') return 0;
  // Under an open load, requests that were never sent are censored too.
  const inWindows = arrivals === null ? (censored?.count ?? 0) : arrivals.unfinished;
  return Math.max(0, ledger.unfinished - inWindows);
}

/** What limits figures, and whose: all of a scenario's without names of clients. */
export interface Caveat {
  /** Sentences. */
  text: string;
  clients: readonly string[];
}

/** With what it is about behind it: `It waits (for short and persistent).` @param where ` in a and b`, or ` with x = 1` */
export function wordCaveat({ text, clients }: Caveat, where = ''): string {
  // A client is often named as its library, with which the sentence begins.
  const said = new Set(text.split(/[\s,.:;]+/));
  const unnamed = clients.some(name => !said.has(name)) ? clients : [];
  const whose = `${unnamed.length === 0 ? '' : `for ${joinWords(unnamed)}`}${where}`.trim();
  return whose === '' ? text : `${text.replace(/\.$/, '')} (${whose}).`;
}

export function cellCaveats(view: CellView): Caveat[] {
  return [...sceneCaveats(view).map(text => ({ text, clients: [] })), ...clientCaveats(view.arms)];
}

/** Caveats on a scenario as a whole, or on clients that the sentence names. */
function sceneCaveats(view: CellView): string[] {
  const { result, trials, arms } = view;
  const failed = trials.filter(({ state }) => state === 'failed').length;
  const partial = trials.filter(trial => trial.state === 'completed' && trial.isPartial).length;
  return compact([
    ...serverCaveats(result),
    ...countCaveats({ arms }),
    failed > 0 &&
      (failed === trials.length
        ? `All ${failed} trials failed.`
        : `${failed} of ${trials.length} trials failed; the figures cover those that completed.`),
    partial > 0 && `${partial} of ${trials.length} trials were cut short and are shorter than planned.`,
    ...outsideCaveats({ arms, result }),
    ...delayedAckCaveats(view),
    ...pauseCaveats({ arms, result }),
    result.replicates > 0 &&
      missingReplicates(result.replicates) > 0 &&
      `Only ${countReplicates(result.replicates)}: too few to reveal that processes run in modes up to 30 % apart.`,
    ...result.leftOut.map(({ arm, message, hint }) => `The client ${arm} was skipped: ${message} (${hint}).`),
  ]);
}

/** What clients say of their own figures, each sentence once. */
function clientCaveats(arms: readonly ArmView[]): Caveat[] {
  const said = arms.flatMap(({ name, trials }) =>
    foldSimilar(trials.flatMap(({ measurement }) => measurement.caveats)).map(text => ({ name, text })),
  );
  return [...Map.groupBy(said, ({ text }) => text)].map(([text, group]) => ({
    text,
    clients: group.map(({ name }) => name),
  }));
}

/** Caveats of several scenarios, each once, with the names of those that it is of; those of a single one as they are. */
export function caveatsOfAll(parts: readonly { name: string; caveats: readonly Caveat[] }[]): string[] {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return only.caveats.map(caveat => wordCaveat(caveat));
  const all = parts.flatMap(({ name, caveats }) => caveats.map(caveat => ({ name, caveat })));
  const ofSame = Map.groupBy(all, ({ caveat }) => JSON.stringify(caveat.clients));
  const groups = [...ofSame.values()].flatMap(some => groupSimilar(some, ({ caveat }) => caveat.text));
  return groups.map(group => {
    const [{ name, caveat }, ...rest] = group;
    const names = [...new Set(group.map(one => one.name))];
    const where = names.length === parts.length ? 'all scenarios' : joinWords(names);
    const differs = rest.some(other => other.caveat.text !== caveat.text);
    return wordCaveat(caveat, ` in ${where}${differs ? `; the figures are those of ${name}` : ''}`);
  });
}

/**
 * Linux delays the acknowledgement of a segment on a connection in use by 40 ms (TCP_DELACK_MIN, net/tcp.h), and on a new one
 * not at all. A server that writes header and body apart, without TCP_NODELAY, sends the body after it (RFC 896).
 */
const DELAY_US = { least: 35_000, most: 50_000 };

/** Only of a server that conntax did not write: its own sends each response at once. */
export function delayedAckCaveats({ arms, result: { scenario } }: CellView): string[] {
  if (isBuiltIn(scenario.target)) return [];
  const p50Of = (requests: 1 | 'unlimited') =>
    arms.flatMap(({ name, summary }) =>
      scenario.clients[name]?.requestsPerConnection === requests && summary !== null
        ? [{ name, p50Us: summary.p50Us }]
        : [],
    );
  const [fresh] = p50Of(1).toSorted((a, b) => a.p50Us - b.p50Us);
  if (fresh === undefined) return [];
  return p50Of('unlimited')
    .filter(({ p50Us }) => p50Us - fresh.p50Us > DELAY_US.least && p50Us - fresh.p50Us < DELAY_US.most)
    .map(
      ({ name, p50Us }) =>
        `Half of the responses of ${name} take more than ${formatLatency(p50Us)}, of ${fresh.name} more than ${formatLatency(fresh.p50Us)}. About 40 ms on kept connections alone are typical of a server that writes header and body apart without TCP_NODELAY (Nagle's algorithm waits for a delayed acknowledgement): no setting of a client avoids them, one write or TCP_NODELAY at the server does.`,
    );
}
