// In: a target, a code and a core. Out: the running target process, and what it has counted.
import type { Code } from '../core/code.ts';
import type { Endpoint } from '../contracts.ts';
import type { TargetCommand, TargetReading, TargetReply } from '../../servers/protocol.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { FailureCode } from '../../results/model/trial.ts';
import { orKill, spawnChild } from './child.ts';
import type { TargetLink } from './linked-target.ts';
import { requireProtocol } from './protocol-version.ts';

/** Importing fastify and making a certificate takes well under a second on an idle core; this is for a busy one. */
const START_TIMEOUT_MS = 20_000;
const READ_TIMEOUT_MS = 10_000;

/** Where a server says nothing of itself: connections by the kernel's cumulative count, of all programs. */
export interface KernelReading {
  /** kernel: those accepted on this machine; kernelOpens: those opened from it. */
  countedBy: 'kernel' | 'kernelOpens';
  /** null where the system has no such counter. */
  accepted: number | null;
}

export type ServerReading = TargetReading | KernelReading;

/** Whether the server itself has counted, and nobody else's connections are in it. */
export function isOwnReading(reading: ServerReading): reading is TargetReading {
  return !('countedBy' in reading);
}

/** A server under measurement, ours or not. */
export interface MeasuredTarget {
  readonly endpoint: Endpoint;
  /** Whether what is sent to it stays on this machine. */
  readonly isLoopback: boolean;
  /** What it takes to answer on average, by what it was told to do; absent where that is not known. */
  readonly serviceMs?: number;
  /** The relay in front of it, where the cell has a link: the endpoint is then the relay's. */
  readonly link?: TargetLink;
  /** @throws ChildError when the target has died or hangs. */
  read(): Promise<ServerReading>;
  readonly isAlive: boolean;
  kill(): Promise<void>;
}

/** By arm, the server that it is measured against. */
export type TargetOf = (arm: string) => MeasuredTarget;

/** Where one of these targets has died, or what stands in front of it. */
export function deathCode(...targets: readonly MeasuredTarget[]): FailureCode {
  return targets.some(({ link }) => link?.isAlive === false) ? 'link-died' : 'target-died';
}

/** A server of ours: a process that counts. */
export interface TargetProcess extends MeasuredTarget {
  readonly pid: number;
  read(): Promise<TargetReading>;
}

export interface StartOptions {
  /** What it is called in messages. */
  title?: string;
  /** Whose code it runs; ours unless given. */
  code?: Code | undefined;
  /** How far it stands back, 0 to 19; 0 unless given. */
  niceness?: number;
}

/**
 * @param cpu core to pin it to; null: not pinned
 * @throws ChildError when the target does not start; UsageError when there is no code of it; MeasureError when it does not
 *   load a package that its code has in another version
 */
export async function startTarget(
  target: Target,
  seed: number,
  cpu: number | null,
  { title = 'the target', code, niceness = 0 }: StartOptions = {},
): Promise<TargetProcess> {
  const child = spawnChild<TargetCommand, TargetReply>({
    title,
    entry: '../../servers/target-child',
    code,
    cpu,
    niceness,
  });
  const start = async (): Promise<Extract<TargetReply, { type: 'started' }>> => {
    const started = await child.ask({ type: 'start', target, seed }, 'started', START_TIMEOUT_MS);
    requireProtocol(started.protocol, title);
    child.requireLoaded();
    return started;
  };
  const { endpoint, serviceMs } = await orKill(child, start());
  return {
    pid: child.pid,
    endpoint,
    isLoopback: true,
    serviceMs,
    read: async () => (await child.ask({ type: 'read' }, 'reading', READ_TIMEOUT_MS)).reading,
    get isAlive() {
      return child.isAlive;
    },
    kill: child.kill,
  };
}
