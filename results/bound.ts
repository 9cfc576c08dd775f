// What set the pace of a client: its own CPU, the server's, the link, the service time, or the load that was asked for.

import { meanRoundTripMs, REQUEST_ROUND_TRIPS } from '../scenarios/model/target.ts';
import { schedule } from './audits/load.ts';
import { isSaturated, lacksCore } from './audits/machine.ts';
import type { Resources } from './model/process.ts';
import type { CompletedTrial } from './model/trial.ts';
import { meanOf } from './stats.ts';

/**
 * client, server: its process used more than 90 % of a core, or all that its CPU limit allows; core: the client's would have, but waited
 * for it; both: each was busy for most of the time, and they waited for
 * each other; link, service: requests spent most of their time on the network, or waiting for an answer that the server delays;
 * load: the rate or the pauses of the users.
 */
export type Bound = 'client' | 'server' | 'core' | 'both' | 'link' | 'service' | 'load';

/** Above this share of a request's time, something is what it mostly waits for. */
const MOST_OF_THE_TIME = 0.5;
/** Above this share of a core, two processes that wait for each other are what sets the pace. */
const BUSY_CPU_RATIO = 0.6;

/**
 * What set the pace in a client's completed trials; null where nothing stands out, or there are no trials.
 * @param serviceMs what the target takes to answer by its configuration; null: unknown
 */
export function boundOf(trials: readonly CompletedTrial[], serviceMs: number | null): Bound | null {
  const [first] = trials;
  if (first === undefined) return null;
  const client = isMostly(trials, ({ generator }) => isSaturated(generator));
  const server = isMostly(trials, ({ target }) => target !== null && isSaturated(target));
  if (client || server) return client && server ? 'both' : client ? 'client' : 'server';
  if (isMostly(trials, ({ generator }) => lacksCore(generator))) return 'core';
  const { load, link } = first.trial;
  if (load.model === 'capacity') return null;
  // A schedule that was not kept is not what set the pace.
  if (load.model !== 'closed') return isMostlyFailed(trials) ? null : 'load';
  const meanMs = meanOf(trials.map(({ measurement }) => measurement.response.meanUs / 1_000));
  if (load.thinkMs > MOST_OF_THE_TIME * (load.thinkMs + meanMs)) return 'load';
  if (link !== undefined && REQUEST_ROUND_TRIPS * meanRoundTripMs(link) > MOST_OF_THE_TIME * meanMs)
    return 'link';
  if (serviceMs !== null && serviceMs > MOST_OF_THE_TIME * meanMs) return 'service';
  const isBusy = (read: (trial: CompletedTrial['measurement']) => Resources | null): boolean =>
    isMostly(trials, measurement => (read(measurement)?.cpuRatio ?? 0) > BUSY_CPU_RATIO);
  return isBusy(({ generator }) => generator) && isBusy(({ target }) => target) ? 'both' : null;
}

function isMostlyFailed(trials: readonly CompletedTrial[]): boolean {
  return trials.filter(trial => schedule.check(trial)?.state === 'fail').length > trials.length / 2;
}

function isMostly(
  trials: readonly CompletedTrial[],
  is: (measurement: CompletedTrial['measurement']) => boolean,
): boolean {
  return trials.filter(({ measurement }) => is(measurement)).length > trials.length / 2;
}
