// Checks, before a run starts, whether the plan fits the limits of this machine.

import { isBusyMachine } from '../../results/audits/machine.ts';
import { mostOpenConnections } from '../../results/connections.ts';
import { MeasureError } from '../../results/errors.ts';
import type { Host } from '../../results/model/run.ts';
import { sumOf } from '../../results/stats.ts';
import { connectionLimit, hostOf, originCount } from '../../scenarios/model/facts.ts';
import { mostInFlight } from '../../scenarios/model/load.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { proxyOrigin } from '../clients/proxy.ts';
import { isLoopback } from '../plan/allowed-hosts.ts';
import { countGenerators } from '../plan/division.ts';
import { countSpareCores, type Plan, type PlannedCell } from '../plan/plan.ts';
import { mayReusePorts } from '../probes/kernel.ts';
import type { LocatedServer, LocatedTarget } from './find-servers.ts';

export interface Check {
  state: 'pass' | 'warn' | 'fail';
  sentence: string;
}

const pass = (sentence: string): Check => ({ state: 'pass', sentence });
const warn = (sentence: string): Check => ({ state: 'warn', sentence });
const fail = (sentence: string): Check => ({ state: 'fail', sentence });

/** Checks of another machine. */
function onMachine(machine: string, checks: readonly Check[]): Check[] {
  return checks.map(({ state, sentence }) => ({ state, sentence: `${machine}: ${sentence}` }));
}

/** File descriptors of a Node process without sockets, with a margin. */
const OWN_DESCRIPTORS = 64;
/** Memory of one connection in the process at either end: the largest measured with undici and fastify, rounded up. */
const CONNECTION_BYTES = 32 * 1_024;
/** V8's default heap limit: a quarter of the memory, at most this. */
const HEAP_SHARE = 4;
const MAX_HEAP_BYTES = 4 * 2 ** 30;

/** A machine that sends a part of the load. */
export interface Sender {
  name: string;
  host: Host;
  /** Whether it is the machine of the run. */
  isHere: boolean;
  /** Its part of a client's load, and that of the one of its generators with the largest, 0 to 1. */
  shareOf(scenario: Scenario): { machine: number; generator: number };
}

/** Machines beside that of the run. */
interface CheckedMachines {
  /** Those that send the load; none: this one does. */
  senders?: readonly Sender[];
  /** That on which conntax's own target is started; undefined: it is started here. */
  targetHost?: Host | undefined;
}

/**
 * @param located the plan's external servers
 * @param allowedHosts hosts beyond loopback that load may be sent to
 */
export function checkPlan(
  plan: Plan,
  host: Host,
  located: readonly LocatedTarget[] = [],
  allowedHosts: readonly string[] = [],
  { senders = [], targetHost }: CheckedMachines = {},
): Check[] {
  const servers = located.flatMap(target => target.servers);
  const isSentHere = senders.length === 0;
  const arms = plan.cells.flatMap(cell => (isSentHere ? armNeeds(cell) : []));
  // Between slices all arms of a cell keep connections to the same port, each as many as it has requests in flight.
  const together = plan.cells.flatMap(({ id, scenario }) => {
    if (!isSentHere) return [];
    const inFlight = mostInFlight(scenario.load);
    const origins = originCount(scenario.target);
    const keeping = Object.values(scenario.clients).filter(
      ({ requestsPerConnection }) => requestsPerConnection !== 1,
    );
    const connections = sumOf(keeping, ({ pool }) =>
      Math.min(connectionLimit(pool, origins), inFlight * origins),
    );
    return { name: `${id}, all clients`, connections, inFlight };
  });
  const foreignCells = new Set(located.flatMap(({ cells }) => cells.map(({ id }) => id)));
  const isElsewhere = servers.some(
    ({ addresses, reach }) =>
      reach.socketPath === undefined && addresses.some(address => !isLoopback(address)),
  );
  const ownCells = plan.cells.filter(({ id }) => !foreignCells.has(id));
  const targets = ownCells.flatMap(targetNeeds);
  const hasOwnTarget = ownCells.length > 0 && targetHost === undefined;
  const processes = [...arms.map(shareOfProcess), ...(hasOwnTarget ? targets : [])];
  return [
    ...(processes.length === 0 ? [] : [checkDescriptors(processes, host)]),
    ...(isSentHere ? [checkPorts([...arms, ...together], host, !isElsewhere)] : []),
    ...checkMemory(processes, host),
    checkBusyness(host),
    ...(servers.length === 0 ? [] : [checkServers(servers)]),
    ...servers.flatMap(checkTrust),
    ...checkAllowed(servers, allowedHosts),
    ...(processes.length === 0 ? [] : [checkPinning(host, hasOwnTarget)]),
    ...(isSentHere ? checkGenerators(plan, host) : []),
    ...senders.flatMap(sender => checkSender(plan, sender)),
    ...(targetHost === undefined ? [] : checkTargetHost(targets, targetHost)),
  ];
}

