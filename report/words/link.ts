// In: a link, or a cell behind one. Out: what it is, what of a gap in latency it accounts for, and what it does not emulate.

import { isPrediction, modelArm, type Prediction, splitGap } from '../../results/link-model.ts';
import { type Link, meanRoundTripMs } from '../../scenarios/model/target.ts';
import { type ArmView, type CellView, signsOf } from '../cell-view.ts';
import { countText, latencyText, msText, percentText } from './numbers.ts';

/** `round trip 21 ms, jitter of up to 2 ms each way (23 ms on average), 1,000,000 bytes/s a connection`. */
export function linkText(link: Link): string {
  const { roundTripMs, jitterMs, bytesPerSec } = link;
  return [
    `emulated by a relay on this machine: round trip ${roundTripMs} ms`,
    jitterMs === 0
      ? 'no jitter'
      : `jitter of up to ${jitterMs} ms each way (${Number(meanRoundTripMs(link).toPrecision(6))} ms on average)`,
    bytesPerSec === 'unlimited'
      ? 'no limit of throughput'
      : `${countText(bytesPerSec)} bytes/s for each connection and direction`,
  ].join(', ');
}

/** An arm that was measured and that the model knows. */
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

/** Below this the two arms open connections alike, and there is no gap for round trips to explain. */
const LEAST_ROUND_TRIPS = 0.05;

/**
 * How much of the gap in mean latency between the baseline and the arm that differs most from it in round trips is round
 * trips, and how much is not. None where there is no such arm.
 */
export function gapTexts(view: Pick<CellView, 'arms' | 'result'>): string[] {
  const modelled = modelledArms(view);
  const baseline = modelled.find(({ arm }) => arm.isBaseline);
  if (baseline === undefined) return [];
  const apart = ({ model }: ModelledArm): number => Math.abs(model.roundTrips - baseline.model.roundTrips);
  const [other] = modelled.toSorted((a, b) => apart(b) - apart(a));
  if (other === undefined || apart(other) < LEAST_ROUND_TRIPS) return [];
  const [fast, slow] =
    baseline.model.roundTrips > other.model.roundTrips ? [other, baseline] : [baseline, other];
  return [gapText(slow, fast)];
}

function gapText(slow: ModelledArm, fast: ModelledArm): string {
  const { us, roundTripsUs, restUs } = splitGap(slow, fast);
  const signs = signsOf([...new Set([...slow.arm.marks, ...fast.arm.marks])]);
  const trips = (slow.model.roundTrips - fast.model.roundTrips).toFixed(2);
  const whole = `${trips} more round trips a request (${latencyText(roundTripsUs)})`;
  if (us <= 0)
    return `${slow.arm.name} takes ${whole}, yet is no slower than ${fast.arm.name} in mean latency${signs}.`;
  const gap = `the ${latencyText(us)}${signs} by which ${slow.arm.name} is slower than ${fast.arm.name} (mean latency)`;
  return restUs < 0
    ? `${slow.arm.name} takes ${whole}: more than ${gap}.`
    : `Of ${gap}, ${msText(roundTripsUs)} ms (${percentText(roundTripsUs / us)}) are ${trips} more round trips a request, and ${msText(restUs)} ms CPU and queueing.`;
}

/** What every figure from behind an emulated link lacks of a real network. */
export const LINK_LIMITS =
  'the network between them is emulated: it loses nothing, and a new connection sends as much at once as an old one (no slow start), so on a real one new connections cost more still';
