// In: a run. Out: the machine, the software and the command behind it, and how to make it again.
import type { RunSummary } from '../../results/baselines.ts';
import type { Host, Run } from '../../results/model/run.ts';
import type { Fact, FactGroup } from '../model.ts';
import { secondsText } from './conditions.ts';
import { countText, memoryText } from './numbers.ts';

// From a run. Out: how it is named, in a sentence and among facts: by its commit, and by when it was.

/** `3f9c1d2a7b6e with uncommitted changes`. */
export function commitText({ commit, isDirty }: NonNullable<RunSummary['git']>): string {
  return `${commit.slice(0, 12)}${isDirty ? ' with uncommitted changes' : ''}`;
}

/** By its commit, or where that is not known by its id. */
export function runText({ git, runId }: Pick<RunSummary, 'git' | 'runId'>): string {
  return git === null ? runId : `commit ${commitText(git)}`;
}

/** `2026-11-23 12:25 UTC`. */
export function timeText(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

/** `2026-11-23`, in UTC. */
export function dayText(iso: string): string {
  return iso.slice(0, 10);
}

/** Which conntax measured, and in which state of the folder that it ran in. */
export function versionFacts({ conntax, git }: Pick<RunSummary, 'conntax' | 'git'>): Fact[] {
  return [
    { label: 'conntax', value: conntax },
    ...(git === null ? [] : [{ label: 'Commit of the folder it ran in', value: commitText(git) }]),
  ];
}

export function machineFacts(run: Run): FactGroup[] {
  return [
    { title: 'Run', facts: runFacts(run) },
    { title: 'Machine', facts: hostFacts(run) },
    { title: 'Software', facts: softwareFacts(run) },
  ];
}

/** `Measured 2026-11-23 12:25 UTC on AMD EPYC 7B13 (2 cores), Node 26.10.0; run ...`. */
export function subtitleText({ startedAt, host, id }: Run): string {
  return `Measured ${timeText(startedAt)} on ${host.cpuModel} (${countText(host.cpuCount)} cores), Node ${host.node}; run ${id}`;
}

function runFacts(run: Run): Fact[] {
  const durationMs = Date.parse(run.finishedAt) - Date.parse(run.startedAt);
  return [
    { label: 'Run', value: run.id },
    { label: 'Started', value: run.startedAt },
    { label: 'Took', value: secondsText(durationMs) },
    { label: 'State', value: run.state },
    { label: 'Seed', value: String(run.seed) },
    { label: 'Command', value: commandText(run.command) },
    { label: 'To reproduce', value: reproduceText(run) },
  ];
}

function hostFacts({ host, cells }: Run): Fact[] {
  return [
    { label: 'Host', value: host.hostname },
    { label: 'Platform', value: `${host.platform}, kernel ${host.kernel}` },
    { label: 'CPU', value: `${host.cpuModel}, ${countText(host.cpuCount)} logical cores` },
    { label: 'Memory', value: memoryText(host.memoryBytes) },
    { label: 'Load average at the start', value: host.loadAverage.map(load => load.toFixed(2)).join(', ') },
    { label: 'Pinning', value: pinningText(host, cells) },
    {
      label: 'Descriptor limit',
      value: host.descriptorLimit === null ? 'not known' : countText(host.descriptorLimit),
    },
    { label: 'Local ports', value: portsText(host) },
  ];
}

/** What conntax did not start it does not pin either. */
function pinningText({ pinning, pinningDetail }: Host, cells: Run['cells']): string {
  const foreign = cells.filter(({ scenario }) => scenario.target.url !== undefined);
  if (pinning === null || foreign.length === 0) return pinningDetail;
  const own = foreign.length < cells.length ? `${pinningDetail}; ` : '';
  return `${own}generators pinned to core ${pinning.generatorCpu}, servers with a url left where they are`;
}

function portsText({ ephemeralPorts: ports, tcpTwReuse }: Host): string {
  if (ports === null) return 'not known';
  const reuse = tcpTwReuse === null ? '' : `, tcp_tw_reuse ${tcpTwReuse}`;
  return `${ports.low} to ${ports.high} (${countText(ports.high - ports.low + 1)})${reuse}`;
}

function softwareFacts({ conntax, git, host }: Run): Fact[] {
  return [
    ...versionFacts({ conntax, git }),
    { label: 'Node', value: `${host.node} (V8 ${host.v8}, OpenSSL ${host.openssl})` },
    ...Object.entries(host.packages).map(([label, value]) => ({ label, value })),
  ];
}

/** The seed decides every shuffle and draw, so it belongs to the command even where it was not typed. */
function reproduceText({ command, seed, git, conntax }: Run): string {
  const seeded = command.includes('--seed') ? command : [...command, '--seed', String(seed)];
  const folder = git === null ? '' : `, in the folder at commit ${commitText(git)},`;
  return `with conntax ${conntax}${folder} and the same Node: ${commandText(seeded)}`;
}

/** As one would type it in a POSIX shell. */
function commandText(command: readonly string[]): string {
  return command
    .map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}