function armNeeds({ id, scenario }: PlannedCell): (Need & { generators: number })[] {
  return Object.entries(scenario.clients).map(([arm, client]) => ({
    name: `${id}, client ${arm}`,
    connections: mostOpenConnections(client, scenario.load, scenario.target),
    inFlight: mostInFlight(scenario.load),
    generators: countGenerators(scenario),
  }));
}

/** The limits of a machine that sends a part of the load. */
function checkSender({ cells }: Plan, { name: machine, host, isHere, shareOf }: Sender): Check[] {
  const needsOf = (part: 'machine' | 'generator'): Need[] =>
    cells.flatMap(cell => {
      const share = shareOf(cell.scenario)[part];
      return armNeeds(cell).map(({ name, connections, inFlight }) => ({
        name,
        connections: Math.ceil(connections * share),
        inFlight: Math.ceil(inFlight * share),
      }));
    });
  const processes = needsOf('generator');
  return onMachine(`machine ${machine}`, [
    checkDescriptors(processes, host),
    checkPorts(needsOf('machine'), host, isHere),
    ...checkMemory(processes, host),
    checkBusyness(host),
  ]);
}

/** The limits of another machine that conntax's own target runs on. */
function checkTargetHost(targets: readonly Need[], host: Host): Check[] {
  if (targets.length === 0) return [];
  const checks = [checkDescriptors(targets, host), ...checkMemory(targets, host), checkBusyness(host)];
  return onMachine('machine of the server', checks);
}

/** What the process with the largest share of a client's load needs. */
function shareOfProcess({ name, generators, ...need }: Need & { generators: number }): Need {
  const share = (count: number) => Math.ceil(count / generators);
  return { name, connections: share(need.connections), inFlight: share(need.inFlight) };
}

/** Needs of each target process of a cell, and of its relay if there is a link. */
function targetNeeds({ id, scenario, targets }: PlannedCell): Need[] {
  return targets.flatMap(({ arms }) => {
    // A target holds the idle connections of all its arms.
    const connections = sumOf(arms, arm =>
      mostOpenConnections(scenario.clients[arm]!, scenario.load, scenario.target),
    );
    const inFlight = mostInFlight(scenario.load);
    const target = { name: `${id}, target`, connections, inFlight };
    // A relay holds both ends of each connection, and may hold a closing one while the next opens.
    const relay = { name: `${id}, relay of the link`, connections: 4 * connections, inFlight };
    return scenario.link === undefined ? [target] : [target, relay];
  });
}

function checkServers(servers: readonly LocatedServer[]): Check {
  const urls = servers.map(
    ({ url, addresses, reach: { proxy } }) =>
      `${url} (${proxy === undefined ? '' : `by the proxy ${proxyOrigin(proxy)}: `}${addresses.join(', ')})`,
  );
  return pass(`external servers, not pinned to a core, each asked once before the run: ${urls.join('; ')}`);
}

function checkTrust({ url, reach }: LocatedServer): Check[] {
  if (reach.isUnverified !== true) return [];
  return [warn(`${url}: target.insecure accepts any certificate, so the load may go to another server`)];
}

/** Probably a typo: no scenario uses this host. */
function checkAllowed(servers: readonly LocatedServer[], allowedHosts: readonly string[]): Check[] {
  const hosts = new Set(servers.flatMap(({ url, reach: { proxy = url } }) => [hostOf(url), hostOf(proxy)]));
  const known = hosts.size === 0 ? 'no target has a url' : `known hosts: ${[...hosts].join(', ')}`;
  return allowedHosts
    .filter(allowed => !hosts.has(allowed))
    .map(allowed =>
      warn(`--allow-host ${allowed}: no target.url, target.urls or target.proxy has this host; ${known}`),
    );
}

function checkPinning({ pinning, pinningDetail }: Host, hasOwnTarget: boolean): Check {
  if (pinning === null) return warn(`${pinningDetail}: target and generator may compete for a core`);
  return pass(hasOwnTarget ? pinningDetail : `generators pinned to core ${pinning.generatorCpu}`);
}

