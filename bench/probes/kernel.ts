// What the kernel shows of connections (Linux): its counters, of one machine or several, the sockets of a process, and free local ports.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { MeasureError, UsageError } from '../../results/errors.ts';
import type { KernelCounts, TimeWait } from '../../results/model/trial.ts';

/** The kernel's numbers of TCP states, net/tcp_states.h. */
const STATES = {
  '01': 'ESTABLISHED',
  '02': 'SYN_SENT',
  '03': 'SYN_RECV',
  '04': 'FIN_WAIT1',
  '05': 'FIN_WAIT2',
  '06': 'TIME_WAIT',
  '07': 'CLOSE',
  '08': 'CLOSE_WAIT',
  '09': 'LAST_ACK',
  '0A': 'LISTEN',
  '0B': 'CLOSING',
  '0C': 'SYN_RECV',
} as const;

export type SocketState = (typeof STATES)[keyof typeof STATES];

interface SocketAddress {
  /** IPv4 as four numbers, also where a socket of IPv6 carries it; IPv6 in full groups without zeros in front. */
  address: string;
  port: number;
}

export interface TcpSocket {
  state: SocketState;
  local: SocketAddress;
  remote: SocketAddress;
  /** 0 where no process owns it, as in TIME_WAIT. */
  inode: number;
}

/** A line of /proc/net/tcp or tcp6, with addresses as they stand there. */
export interface SocketLine {
  state: SocketState;
  local: string;
  remote: string;
  /** `03:00001770`: what is waited for (03: the end of TIME_WAIT), and for how many hundredths of a second. */
  timer: string | undefined;
  /** undefined where the line is cut off. */
  inode: string | undefined;
}

/** The lines of /proc/net/tcp or tcp6 that have a known state; with tens of thousands, addresses are better read of a few. */
export function socketLines(text: string): SocketLine[] {
  return text.split('\n').flatMap(line => {
    const [, local, remote, code, , timer, , , , inode] = line.trim().split(/\s+/);
    const state = STATES[code as keyof typeof STATES];
    return state === undefined ? [] : { state, local: local!, remote: remote!, timer, inode };
  });
}

/** Whether an address, as it stands in such a line, has this port. */
export function hasPort(address: string, port: number): boolean {
  return address.endsWith(`:${port.toString(16).toUpperCase().padStart(4, '0')}`);
}

/** Reads the text of /proc/net/tcp or tcp6. Lines that are cut off are left out. */
export function parseSockets(text: string): TcpSocket[] {
  return socketLines(text).flatMap(({ state, local, remote, inode }) =>
    inode === undefined
      ? []
      : { state, local: addressOf(local), remote: addressOf(remote), inode: Number(inode) },
  );
}

const MAPPED_IPV4 = '0000:0000:0000:0000:0000:FFFF:';

/** `0100007F:1F90`: 32-bit words in the byte order of the machine, which is little-endian where Node runs; then the port. */
function addressOf(text: string): SocketAddress {
  const [hex, port] = text.split(':') as [string, string];
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(word => word.match(/../g)!.reverse());
  const groups = bytes.join('').match(/.{4}/g) ?? [];
  const full = groups.join(':');
  const isIpv4 = bytes.length === 4 || full.startsWith(MAPPED_IPV4);
  return {
    address: isIpv4
      ? bytes
          .slice(-4)
          .map(byte => Number.parseInt(byte, 16))
          .join('.')
      : groups.map(group => Number.parseInt(group, 16).toString(16)).join(':'),
    port: Number.parseInt(port, 16),
  };
}

