// In: a load model and a transport. Out: the loop that sends by it.
import type { ExchangeSink, LoadLoop, Transport } from '../core/contracts.ts';
import type { Load } from '../core/load.ts';
import type { Random } from '../core/random.ts';
import { createClosedLoad } from './closed.ts';

export interface LoopOptions {
  load: Load;
  /** The harness's own deadline of an exchange, waiting included; undefined: none. */
  totalMs: number | undefined;
  transport: Transport;
  recorder: ExchangeSink;
  random: Random;
}

export function createLoop({ load, ...shared }: LoopOptions): LoadLoop {
  switch (load.model) {
    case 'closed':
      return createClosedLoad({ ...shared, ...load });
    case 'open':
    case 'burst':
    case 'capacity':
      throw new Error(`there is no ${load.model} load`);
    default:
      return load satisfies never;
  }
}
