// In: nothing. Out: the kernel's own counters of connections (Linux), and the room it leaves for more.
import { readFileSync } from 'node:fs';
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
