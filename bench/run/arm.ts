// In: what one arm's generator, the target and the kernel say of each of its slices. Out: the arm's trial.

import { neededConnections } from '../../results/needed-connections.ts';
import type {
  GeneratorCommand,
  GeneratorReading,
  GeneratorReply,
  SliceReading,
  TargetReading,
} from '../core/protocol.ts';
import type { KernelCounts, Measurement, Slice, Trial, TrialResult } from '../core/types.ts';
import type { Child } from './child.ts';
import { createLinkFold } from './link-fold.ts';
import type { LinkSpan } from './linked-target.ts';
import { createUsage } from './usage.ts';

export type Failure = Extract<TrialResult, { state: 'failed' }>['error'];
export type GeneratorChild = Child<GeneratorCommand, GeneratorReply>;

/** What was read at both ends of one slice. */
export interface SliceEvidence {
  reading: SliceReading;
  targetBefore: TargetReading;
  targetAfter: TargetReading;
  kernel: KernelCounts;
  /** The relay of the cell's link, where there is one. */
  link?: LinkSpan | undefined;
}

type CountedByTarget = Pick<TargetReading, 'accepted' | 'requests' | 'handshakesFull' | 'handshakesResumed'>;

/** One arm of a replicate while it is measured: its process, and a fold over its slices. */
export interface Arm {
  readonly trial: Trial;
  readonly child: GeneratorChild;
  /** Rates of the warm-up's windows, in order. */
  readonly warmupRatesPerSec: number[];
  warmupMs: number;
  isSteady: boolean;
  meanResponseMs: number;
  failure: Failure | undefined;
  readonly sliceCount: number;
  countTarget(before: TargetReading, after: TargetReading): void;
  /** Of this arm, by the target's count. */
  closedConnections(): number;
  addSlice(evidence: SliceEvidence, place: Pick<Slice, 'block' | 'position'>): void;
  finish(reading: GeneratorReading): Measurement;
}

export function createArm(trial: Trial, child: GeneratorChild): Arm {
  const counted: CountedByTarget = { accepted: 0, requests: 0, handshakesFull: 0, handshakesResumed: 0 };
  const requestsPerConnection = new Map<number, number>();
  const generator = createUsage();
  const target = createUsage();
  const link = createLinkFold();
  const kernel: KernelCounts = {
    activeOpens: 0,
    passiveOpens: 0,
    retransmits: 0,
    synRetransmits: 0,
    listenDrops: 0,
    timeWaitCreated: 0,
  };
  const slices: Slice[] = [];
  let exchanges = 0;

  const arm: Arm = {
    trial,
    child,
    warmupRatesPerSec: [],
    warmupMs: 0,
    isSteady: false,
    meanResponseMs: 0,
    failure: undefined,
    get sliceCount() {
      return slices.length;
    },
    countTarget(before, after) {
      for (const name of Object.keys(counted) as (keyof CountedByTarget)[]) {
        counted[name] += after[name] - before[name];
      }
      for (const { requests, connections } of after.requestsPerConnection) {
        const earlier =
          before.requestsPerConnection.find(entry => entry.requests === requests)?.connections ?? 0;
        const more = connections - earlier;
        if (more > 0) requestsPerConnection.set(requests, (requestsPerConnection.get(requests) ?? 0) + more);
      }
    },
    closedConnections: () =>
      [...requestsPerConnection.values()].reduce((sum, connections) => sum + connections, 0),
    addSlice({ reading, targetBefore, targetAfter, kernel: delta, link: span }, { block, position }) {
      exchanges += reading.exchanges;
      if (span !== undefined) link.add(span);
      for (const name of Object.keys(kernel) as (keyof KernelCounts)[]) kernel[name] += delta[name];
      slices.push({
        block,
        position,
        atMs: reading.atMs,
        windowMs: reading.windowMs,
        completed: reading.completed,
        failed: reading.failed,
        meanUs: reading.meanUs,
        exchanges: reading.exchanges,
        generatorCpuUs: generator.add(reading.before, reading.after),
        targetCpuUs: target.add(targetBefore, targetAfter),
      });
    },
    finish(reading) {
      const { client, load, target: targetOptions } = trial;
      return {
        warmupMs: arm.warmupMs,
        isSteady: arm.isSteady,
        steadyMs: slices.reduce((sum, slice) => sum + slice.windowMs, 0),
        completed: reading.completedRecorded,
        failed: reading.failedRecorded,
        bytes: reading.bytesRecorded,
        outcomes: reading.outcomes,
        response: reading.response,
        service: reading.service,
        wait: reading.wait,
        firstByte: reading.firstByte,
        body: reading.body,
        connect: reading.connect,
        tls: reading.tls,
        lateness: reading.lateness,
        arrivals: reading.arrivals,
        capacity: null,
        timeline: reading.timeline,
        slices,
        ledger: {
          opened: reading.opened ?? kernel.activeOpens,
          openedBy: reading.opened === null ? 'kernel' : 'client',
          accepted: counted.accepted,
          acceptedBy: 'target',
          needed: neededConnections({ client, target: targetOptions, load, requests: reading.sent }),
          requestsSent: reading.sent,
          requestsSeen: counted.requests,
          answered: reading.answered,
          failed: reading.failed,
          unfinished: reading.unfinished,
          handshakesFull: counted.handshakesFull,
          handshakesResumed: counted.handshakesResumed,
          clientHandshakesFull: reading.handshakesFull,
          clientHandshakesResumed: reading.handshakesResumed,
          requestsPerConnection: [...requestsPerConnection]
            .map(([requests, connections]) => ({ requests, connections }))
            .sort((a, b) => a.requests - b.requests),
        },
        generator: generator.finish(exchanges),
        target: target.finish(exchanges),
        link: trial.link === undefined ? null : link.finish(exchanges),
        kernel,
        caveats: reading.caveats,
      };
    },
  };
  return arm;
}
