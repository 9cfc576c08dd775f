// TCP sockets, descriptors and memory of a process that is running, and sockets at a port, as the kernel lists them (Linux).
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { UsageError } from '../../results/errors.ts';

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

export interface SocketAddress {
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

/** Of the network namespace of the process, which may be another than ours (containers). */
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
export function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function inodeOf(link: string): number {
  return Number(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? Number.NaN);
}
