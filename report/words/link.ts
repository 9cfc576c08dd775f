// Describes an emulated link, how much of a latency gap it explains, and what it does not emulate.

import { isPrediction, modelArm, type Prediction, splitGap } from '../../results/link-model.ts';
import { type Link, meanRoundTripMs } from '../../scenarios/model/target.ts';
import { type ArmView, type CellView, signsOf } from '../cell-view.ts';
import { formatCount, formatLatency, formatMs, formatPercent } from './numbers.ts';

/** `emulated by a relay on this machine: round trip 21 ms, jitter of up to 2 ms each way (23 ms on average), 1,000,000 bytes/s for each connection and direction`. */
export function describeLink(link: Link): string {
  const { roundTripMs, jitterMs, bytesPerSec, silentAfterIdleMs } = link;
  return [
    `emulated by a relay on this machine: round trip ${roundTripMs} ms`,
    jitterMs === 0
      ? 'no jitter'
      : `jitter of up to ${jitterMs} ms each way (${Number(meanRoundTripMs(link).toPrecision(6))} ms on average)`,
    bytesPerSec === 'unlimited'
      ? 'unlimited throughput'
      : `${formatCount(bytesPerSec)} bytes/s for each connection and direction`,
    ...(silentAfterIdleMs === undefined
      ? []
      : [`connections idle for ${formatCount(silentAfterIdleMs)} ms are forgotten without a word`]),
  ].join(', ');
}

/** A measured arm that the model covers. */
export interface ModelledArm {
  arm: ArmView;
  meanUs: number;
  model: Prediction;
}

export function modelledArms({ arms, result }: Pick<CellView, 'arms' | 'result'>): ModelledArm[] {
  return arms.flatMap(arm => {
    if (arm.summary === null || arm.client === undefined) return [];
    const model = modelArm(result, arm.client, arm.trials);
    return isPrediction(model) ? [{ arm, meanUs: arm.summary.meanUs, model }] : [];
  });
}

/** Below this difference the two arms open connections alike, so round trips explain no gap. */
const LEAST_ROUND_TRIPS = 0.05;

/**
 * Compares the baseline with the arm that differs most from it in round trips: how much of the gap in mean latency is due
 * to round trips, and how much is not. Empty without such an arm.
 */
export function describeGap(view: Pick<CellView, 'arms' | 'result'>): string[] {
  const modelled = modelledArms(view);
  const baseline = modelled.find(({ arm }) => arm.isBaseline);
  if (baseline === undefined) return [];
  const apart = ({ model }: ModelledArm): number => Math.abs(model.roundTrips - baseline.model.roundTrips);
  const [other] = modelled.toSorted((a, b) => apart(b) - apart(a));
  if (other === undefined || apart(other) < LEAST_ROUND_TRIPS) return [];
  const [fast, slow] =
    baseline.model.roundTrips > other.model.roundTrips ? [other, baseline] : [baseline, other];
  return [describeSplit(slow, fast)];
}

function describeSplit(slow: ModelledArm, fast: ModelledArm): string {
  const { us, roundTripsUs, restUs } = splitGap(slow, fast);
  const signs = signsOf([...new Set([...slow.arm.marks, ...fast.arm.marks])]);
  const trips = (slow.model.roundTrips - fast.model.roundTrips).toFixed(2);
  const whole = `${trips} more round trips per request (${formatLatency(roundTripsUs)})`;
  if (us <= 0)
    return `${slow.arm.name} needs ${whole}, yet is no slower than ${fast.arm.name} in mean latency${signs}.`;
  const gap = `the ${formatLatency(us)}${signs} by which the mean latency of ${slow.arm.name} exceeds that of ${fast.arm.name}`;
  return restUs < 0
    ? `${slow.arm.name} needs ${whole}, which is more than ${gap}.`
    : `Of ${gap}, ${formatMs(roundTripsUs)} ms (${formatPercent(roundTripsUs / us)}) come from ${trips} more round trips per request, and ${formatMs(restUs)} ms from CPU and queueing.`;
}

/** What an emulated link lacks compared with a real network. */
export const LINK_LIMITS =
  'the network between them is emulated: it drops no packets, and a new connection sends as much at once as an established one (no slow start), so new connections cost even more on a real network';
