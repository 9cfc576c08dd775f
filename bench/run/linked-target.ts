// In: a running target, and the link of its cell. Out: the same target behind a relay that all arms go through.
import { setTimeout as delay } from 'node:timers/promises';
import type { RelayReading } from '../core/link-protocol.ts';
import { longestRoundTripMs } from '../core/round-trips.ts';
import type { Link } from '../../scenarios/model/target.ts';
import type { KernelCounts } from '../../results/model/trial.ts';
import { startLink } from './link.ts';
import type { TargetProcess } from './targets.ts';

/** A relay, as whoever measures through it sees it. */
export interface TargetLink {
  readonly isAlive: boolean;
  /** Where its connections end: at the target's own port of 127.0.0.1. */
  readonly upstreamPort: number;
  /** @throws ChildError when the relay has died or hangs. */
  read(): Promise<RelayReading>;
  /**
   * Resolves when nothing is on its way any more, or when that has taken longer than it can: what a client has sent or
   * closed is then counted by the target.
   * @throws ChildError as read.
   */
  settle(): Promise<void>;
}

const SETTLE_PAUSE_MS = 5;
/** Between a dial and its answer nothing is under way by the relay's count: one reading alone may fall into that. */
const IDLE_READINGS = 2;
/** Beyond the trips: a relay that waits for a core. */
const SETTLE_GRACE_MS = 1_000;

/**
 * The target's certificate holds for the relay too: it is for the address, whatever the port. Killing one kills both;
 * when this throws, the target is as it was.
 * @throws ChildError when the relay does not start.
 */
export async function linkTo(target: TargetProcess, link: Link, seed: number): Promise<TargetProcess> {
  const origin = new URL(target.endpoint.origin);
  const upstreamPort = Number(origin.port);
  const relay = await startLink({ link, upstreamPort, seed });
  origin.port = String(relay.port);
  const longestSettleMs = 2 * longestRoundTripMs(link) + SETTLE_GRACE_MS;
  return {
    ...target,
    endpoint: { ...target.endpoint, origin: origin.origin },
    get isAlive() {
      return target.isAlive && relay.isAlive;
    },
    async kill() {
      await Promise.all([relay.kill(), target.kill()]);
    },
    link: {
      upstreamPort,
      get isAlive() {
        return relay.isAlive;
      },
      read: relay.read,
      async settle() {
        const giveUpAtMs = performance.now() + longestSettleMs;
        for (let idle = 0; idle < IDLE_READINGS && performance.now() < giveUpAtMs; ) {
          await delay(SETTLE_PAUSE_MS);
          idle = (await relay.read()).inFlight === 0 ? idle + 1 : 0;
        }
      },
    },
  };
}

/** A link's relay at both ends of a slice. */
export interface LinkSpan {
  before: RelayReading;
  after: RelayReading;
}

/** The kernel sees each connection through a relay twice: what is left when those of the relay are taken out. */
export function withoutRelay(kernel: KernelCounts, { before, after }: LinkSpan): KernelCounts {
  const relayed = after.connections - before.connections;
  return {
    ...kernel,
    activeOpens: Math.max(0, kernel.activeOpens - relayed),
    passiveOpens: Math.max(0, kernel.passiveOpens - relayed),
  };
}
