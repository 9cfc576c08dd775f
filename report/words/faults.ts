// Describes the faults that a target injects.
import type { Fault } from '../../scenarios/model/target.ts';
import { formatCount, formatPercent } from './numbers.ts';

/** `status 503`, `connection closed within the body`. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'status':
      return `status ${fault.status}`;
    case 'close':
      return 'connection closed without an answer';
    case 'closeInBody':
      return 'connection closed within the body';
    case 'reset':
      return 'connection reset';
    case 'noAnswer':
      return 'no answer';
    case 'slowBytes':
      return `body sent byte by byte over ${formatCount(fault.overMs)} ms`;
    case 'connectionClose':
      return 'answer with Connection: close';
    default:
      return fault satisfies never;
  }
}

/** `of all requests, 1 % status 503, 0.5 % no answer`. */
export function describeFaults(faults: readonly Fault[]): string {
  const shares = faults.map(
    fault => `${formatPercent(fault.ratio)} ${describeFault(fault)}${describeTime(fault)}`,
  );
  return `of all requests, drawn with the seed: ${shares.join(', ')}`;
}

function describeTime({ during }: Fault): string {
  if (during === undefined) return '';
  return ` (from ${formatCount(during.fromMs)} to ${formatCount(during.toMs)} ms of each window)`;
}
