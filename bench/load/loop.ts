// In: a load model and a transport. Out: the loop that sends by it.
import type { ExchangeSink, LoadLoop, Transport } from '../contracts.ts';
import type { Load } from '../../scenarios/model/load.ts';
import type { Random } from '../../results/random.ts';
import { burstSchedule, rateSchedule } from './schedule.ts';
import { createClosedLoad } from './closed.ts';
import { createOpenLoad } from './open.ts';

export interface LoopOptions {
  load: Load;
  /** The harness's own deadline of an exchange, waiting included; undefined: none. */
  totalMs: number | undefined;
  transport: Transport;
  recorder: ExchangeSink;
  random: Random;
}

export function createLoop({ load, random, ...shared }: LoopOptions): LoadLoop {
  switch (load.model) {
    case 'closed':
      return createClosedLoad({ ...shared, ...load, random });
    case 'open': {
      const { arrivals, ratePerSec, maxInFlight } = load;
      return createOpenLoad({
        ...shared,
        maxInFlight,
        scheduleOf: () => rateSchedule(arrivals, ratePerSec, random),
      });
    }
    case 'burst': {
      const { maxInFlight, ...bursts } = load;
      return createOpenLoad({ ...shared, maxInFlight, scheduleOf: () => burstSchedule(bursts) });
    }
    case 'capacity': {
      const { arrivals, maxInFlight } = load;
      return createOpenLoad({
        ...shared,
        maxInFlight,
        scheduleOf: ({ ratePerSec }) => {
          if (ratePerSec === undefined) throw new Error('a slice of a capacity search needs its rate');
          return rateSchedule(arrivals, ratePerSec, random);
        },
      });
    }
    default:
      return load satisfies never;
  }
}
