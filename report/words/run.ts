// Describes a run: its name, machines, software and command, and how to reproduce it.
import type { RunSummary } from '../../results/baselines.ts';
import { joinWords } from '../../results/figures.ts';
import type { Host, Run, RunMachine } from '../../results/model/run.ts';
import { runDurationMs } from '../../results/run-clock.ts';
import { sumOf } from '../../results/stats.ts';
import { isExternal } from '../../scenarios/model/target.ts';
import type { Fact, FactGroup } from '../model.ts';
import { formatCount, formatMemory, formatSeconds } from './numbers.ts';
import { listFacts } from './text.ts';

/** `3f9c1d2a7b6e with uncommitted changes`. */
export function formatCommit({ commit, isDirty }: NonNullable<RunSummary['git']>): string {
  return `${commit.slice(0, 12)}${isDirty ? ' with uncommitted changes' : ''}`;
}

/** Names a run by its commit, or by its id if the commit is unknown. */
export function nameRun({ git, runId }: Pick<RunSummary, 'git' | 'runId'>): string {
  return git === null ? runId : `commit ${formatCommit(git)}`;
}

/** `2026-11-23 12:25 UTC`. */
export function formatTime(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

/** `2026-11-23`, in UTC. */
export function formatDay(iso: string): string {
  return iso.slice(0, 10);
}

/** The version of conntax, and the Git commit of the working folder. */
export function versionFacts({ conntax, git }: Pick<RunSummary, 'conntax' | 'git'>): Fact[] {
  return listFacts({ conntax, 'Git commit': git && formatCommit(git) });
}

export function machineFacts(run: Run): FactGroup[] {
  return [
    { title: 'Run', facts: runFacts(run) },
    { title: 'Machine', facts: hostFacts(run) },
    { title: 'Software', facts: softwareFacts(run) },
  ];
}

/** The words of the method, for a reader of one page. */
export function methodWords({ cells }: Run): Fact[] {
  const isImported = cells.some(cell => cell.imported !== undefined);
  return listFacts({
    Scenario: 'One question: clients under the same load, on the same server.',
    Replicate: isImported
      ? 'One turn of each client, each in a phase of the load generator; all replicates are of the same processes.'
      : 'One measurement of all clients, each in a fresh process, in turns of short slices.',
    '95 % interval':
      'Where the true figure lies, as far as the replicates agree; few or unequal ones make it wide.',
    'Difference shown': 'The whole interval of the ratio lies on one side of 1.',
    Audit: 'A check of the run on itself, such as that the connections opened are those accepted.',
  });
}

/** `Measured 2026-11-23 12:25 UTC on AMD EPYC 7B13 (2 cores), Node 26.10.0; run ...`. */
export function describeRun({ startedAt, host, machines = [], id }: Run): string {
  const senders = machines.map(({ name }) => name).join(', ');
  const load = machines.length === 0 ? '' : `; load from ${senders}`;
  return `Measured ${formatTime(startedAt)} on ${host.cpuModel} (${formatCount(host.cpuCount)} cores), Node ${host.node}${load}; run ${id}`;
}

function runFacts(run: Run): Fact[] {
  const isImported = run.cells.some(({ imported }) => imported !== undefined);
  const command = formatCommand(run.command);
  const folder = run.git === null ? '' : `, at commit ${formatCommit(run.git)},`;
  return listFacts({
    Run: run.id,
    Started: run.startedAt,
    Duration: formatSeconds(runDurationMs(run)),
    State: run.state,
    // The command has made a run of a report; what was measured, another program's script has said.
    'Imported by': isImported && command,
    Seed: !isImported && String(run.seed),
    'Requests to external servers': !isImported && describeAsked(run),
    Command: !isImported && command,
    'To reproduce':
      !isImported &&
      `with conntax ${run.conntax}${folder} and the same Node: ${formatCommand(repeatingCommand(run))}`,
  });
}

/** All that external servers were sent, as their access logs have it. */
function describeAsked({ asked, cells }: Run): string | null {
  if (asked === undefined) return null;
  const external = cells.filter(({ scenario }) => isExternal(scenario.target));
  const sent = sumOf(
    external.flatMap(({ arms }) => arms),
    ({ requestsSent }) => requestsSent,
  );
  const { beforeRun, betweenReplicates } = asked;
  const failed = external.some(({ failedTrials }) => failedTrials > 0) ? ', without failed trials' : '';
  return `${formatCount(sent)} by the clients, warm-up included${failed}; ${formatCount(beforeRun + betweenReplicates)} more to ask what the servers do (${formatCount(beforeRun)} before the run, ${formatCount(betweenReplicates)} between replicates), which are in no other figure`;
}

function hostFacts({ host, cells }: Run): Fact[] {
  const { descriptorLimit, ephemeralPorts: ports, tcpTwReuse } = host;
  const reuse = tcpTwReuse === null ? '' : `, tcp_tw_reuse ${tcpTwReuse}`;
  return listFacts({
    Host: host.hostname,
    Platform: `${host.platform}, kernel ${host.kernel}`,
    CPU: `${host.cpuModel}, ${formatCount(host.cpuCount)} logical cores`,
    Memory: formatMemory(host.memoryBytes),
    'Load average at the start': host.loadAverage.map(load => load.toFixed(2)).join(', '),
    Pinning: describePinning(host, cells),
    'Descriptor limit': descriptorLimit === null ? 'unknown' : formatCount(descriptorLimit),
    'Local ports':
      ports === null
        ? 'unknown'
        : `${ports.low} to ${ports.high} (${formatCount(ports.high - ports.low + 1)})${reuse}`,
  });
}

/** conntax does not pin external servers. */
function describePinning({ pinning, pinningDetail }: Host, cells: Run['cells']): string {
  const external = cells.filter(({ scenario }) => isExternal(scenario.target));
  if (pinning === null) return pinningDetail;
  const more = describeMoreCores(pinning, cells);
  if (external.length === 0) return `${pinningDetail}${more}`;
  const own = external.length < cells.length ? `${pinningDetail}; ` : '';
  return `${own}generators pinned to core ${pinning.generatorCpu}${more}, external servers not pinned`;
}

/** `, several of one client also to 2, 3`. */
function describeMoreCores(
  { generatorCpus = [] }: NonNullable<Host['pinning']>,
  cells: Run['cells'],
): string {
  const counts = cells.map(({ scenario: { generators = 1 } }) => (generators === 'auto' ? 1 : generators));
  const more = generatorCpus.slice(1, Math.max(1, ...counts));
  return more.length === 0 ? '' : `, several of one client also to ${more.join(', ')}`;
}

function softwareFacts({ conntax, git, host }: Run): Fact[] {
  const { node, v8, openssl, packages } = host;
  return [
    ...versionFacts({ conntax, git }),
    ...listFacts({ Node: `${node} (V8 ${v8}, OpenSSL ${openssl})`, ...packages }),
  ];
}

/** The seed decides all randomness, so the command includes it even if it was not typed. */
export function repeatingCommand({ command, seed }: Pick<Run, 'command' | 'seed'>): readonly string[] {
  const isSeeded = command.some(word => word === '--seed' || word.startsWith('--seed='));
  return isSeeded ? command : [...command, '--seed', String(seed)];
}

/** Quoted for a POSIX shell. */
export function formatCommand(command: readonly string[]): string {
  return command
    .map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}

const HARDWARE: readonly { noun: string; read(machine: RunMachine): string }[] = [
  { noun: 'processors', read: ({ host }) => host.cpuModel },
  { noun: 'numbers of cores', read: ({ host }) => String(host.cpuCount) },
  { noun: 'kernels', read: ({ host }) => host.kernel },
  { noun: 'amounts of memory', read: ({ host }) => `${(host.memoryBytes / 2 ** 30).toFixed(0)} GiB` },
  { noun: 'versions of Node', read: ({ host }) => host.node },
];

/** Whether conntax's own target was elsewhere than the machine of the run, by its address. */
export function runsTargetElsewhere({ targetAddress = '127.0.0.1' }: Pick<Run, 'targetAddress'>): boolean {
  return !targetAddress.startsWith('127.');
}

/** What a reader of the figures has to know of the machines; nothing where the machine of the run sent the load. */
export function machineCaveats({ machines = [] }: Pick<Run, 'machines'>): string[] {
  const lost = machines.flatMap(({ name, loss }) =>
    loss === null
      ? []
      : `Machine ${name} was lost during the run: no later replicate had load from it, and any that was measured had the whole load from the others. (${loss.trim()})`,
  );
  return [...lost, ...differences(machines)];
}

/** Machines that differ have percentiles of their own beside the merged ones. */
export function differences(machines: readonly RunMachine[]): string[] {
  return HARDWARE.flatMap(({ noun, read }) => {
    const groups = [...Map.groupBy(machines, read)];
    if (groups.length < 2) return [];
    const which = groups.map(([value, own]) => `${value} (${joinWords(own.map(({ name }) => name))})`);
    return [`The machines have different ${noun}: ${which.join(', ')}.`];
  });
}
