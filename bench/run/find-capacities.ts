// Searches the capacity of every arm of a replicate: which arm is probed next, and at which rate.
import type { Probe } from '../../results/model/trial.ts';
import type { CapacityLoad } from '../../scenarios/model/load.ts';
import { CapacitySearch, judgeProbe } from '../plan/capacity-search.ts';
import type { SliceReading } from '../protocol.ts';
import type { Arm } from './arm.ts';

interface FindOptions {
  load: CapacityLoad;
  arms: readonly Arm[];
  /** Between 0 and 1: where the grid of an arm's rates begins. */
  offsetOf: (arm: Arm) => number;
  /** Names of the arms in the order of one round. */
  orderOf: (round: number) => readonly string[];
  /** Runs one slice; undefined if it failed or was cut short. */
  probe: (arm: Arm, ratePerSec: number) => Promise<SliceReading | undefined>;
  onProbe: (arm: Arm, probe: Probe) => void;
  signal: AbortSignal;
}

/** Searches every arm's `capacity`, arms taking turns probe by probe. An arm without any probe keeps null. */
export async function findCapacities(options: FindOptions): Promise<void> {
  const { load, arms, offsetOf, orderOf, probe, onProbe, signal } = options;
  const searches = new Map(arms.map(arm => [arm, new CapacitySearch(load, offsetOf(arm))]));
  const isSearching = (arm: Arm): boolean =>
    arm.failure === undefined && searches.get(arm)!.nextPerSec() !== undefined;

  for (let round = 0; !signal.aborted && arms.some(isSearching); round++) {
    for (const name of orderOf(round)) {
      const arm = arms.find(candidate => candidate.name === name);
      if (arm === undefined || !isSearching(arm) || signal.aborted) continue;
      const search = searches.get(arm)!;
      const ratePerSec = search.nextPerSec()!;
      const reading = await probe(arm, ratePerSec);
      if (reading === undefined) continue;
      const judged = judgeProbe(load, ratePerSec, reading);
      search.add(judged);
      arm.capacity = search.result();
      // Measured slices are sized by response times at about the rate that they will have.
      if (judged.isKept && reading.completed > 0) arm.meanResponseMs = reading.meanUs / 1_000;
      onProbe(arm, judged);
    }
  }
}
