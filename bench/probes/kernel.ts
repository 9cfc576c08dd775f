// In: nothing. Out: the kernel's own counters of connections (Linux), and the room it leaves for more.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { MeasureError } from '../../results/errors.ts';
import type { KernelCounts } from '../../results/model/trial.ts';

/** Cumulative since boot, for the whole network namespace. All zero where there is no /proc. */
export function readKernelCounts(): KernelCounts {
  const snmp = parseCounters(readText('/proc/net/snmp'));
  const netstat = parseCounters(readText('/proc/net/netstat'));
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

/** Whether this system has counters at all: zero is no count where it has none. */
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

/** What the kernel allows and holds; null where it can't be read. */
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

/** Open files that a process may have, of this process; null where it can't be read. */
export function readDescriptorLimit(): number | null {
  const limit = /^Max open files\s+(\d+)/m.exec(readText('/proc/self/limits'))?.[1];
  return limit === undefined ? null : Number(limit);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not Linux: every reader above says what it gives then
  }
}

// From the kernel's port range and what holds it. Out: whether so many more connections find a port, and the wait if not.

const POLL_MS = 500;
/** TIME_WAIT lasts 60 s in Linux; a little more, and something else is wrong. */
const LONGEST_WAIT_MS = 75_000;

/** Where connections go to. */
export interface Remote {
  port: number;
  isLoopback: boolean;
}

/** Whether the kernel may use a port in TIME_WAIT again: tcp_tw_reuse 1, or 2 on loopback (after 1 s). Unknown: it may. */
export function mayReusePorts(twReuse: number | null, isLoopback: boolean): boolean {
  return twReuse === null || twReuse === 1 || (twReuse === 2 && isLoopback);
}

/**
 * Ports that `needed` more connections to one address would lack. None when the kernel may use a port in TIME_WAIT
 * again, nor where the range can't be read.
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

/** Connections in TIME_WAIT whose far end is the port: those that the client closed. From the text of /proc/net/tcp or tcp6. */
export function countClientTimeWait(procNetTcp: string, remotePort: number): number {
  const TIME_WAIT = '06';
  const suffix = `:${remotePort.toString(16).toUpperCase().padStart(4, '0')}`;
  let count = 0;
  for (const line of procNetTcp.split('\n')) {
    const [, , remote, state] = line.trim().split(/\s+/);
    if (state === TIME_WAIT && remote?.endsWith(suffix)) count++;
  }
  return count;
}

/**
 * Ports that the client's own closes hold towards the remote port and that the kernel won't use again: 0 where
 * tcp_tw_reuse lets it. What the server closes first holds none on the client's side.
 */
export function countHeldPorts({ port, isLoopback }: Remote): number {
  if (mayReusePorts(readPortRoom().twReuse, isLoopback)) return 0;
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .filter(path => existsSync(path))
    .reduce((sum, path) => sum + countClientTimeWait(readFileSync(path, 'latin1'), port), 0);
}

/**
 * Waits, and says why, until `needed` connections to the remote port find a local port.
 * Returns at once in almost every case: the costly count is made only where the cheap one can't rule a shortfall out.
 * @throws MeasureError ports-exhausted, when waiting does not help.
 */
export async function waitForPorts(
  remote: Remote,
  needed: number,
  onWait: (why: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const startedAtMs = performance.now();
  let hasSaidWhy = false;
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
    if (!hasSaidWhy) {
      hasSaidWhy = true;
      onWait(
        `waiting for ports: ${held} of ${size} are in TIME_WAIT and the next slice needs about ${needed}`,
      );
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}
