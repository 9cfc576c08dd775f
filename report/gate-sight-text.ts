// In: what a comparison could have seen. Out: the same in sentences, for the report of a gate and for whoever saves a baseline.
import { BLIND_ABOVE } from '../results/gate.ts';
import type { GuardedRatio, Sight } from '../results/gate-sight.ts';
import { shareText } from './change-text.ts';
import { lineTitle } from './gate-line-text.ts';
import { countText, percentText } from './words/numbers.ts';

/** More are not named one by one. */
const MOST_NAMED = 3;

/** That the whole is blind, or to what it is. */
export function blindText({ ratios, blind, isBlind }: Sight): string {
  const [best] = ratios;
  const missed = `a change of ${percentText(BLIND_ABOVE)} could not have been seen in ${countText(blind.length)} of ${countText(ratios.length)} ratios`;
  if (!isBlind || best === undefined) return `Blind in part: ${missed} (${namesText(blind)}).`;
  return `Blind: ${missed}${blind.length < ratios.length ? `, those that decide among them (${namesText(blind)})` : ''}; ${bestText(best)}.`;
}

/** The best and the worst that a baseline can see. */
export function sightText({ ratios }: Sight): string {
  const [best] = ratios;
  const worst = ratios.at(-1);
  if (best === undefined || worst === undefined)
    return 'It has no ratio of two arms: it guards errors and connections only.';
  const range = ratios.length === 1 ? placeText(best) : `${placeText(best)}, to ${placeText(worst)}`;
  return `The smallest change that it can see, in a run as sure as itself: ${range}.`;
}

function bestText(best: GuardedRatio): string {
  return Number.isFinite(best.detectable)
    ? `the smallest that could have been seen is ${placeText(best)}`
    : 'no ratio has an interval';
}

/** `33 % in p99 latency of persistent (ci-reuse)`. */
function placeText(ratio: GuardedRatio): string {
  const change = Number.isFinite(ratio.detectable) ? shareText(ratio.detectable) : 'none at all';
  return `${change} in ${nameText(ratio)}`;
}

function nameText({ cell, metric, arm }: GuardedRatio): string {
  return `${lineTitle({ metric })} of ${arm} (${cell})`;
}

function namesText(ratios: readonly GuardedRatio[]): string {
  const named = ratios.slice(0, MOST_NAMED).map(nameText).join(', ');
  const more = ratios.length - MOST_NAMED;
  return more > 0 ? `${named} and ${countText(more)} more` : named;
}