/** Generators of a client that have to share cores send no more than fewer would: worth knowing, but no reason to refuse. */
function checkGenerators({ cells }: Plan, host: Host): Check[] {
  const spare = countSpareCores(host);
  return cells.flatMap(({ id, scenario }) => {
    const count = countGenerators(scenario);
    if (count === 1) return [];
    const cores = spare === 1 ? '1 core is' : `${spare} cores are`;
    const sentence = `${id}: ${count} generators per client; ${cores} left for them beside the target`;
    return count <= spare
      ? pass(sentence)
      : warn(`${sentence}, so they share cores and send no more than ${spare} could`);
  });
}

interface Need {
  name: string;
  /** At most; an unlimited pool opens up to about twice the requests in flight. */
  connections: number;
  /** Requests in flight, which the author of a scenario sets. */
  inFlight: number;
}

/** The need with the most connections. */
function greatest(needs: readonly Need[]): Need {
  const nothing = { name: 'nothing', connections: 0, inFlight: 0 };
  return needs.reduce((most, need) => (need.connections > most.connections ? need : most), nothing);
}

/** The load that would fit, where there is room for a number of connections. */
function describeRoom({ connections, inFlight }: Need, room: number): string {
  return `about ${Math.max(0, Math.floor((inFlight * room) / connections))} requests in flight would fit`;
}

function checkDescriptors(needs: readonly Need[], { descriptorLimit }: Host): Check {
  const need = greatest(needs);
  const needed = need.connections + OWN_DESCRIPTORS;
  const sentence = `descriptors: at most ${needed} needed (${need.name})`;
  if (descriptorLimit === null) return warn(`${sentence}; the limit is unknown here`);
  if (needed <= descriptorLimit) return pass(`${sentence}, ${descriptorLimit} allowed`);
  const fitting = describeRoom(need, descriptorLimit - OWN_DESCRIPTORS);
  return fail(
    `${sentence}, but only ${descriptorLimit} are allowed: raise the hard limit ("ulimit -Hn ${needed}" as root, or limits.conf), or lower the load (${fitting})`,
  );
}

function checkPorts(
  needs: readonly Need[],
  { ephemeralPorts, tcpTwReuse }: Host,
  isAllLoopback: boolean,
): Check {
  const need = greatest(needs);
  const { name, connections } = need;
  if (ephemeralPorts === null) return warn('ports: the range is unknown on this system');
  const size = ephemeralPorts.high - ephemeralPorts.low + 1;
  if (connections > size) {
    return fail(
      `ports: ${connections} at once needed (${name}), but the range has ${size}: widen net.ipv4.ip_local_port_range, or lower the load (${describeRoom(need, size)})`,
    );
  }
  const sentence = `ports: ${size} to each target; a closed one`;
  return mayReusePorts(tcpTwReuse, isAllLoopback)
    ? pass(`${sentence} can be reused after 1 s, so slices never wait for ports`)
    : warn(
        `${sentence} is held for 60 s (net.ipv4.tcp_tw_reuse = ${tcpTwReuse}), so a slice waits when the range runs out`,
      );
}

/** One process can use a share of the memory, up to V8's default heap limit. */
function checkMemory(needs: readonly Need[], { memoryBytes }: Host): Check[] {
  const need = greatest(needs);
  const room = Math.min(memoryBytes / HEAP_SHARE, MAX_HEAP_BYTES);
  const neededBytes = need.connections * CONNECTION_BYTES;
  if (neededBytes <= room) return [];
  const [needed, allowed] = [neededBytes, room].map(bytes => `${(bytes / 2 ** 30).toFixed(1)} GiB`);
  return [
    fail(
      `memory: ${need.connections} connections need about ${needed} (${need.name}), but a process can use about ${allowed} here: lower the load (${describeRoom(need, room / CONNECTION_BYTES)})`,
    ),
  ];
}

function checkBusyness(host: Host): Check {
  const { loadAverage, cpuCount } = host;
  const [lastMinute = 0] = loadAverage;
  const sentence = `load average of the last minute: ${lastMinute.toFixed(2)} on ${cpuCount} cores`;
  return isBusyMachine(host)
    ? warn(`${sentence}: other programs are running, and intervals will be wide`)
    : pass(sentence);
}

/** @throws MeasureError unfit, with every failed check, when the plan cannot be measured on this machine */
export function requireFit(checks: readonly Check[]): void {
  const failed = checks.filter(check => check.state === 'fail');
  if (failed.length > 0) throw new MeasureError('unfit', failed.map(check => check.sentence).join('\n'));
}
