// The kernel's counters of connections (Linux), and the number of free local ports.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { MeasureError } from '../../results/errors.ts';
import type { KernelCounts, TimeWait } from '../../results/model/trial.ts';
import { hasPort, socketLines } from './sockets.ts';

/** Cumulative since boot, for the whole network namespace of a process. All zero where there is no /proc. */
export function readKernelCounts(pid: number | 'self' = 'self'): KernelCounts {
  const snmp = parseCounters(readText(`/proc/${pid}/net/snmp`));
  const netstat = parseCounters(readText(`/proc/${pid}/net/netstat`));
  return {
    activeOpens: snmp.get('Tcp:ActiveOpens') ?? 0,
    passiveOpens: snmp.get('Tcp:PassiveOpens') ?? 0,
    retransmits: snmp.get('Tcp:RetransSegs') ?? 0,
    needlessRetransmits: netstat.get('TcpExt:TCPDSACKRecv') ?? 0,
    synRetransmits: netstat.get('TcpExt:TCPSynRetrans') ?? 0,
    listenDrops: netstat.get('TcpExt:ListenDrops') ?? 0,
    timeWaitCreated: netstat.get('TcpExt:TW') ?? 0,
  };
}

/** Whether this system has the counters at all: without them, zero is not a count. */
export function hasKernelCounts(): boolean {
  return readText('/proc/net/snmp') !== '';
}

/** after - before, for each counter. */
export function kernelCountsBetween(before: KernelCounts, after: KernelCounts): KernelCounts {
  const difference = { ...after };
  for (const name of Object.keys(difference) as (keyof KernelCounts)[]) difference[name] -= before[name];
  return difference;
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

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not Linux: each reader above has a default
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
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .filter(path => existsSync(path))
    .reduce((sum, path) => sum + countClientTimeWait(readFileSync(path, 'latin1'), port), 0);
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
