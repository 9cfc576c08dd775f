// Describes a run: its name, machines, software and command, and how to reproduce it.
import type { RunSummary } from '../../results/baselines.ts';
import type { Host, Run, RunMachine } from '../../results/model/run.ts';
import { runDurationMs } from '../../results/run-clock.ts';
import { sumOf } from '../../results/stats.ts';
import { isExternal } from '../../scenarios/model/target.ts';
import type { Fact, FactGroup } from '../model.ts';
import { formatCount, formatMemory, formatSeconds } from './numbers.ts';
import { compact, listed } from './text.ts';

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
  return compact([
    { label: 'conntax', value: conntax },
    git !== null && { label: 'Git commit', value: formatCommit(git) },
  ]);
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
  return [
    SCENARIO_WORD,
    {
      label: 'Replicate',
      value: isImported
        ? 'One turn of each client, each in a phase of the load generator; all replicates are of the same processes.'
        : 'One measurement of all clients, each in a fresh process, in turns of short slices.',
    },
    ...JUDGING_WORDS,
  ];
}

const SCENARIO_WORD: Fact = {
  label: 'Scenario',
  value: 'One question: clients under the same load, on the same server.',
};
const JUDGING_WORDS: readonly Fact[] = [
  {
    label: '95 % interval',
    value: 'Where the true figure lies, as far as the replicates agree; few or unequal ones make it wide.',
  },
  { label: 'Difference shown', value: 'The whole interval of the ratio lies on one side of 1.' },
  {
    label: 'Audit',
    value: 'A check of the run on itself, such as that the connections opened are those accepted.',
  },
];

/** `Measured 2026-11-23 12:25 UTC on AMD EPYC 7B13 (2 cores), Node 26.10.0; run ...`. */
export function describeRun({ startedAt, host, machines = [], id }: Run): string {
  const senders = machines.map(({ name }) => name).join(', ');
  const load = machines.length === 0 ? '' : `; load from ${senders}`;
  return `Measured ${formatTime(startedAt)} on ${host.cpuModel} (${formatCount(host.cpuCount)} cores), Node ${host.node}${load}; run ${id}`;
}

function runFacts(run: Run): Fact[] {
  return [
    { label: 'Run', value: run.id },
    { label: 'Started', value: run.startedAt },
    { label: 'Duration', value: formatSeconds(runDurationMs(run)) },
    { label: 'State', value: run.state },
    // The command has made a run of a report; what was measured, another program's script has said.
    ...(run.cells.some(({ imported }) => imported !== undefined)
      ? [{ label: 'Imported by', value: formatCommand(run.command) }]
      : [
          { label: 'Seed', value: String(run.seed) },
          ...askedFacts(run),
          { label: 'Command', value: formatCommand(run.command) },
          { label: 'To reproduce', value: describeReproduction(run) },
        ]),
  ];
}

/** All that external servers were sent, as their access logs have it. */
function askedFacts({ asked, cells }: Run): Fact[] {
  if (asked === undefined) return [];
  const external = cells.filter(({ scenario }) => isExternal(scenario.target));
  const sent = sumOf(
    external.flatMap(({ arms }) => arms),
    ({ requestsSent }) => requestsSent,
  );
  const { beforeRun, betweenReplicates } = asked;
  const failed = external.some(({ failedTrials }) => failedTrials > 0) ? ', without failed trials' : '';
  return [
    {
      label: 'Requests to external servers',
      value: `${formatCount(sent)} by the clients, warm-up included${failed}; ${formatCount(beforeRun + betweenReplicates)} more to ask what the servers do (${formatCount(beforeRun)} before the run, ${formatCount(betweenReplicates)} between replicates), which are in no other figure`,
    },
  ];
}

function hostFacts({ host, cells }: Run): Fact[] {
  return [
    { label: 'Host', value: host.hostname },
    { label: 'Platform', value: `${host.platform}, kernel ${host.kernel}` },
    { label: 'CPU', value: `${host.cpuModel}, ${formatCount(host.cpuCount)} logical cores` },
    { label: 'Memory', value: formatMemory(host.memoryBytes) },
    { label: 'Load average at the start', value: host.loadAverage.map(load => load.toFixed(2)).join(', ') },
    { label: 'Pinning', value: describePinning(host, cells) },
    {
      label: 'Descriptor limit',
      value: host.descriptorLimit === null ? 'unknown' : formatCount(host.descriptorLimit),
    },
    { label: 'Local ports', value: describePorts(host) },
  ];
}

/** conntax does not pin external servers. */
function describePinning({ pinning, pinningDetail }: Host, cells: Run['cells']): string {
  const foreign = cells.filter(({ scenario }) => isExternal(scenario.target));
  if (pinning === null) return pinningDetail;
  const more = describeMoreCores(pinning, cells);
  if (foreign.length === 0) return `${pinningDetail}${more}`;
  const own = foreign.length < cells.length ? `${pinningDetail}; ` : '';
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

function describePorts({ ephemeralPorts: ports, tcpTwReuse }: Host): string {
  if (ports === null) return 'unknown';
  const reuse = tcpTwReuse === null ? '' : `, tcp_tw_reuse ${tcpTwReuse}`;
  return `${ports.low} to ${ports.high} (${formatCount(ports.high - ports.low + 1)})${reuse}`;
}

function softwareFacts({ conntax, git, host }: Run): Fact[] {
  return [
    ...versionFacts({ conntax, git }),
    { label: 'Node', value: `${host.node} (V8 ${host.v8}, OpenSSL ${host.openssl})` },
    ...Object.entries(host.packages).map(([label, value]) => ({ label, value })),
  ];
}

/** The seed decides all randomness, so the command includes it even if it was not typed. */
export function repeatingCommand({ command, seed }: Pick<Run, 'command' | 'seed'>): readonly string[] {
  const isSeeded = command.some(word => word === '--seed' || word.startsWith('--seed='));
  return isSeeded ? command : [...command, '--seed', String(seed)];
}

function describeReproduction(run: Run): string {
  const { git, conntax } = run;
  const folder = git === null ? '' : `, at commit ${formatCommit(git)},`;
  return `with conntax ${conntax}${folder} and the same Node: ${formatCommand(repeatingCommand(run))}`;
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
  return [...machines.flatMap(lossCaveat), ...differences(machines)];
}

function lossCaveat({ name, loss }: RunMachine): string[] {
  if (loss === null) return [];
  return [
    `Machine ${name} was lost during the run: no later replicate had load from it, and any that was measured had the whole load from the others. (${loss.trim()})`,
  ];
}

/** Machines that differ have percentiles of their own beside the merged ones. */
export function differences(machines: readonly RunMachine[]): string[] {
  return HARDWARE.flatMap(({ noun, read }) => {
    const groups = [...Map.groupBy(machines, read)];
    if (groups.length < 2) return [];
    const which = groups.map(([value, own]) => `${value} (${listed(own.map(({ name }) => name))})`);
    return [`The machines have different ${noun}: ${which.join(', ')}.`];
  });
}
