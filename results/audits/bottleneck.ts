// In: a trial. Out: whether the client's or the target's process, rather than the connections, set the pace.
import type { Resources } from '../model/trial.ts';
import type { TrialRule } from './rule.ts';
import { percent } from './rule.ts';

const BOUND = 0.9;

/** A process that uses more than 90 % of a core is the bottleneck. */
export const bottleneck: TrialRule = {
  rule: 'bottleneck',
  check({ measurement: { generator, target } }) {
    const used = `generator ${usageOf(generator)}, target ${target === null ? 'unknown' : usageOf(target)}`;
    const bounds = [
      ...(generator.cpuRatio > BOUND ? ["client-bound: the client library's own cost is what you see"] : []),
      ...(target !== null && target.cpuRatio > BOUND
        ? ["target-bound: the target's own cost is what you see"]
        : []),
    ];
    return bounds.length === 0
      ? { state: 'pass', detail: used }
      : { state: 'warn', detail: `${bounds.join('; ')} (${used})` };
  },
};

function usageOf({ cpuRatio, eventLoopRatio }: Resources): string {
  return `${percent(cpuRatio)} of a core, event loop ${percent(eventLoopRatio)} busy`;
}