/** Reads the sockets of the network namespace of the process, which may be another than ours (containers). */
export function readSockets(pid: number | 'self'): TcpSocket[] {
  return ['tcp', 'tcp6'].flatMap(table => {
    try {
      return parseSockets(readFileSync(`/proc/${pid}/net/${table}`, 'latin1'));
    } catch (error) {
      // A kernel without IPv6 has no tcp6.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** What a process holds at one moment. */
export interface ProcessState {
  sockets: TcpSocket[];
  descriptors: number;
  rssBytes: number;
}

/**
 * @returns undefined once the process has ended
 * @throws UsageError if it belongs to another user, whose descriptors only root may read
 */
export function readProcessState(pid: number): ProcessState | undefined {
  try {
    const links = descriptorLinks(pid);
    const inodes = new Set(links.map(inodeOf));
    const rssBytes = parseRssBytes(readFileSync(`/proc/${pid}/status`, 'latin1'));
    if (rssBytes === undefined) return undefined;
    return {
      sockets: readSockets(pid).filter(({ inode }) => inode !== 0 && inodes.has(inode)),
      descriptors: links.length,
      rssBytes,
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new UsageError(
        `process ${pid} belongs to another user; expected: a process of your own, or to be run as root`,
      );
    }
    throw error;
  }
}

function descriptorLinks(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map(fd => linkOf(`/proc/${pid}/fd/${fd}`));
}

/** The sockets that a process has open. Costs some microseconds for each descriptor. @throws Error once it has ended */
export function readSocketInodes(pid: number): Set<number> {
  return new Set(descriptorLinks(pid).map(inodeOf));
}

/** Open descriptors of a process, at the cost of a call however many they are; before Linux 6.2 they are listed. @throws Error once it has ended */
export function countDescriptors(pid: number | 'self'): number {
  const folder = `/proc/${pid}/fd`;
  return statSync(folder).size || readdirSync(folder).length;
}

/** Memory, by the text of /proc/PID/status; undefined for a process that has ended and waits for its parent: it has none. */
export function parseRssBytes(status: string): number | undefined {
  const kiB = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return kiB === undefined ? undefined : Number(kiB) * 1_024;
}

/** Empty for a descriptor that was closed while the folder was read. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function inodeOf(link: string): number {
  return Number(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? Number.NaN);
}

/** The name of each in /proc/net/snmp or /proc/net/netstat. */
const COUNTERS = {
  activeOpens: 'Tcp:ActiveOpens',
  passiveOpens: 'Tcp:PassiveOpens',
  retransmits: 'Tcp:RetransSegs',
  needlessRetransmits: 'TcpExt:TCPDSACKRecv',
  synRetransmits: 'TcpExt:TCPSynRetrans',
  listenDrops: 'TcpExt:ListenDrops',
  timeWaitCreated: 'TcpExt:TW',
} as const satisfies Record<keyof KernelCounts, string>;

function kernelCounts(read: (name: keyof KernelCounts) => number): KernelCounts {
  const names = Object.keys(COUNTERS) as (keyof KernelCounts)[];
  return Object.fromEntries(names.map(name => [name, read(name)])) as Record<keyof KernelCounts, number>;
}

export const NO_KERNEL_COUNTS: KernelCounts = kernelCounts(() => 0);

/** Cumulative since boot, for the whole network namespace of a process. All zero where there is no /proc. */
export function readKernelCounts(pid: number | 'self' = 'self'): KernelCounts {
  const [snmp, netstat] = ['snmp', 'netstat'].map(file =>
    parseCounters(readText(`/proc/${pid}/net/${file}`)),
  );
  return kernelCounts(name => snmp!.get(COUNTERS[name]) ?? netstat!.get(COUNTERS[name]) ?? 0);
}

/** Whether this system has the counters at all: without them, zero is not a count. */
export function hasKernelCounts(): boolean {
  return readText('/proc/net/snmp') !== '';
}

export function kernelCountsBetween(before: KernelCounts, after: KernelCounts): KernelCounts {
  return kernelCounts(name => after[name] - before[name]);
}

export function addKernelCounts(one: KernelCounts, other: KernelCounts): KernelCounts {
  return kernelCounts(name => one[name] + other[name]);
}

/** Pairs of lines, names then values, as /proc/net/snmp and /proc/net/netstat have them. */
export function parseCounters(text: string): Map<string, number> {
  const counters = new Map<string, number>();
  const lines = text.split('\n');
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [group, ...names] = lines[i]!.split(' ');
    const [, ...values] = lines[i + 1]!.split(' ');
    names.forEach((name, column) => {
      counters.set(`${group}${name}`, Number(values[column]));
    });
  }
  return counters;
}

/** The kernel's limits and use of ports; null if it cannot be read. */
export interface PortRoom {
  range: { low: number; high: number } | null;
  /** net.ipv4.tcp_tw_reuse: 0 never, 1 always, 2 on loopback: a port in TIME_WAIT is free again after 1 s. */
  twReuse: number | null;
  timeWaitCount: number;
}

export function readPortRoom(): PortRoom {
  const range = readText('/proc/sys/net/ipv4/ip_local_port_range').trim().split(/\s+/).map(Number);
  const twReuse = readText('/proc/sys/net/ipv4/tcp_tw_reuse').trim();
  return {
    range: range.length === 2 ? { low: range[0]!, high: range[1]! } : null,
    twReuse: twReuse === '' ? null : Number(twReuse),
    timeWaitCount: Number(/^TCP:.* tw (\d+)/m.exec(readText('/proc/net/sockstat'))?.[1] ?? 0),
  };
}

/** Limit of open files of this process; null if it cannot be read. */
export function readDescriptorLimit(): number | null {
  const limit = /^Max open files\s+(\d+)/m.exec(readText('/proc/self/limits'))?.[1];
  return limit === undefined ? null : Number(limit);
}

/** The text of a file of the kernel's; empty if it cannot be read: its process has ended, or this is not Linux. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Connections in TIME_WAIT, by the end that closed first. */
export function readTimeWait(
  serverPorts: readonly number[],
  sinceMs: number,
  pid: number | 'self' = 'self',
): TimeWait {
  return countTimeWait(readText(`/proc/${pid}/net/tcp`), serverPorts, sinceMs);
}

const TIME_WAIT_MS = 60_000;
const TICK_MS = 10;

/**
 * Counts connections that entered TIME_WAIT within the last `sinceMs`, in the text of /proc/net/tcp. A port that was used again
 * meanwhile is counted once.
 */
export function countTimeWait(procNetTcp: string, serverPorts: readonly number[], sinceMs: number): TimeWait {
  const counts = { client: 0, server: 0 };
  for (const { state, local, remote, timer } of socketLines(procNetTcp)) {
    if (state !== 'TIME_WAIT') continue;
    const leftMs = Number.parseInt(timer?.split(':')[1] ?? '', 16) * TICK_MS;
    if (!(TIME_WAIT_MS - leftMs <= sinceMs + TICK_MS)) continue;
    if (serverPorts.some(port => hasPort(remote, port))) counts.client++;
    else if (serverPorts.some(port => hasPort(local, port))) counts.server++;
  }
  return counts;
}

const POLL_MS = 500;
/** TIME_WAIT lasts 60 s on Linux; after a longer wait, something else is wrong. */
const LONGEST_WAIT_MS = 75_000;

/** The remote end of connections. */
export interface Remote {
  port: number;
  isLoopback: boolean;
}

/** Whether the kernel may reuse a port in TIME_WAIT: tcp_tw_reuse 1, or 2 on loopback (after 1 s). True if unknown. */
export function mayReusePorts(twReuse: number | null, isLoopback: boolean): boolean {
  return twReuse === null || twReuse === 1 || (twReuse === 2 && isLoopback);
}

/**
 * Ports missing for `needed` more connections to one address. 0 if the kernel may reuse a port in TIME_WAIT,
 * or the range cannot be read.
 * @param heldByClient connections to that address that are in TIME_WAIT on the client's side
 */
export function portShortfall(
  room: PortRoom,
  heldByClient: number,
  needed: number,
  isLoopback: boolean,
): number {
  if (room.range === null || mayReusePorts(room.twReuse, isLoopback)) return 0;
  const size = room.range.high - room.range.low + 1;
  return Math.max(0, heldByClient + needed - size);
}

/** Counts connections in TIME_WAIT to the remote port, which the client closed, in the text of /proc/net/tcp or tcp6. */
export function countClientTimeWait(procNetTcp: string, remotePort: number): number {
  return socketLines(procNetTcp).filter(
    ({ state, remote }) => state === 'TIME_WAIT' && hasPort(remote, remotePort),
  ).length;
}

/**
 * Local ports in TIME_WAIT towards the remote port that the kernel does not reuse; 0 if tcp_tw_reuse allows it.
 * A connection that the server closed first holds no port on the client's side.
 */
export function countHeldPorts({ port, isLoopback }: Remote): number {
  if (mayReusePorts(readPortRoom().twReuse, isLoopback)) return 0;
  return ['tcp', 'tcp6']
    .map(table => countClientTimeWait(readText(`/proc/net/${table}`), port))
    .reduce((sum, count) => sum + count);
}

/**
 * Waits until `needed` connections to the remote port can get a local port, and reports why it waits.
 * Usually returns at once: the expensive count is made only if the cheap one cannot rule out a shortage.
 * @throws MeasureError ports-exhausted, when waiting does not help
 */
export async function waitForPorts(
  remote: Remote,
  needed: number,
  onWait: (why: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const startedAtMs = performance.now();
  let hasReported = false;
  for (;;) {
    const room = readPortRoom();
    const lacking = (held: number) => portShortfall(room, held, needed, remote.isLoopback);
    if (lacking(room.timeWaitCount) === 0 || signal.aborted) return;
    const held = countHeldPorts(remote);
    if (lacking(held) === 0) return;
    const size = room.range!.high - room.range!.low + 1;
    if (needed > size || performance.now() - startedAtMs > LONGEST_WAIT_MS) {
      throw new MeasureError(
        'ports-exhausted',
        `a slice needs about ${needed} more ports, and of ${size} local ports ${held} are held in TIME_WAIT with ` +
          `net.ipv4.tcp_tw_reuse = ${room.twReuse}; lower the concurrency or sliceMs, widen ` +
          `net.ipv4.ip_local_port_range, or set tcp_tw_reuse to ${remote.isLoopback ? 2 : 1}`,
      );
    }
    if (!hasReported) {
      hasReported = true;
      onWait(
        `waiting for ports: ${held} of ${size} are in TIME_WAIT and the next slice needs about ${needed}`,
      );
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

/**
 * How long this thread has waited for a processor so far, by the second field of schedstat, in nanoseconds. Of several threads in a
 * process, each waits for itself. 0 where there is none.
 */
export function readRunDelayMs(): number {
  return Number(readText('/proc/thread-self/schedstat').split(' ')[1] ?? 0) / 1e6;
}

/** Where counters are read. */
export interface Kernel {
  /** Two with the same one are one. */
  place: string;
  /** Whether it is that of this process, which is read without asking. */
  isHere: boolean;
  /** @throws MeasureError when its machine is lost */
  kernelCounts(): Promise<KernelCounts>;
}

const HERE: Kernel = { place: 'here', isHere: true, kernelCounts: async () => readKernelCounts() };

/**
 * @param clients of the machines that send the load; undefined: this one does
 * @throws MeasureError when a machine is lost
 */
export function readKernelsOf(
  clients: readonly Kernel[] = [HERE],
  server: Kernel | undefined,
): Promise<KernelCounts> {
  return readKernels(server === undefined ? clients : [...clients, server]);
}

/** @throws MeasureError when a machine is lost */
export async function readKernels(kernels: readonly Kernel[]): Promise<KernelCounts> {
  const places = Map.groupBy(kernels, ({ place, isHere }) => (isHere ? HERE.place : place));
  const counts = await Promise.all(
    [...places.values()].map(([kernel]) => (kernel!.isHere ? readKernelCounts() : kernel!.kernelCounts())),
  );
  return counts.reduce(addKernelCounts);
}
