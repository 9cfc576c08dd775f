// In: the arms of a replicate, and how to try one at a rate. Out: each arm's capacity, arms taking turns probe by probe.
import type { CapacityLoad } from '../../scenarios/model/load.ts';
import type { Probe } from '../core/open-results.ts';
import type { SliceReading } from '../../servers/protocol.ts';
import { createCapacitySearch } from '../plan/capacity-search.ts';
import type { Arm } from './arm.ts';
import { judgeProbe } from './judge-probe.ts';

export interface FindOptions {
  load: CapacityLoad;
  arms: readonly Arm[];
  /** Between 0 and 1: where the grid of an arm's rates begins. */
  offsetOf: (arm: Arm) => number;
  /** Names of the arms in the order of their turns in one round. */
  orderOf: (round: number) => readonly string[];
  /** One turn; undefined where it failed or was cut short, so that it shows nothing. */
  probe: (arm: Arm, ratePerSec: number) => Promise<SliceReading | undefined>;
  onProbe: (arm: Arm, probe: Probe) => void;
  signal: AbortSignal;
}

/** Sets every arm's `capacity`; an arm that was not tried at all keeps null. */
export async function findCapacities(options: FindOptions): Promise<void> {
  const { load, arms, offsetOf, orderOf, probe, onProbe, signal } = options;
  const searches = new Map(arms.map(arm => [arm, createCapacitySearch(load, offsetOf(arm))]));
  const isSearching = (arm: Arm): boolean =>
    arm.failure === undefined && searches.get(arm)!.nextPerSec() !== undefined;

  for (let round = 0; !signal.aborted && arms.some(isSearching); round++) {
    for (const name of orderOf(round)) {
      const arm = arms.find(candidate => candidate.trial.arm === name);
      if (arm === undefined || !isSearching(arm) || signal.aborted) continue;
      const search = searches.get(arm)!;
      const ratePerSec = search.nextPerSec()!;
      const reading = await probe(arm, ratePerSec);
      if (reading === undefined) continue;
      const judged = judgeProbe(load, ratePerSec, reading);
      search.add(judged);
      arm.capacity = search.result();
      // What a slice of the measurement is to hold: response times at about the rate that it will have.
      if (judged.isKept && reading.completed > 0) arm.meanResponseMs = reading.meanUs / 1_000;
      onProbe(arm, judged);
    }
  }
}
