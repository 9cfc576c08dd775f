// In: a figure held against that of a baseline. Out: its name, and the change, in words.
import type { Confirmation } from '../results/confirm-gate.ts';
import type { GateLine } from '../results/gate.ts';
import { relativeChangeText, signedText } from './change-text.ts';
import { METRIC_TITLES } from './metrics.ts';

export function lineTitle({ metric }: Pick<GateLine, 'metric'>): string {
  switch (metric) {
    case 'errorRatio':
      return 'error rate';
    case 'excessConnections':
      return 'connections beyond need';
    default:
      return METRIC_TITLES[metric];
  }
}

/** Of counts, in requests per 1,000. */
export function lineChangeText({ kind, change }: Pick<GateLine, 'kind' | 'change'>): string {
  if (kind !== 'count') return relativeChangeText(change);
  const { value, low, high } = change;
  const text = (share: number) => signedText(share * 1_000, 2);
  return `${text(value)} per 1,000 requests (${text(low)} to ${text(high)})`;
}

/** `Confirmed: error rate of a in c: +3.0 per 1,000 requests (...) at first, ... again, ... together`. */
export function confirmationText({ first, fresh, together, isBorneOut }: Confirmation): string {
  const again = fresh === undefined ? 'nothing to compare' : lineChangeText(fresh);
  return (
    `${isBorneOut ? 'Confirmed' : 'Not confirmed'}: ${lineTitle(first)} of ${first.arm} in ${first.cell}: ` +
    `${lineChangeText(first)} at first, ${again} again, ${lineChangeText(together)} together.`
  );
}
