// In: readings of a link's relay before and after. Out: what it did in between, added up over many such spans.
import { LATENESS_BIN_COUNT, latenessQuantileMs, latenessSince } from '../core/link-protocol.ts';
import type { LinkReading } from '../../results/model/trial.ts';
import { LOAD_NICENESS } from './link.ts';
import type { LinkSpan } from './linked-target.ts';
import { createUsage } from './usage.ts';

export interface LinkFold {
  add(span: LinkSpan): void;
  /** @param exchanges those of all spans together */
  finish(exchanges: number): LinkReading;
}

export function createLinkFold(): LinkFold {
  const usage = createUsage();
  const lateness = new Array<number>(LATENESS_BIN_COUNT).fill(0);
  let connections = 0;
  let bytes = 0;
  return {
    add({ before, after }) {
      usage.add(before, after);
      connections += after.connections - before.connections;
      bytes += after.toTargetBytes - before.toTargetBytes + after.toClientBytes - before.toClientBytes;
      for (const [bin, count] of latenessSince(before.latenessCounts, after.latenessCounts).entries()) {
        lateness[bin]! += count;
      }
    },
    finish(exchanges) {
      // A little early is as good as in time: pieces are written up to a tenth of a millisecond before.
      const lateUs = (q: number): number => Math.max(0, Math.round(latenessQuantileMs(lateness, q) * 1_000));
      return {
        connections,
        bytes,
        latenessP50Us: lateUs(0.5),
        latenessP99Us: lateUs(0.99),
        latenessMaxUs: lateUs(1),
        relay: usage.finish(exchanges),
        loadNiceness: LOAD_NICENESS,
      };
    },
  };
}
