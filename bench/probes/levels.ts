// Levels of a process that is watched, over time: its sockets by state and peer, its descriptors and its memory.
import { type Growth, judgeGrowth, type Observed } from '../../results/leak.ts';
import type { ProcessState, SocketState, TcpSocket } from './kernel.ts';

/** Sockets in one state, with one peer. */
interface SocketGroup {
  state: SocketState;
  /** Such as `to 10.0.0.5:443`, or `from clients at :8080`. */
  peer: string;
}

export interface Level {
  /** Absent if the level is not a number of sockets. */
  sockets?: SocketGroup;
  /** Such as `CLOSE_WAIT to 10.0.0.5:443`, `descriptors`. */
  name: string;
  unit: 'sockets' | 'descriptors' | 'bytes';
  first: number;
  last: number;
  growth: Growth;
  /** New connections that were seen: those that came and went between two observations were not. Of sockets only. */
  seenNew?: number;
}

/** A crawler talks to thousands; what is beyond this many groups is one group for each state. */
const MAX_GROUPS = 200;
const ELSEWHERE = 'to other peers';

type Seen = Pick<ProcessState, 'sockets'> & Partial<ProcessState>;

/** Gathers observations; each level is 0 until it is first seen. */
export class Levels {
  readonly #timesMs: number[] = [];
  readonly #groups = new Map<string, { group: SocketGroup; counts: number[]; seenNew: number }>();
  readonly #descriptors: number[] = [];
  readonly #rssBytes: number[] = [];
  #inodes = new Set<number>();

  get count(): number {
    return this.#timesMs.length;
  }

  get elapsedMs(): number {
    return (this.#timesMs.at(-1) ?? 0) - (this.#timesMs[0] ?? 0);
  }

  add({ sockets, descriptors, rssBytes }: Seen, atMs: number): void {
    const place = this.#timesMs.push(atMs) - 1;
    const listening = new Set(
      sockets.filter(({ state }) => state === 'LISTEN').map(({ local }) => local.port),
    );
    for (const socket of sockets) if (socket.state !== 'LISTEN') this.#count(socket, listening, place);
    this.#inodes = new Set(sockets.map(({ inode }) => inode));
    if (descriptors !== undefined) this.#descriptors.push(descriptors);
    if (rssBytes !== undefined) this.#rssBytes.push(rssBytes);
  }

  #count(socket: TcpSocket, listening: ReadonlySet<number>, place: number): void {
    const { state, local, remote, inode } = socket;
    const peer = listening.has(local.port)
      ? `from clients at :${local.port}`
      : `to ${remote.address.includes(':') ? `[${remote.address}]` : remote.address}:${remote.port}`;
    const own = `${state} ${peer}`;
    const isKnown = this.#groups.has(own) || this.#groups.size < MAX_GROUPS;
    const key = isKnown ? own : `${state} ${ELSEWHERE}`;
    let entry = this.#groups.get(key);
    if (entry === undefined) {
      entry = { group: { state, peer: isKnown ? peer : ELSEWHERE }, counts: [], seenNew: 0 };
      this.#groups.set(key, entry);
    }
    while (entry.counts.length <= place) entry.counts.push(0);
    entry.counts[place]!++;
    if (place > 0 && inode !== 0 && !this.#inodes.has(inode)) entry.seenNew++;
  }

  #observed(values: readonly number[]): Observed[] {
    return this.#timesMs.map((atMs, place) => ({ atMs, value: values[place] ?? 0 }));
  }

  #level(name: string, unit: Level['unit'], values: readonly number[]): Level {
    const observed = this.#observed(values);
    return {
      name,
      unit,
      first: observed[0]?.value ?? 0,
      last: observed.at(-1)?.value ?? 0,
      growth: judgeGrowth(observed),
    };
  }

  /** Those that grow first, then the largest. */
  read(): Level[] {
    const sockets = [...this.#groups.values()]
      .map(({ group, counts, seenNew }) => ({
        ...this.#level(`${group.state} ${group.peer}`, 'sockets', counts),
        sockets: group,
        seenNew,
      }))
      .sort(
        (a, b) =>
          Number(b.growth.verdict === 'grows') - Number(a.growth.verdict === 'grows') || b.last - a.last,
      );
    return [
      ...sockets,
      ...(this.#descriptors.length === 0
        ? []
        : [this.#level('descriptors', 'descriptors', this.#descriptors)]),
      ...(this.#rssBytes.length === 0 ? [] : [this.#level('memory (RSS)', 'bytes', this.#rssBytes)]),
    ];
  }
}
