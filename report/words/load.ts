// In: a load. Out: when its requests are sent, in words.
import type { CapacityLoad, ClosedLoad, Load, OpenLoad } from '../../scenarios/model/load.ts';
import { askedRateText } from '../headline-words.ts';
import { countText, percentText } from './numbers.ts';

export function loadText(load: Load): string {
  switch (load.model) {
    case 'closed':
      return closedText(load);
    case 'open':
      return `open: ${askedRateText(load.ratePerSec)} requests due per second, ${arrivalsText(load.arrivals)}; ${inFlightText(load)}`;
    case 'burst':
      return `bursts: ${countText(load.size)} requests due at once, every ${countText(load.everyMs)} ms; ${inFlightText(load)}`;
    case 'capacity':
      return capacityText(load);
    default:
      return load satisfies never;
  }
}

function closedText({ concurrency, thinkMs }: ClosedLoad): string {
  const users = concurrency === 1 ? '1 user' : `${countText(concurrency)} users`;
  return `closed loop: ${users}, each waiting for its answer${
    thinkMs === 0 ? ' and asking again at once' : `, then pausing ${thinkMs} ms`
  }`;
}

function capacityText(load: CapacityLoad): string {
  const { objective, minRatePerSec, maxRatePerSec, resolutionRatio, probeMs, arrivals } = load;
  return [
    `capacity: the highest rate from ${askedRateText(minRatePerSec)} to ${askedRateText(maxRatePerSec)} requests per second, to within ${percentText(resolutionRatio)}, at which ${objectiveText(objective)}`,
    `each rate is tried for ${countText(probeMs)} ms, ${arrivalsText(arrivals)}`,
    inFlightText(load),
  ].join('; ');
}

/** `p99 is at most 50 ms and at most 0.05 % of the requests fail`. */
export function objectiveText({ p50Ms, p99Ms, errorRatio }: CapacityLoad['objective']): string {
  const parts = [
    ...(p50Ms === undefined ? [] : [`p50 is at most ${p50Ms} ms`]),
    ...(p99Ms === undefined ? [] : [`p99 is at most ${p99Ms} ms`]),
    errorRatio === 0 ? 'no request fails' : `at most ${percentText(errorRatio)} of the requests fail`,
  ];
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function arrivalsText(arrivals: OpenLoad['arrivals']): string {
  return arrivals === 'poisson' ? 'as from many independent users (Poisson)' : 'equally spaced';
}

function inFlightText({ maxInFlight }: { maxInFlight: number }): string {
  return `at most ${countText(maxInFlight)} under way`;
}
