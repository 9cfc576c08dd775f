// Audit of how a client ends: its close() does so without an error.
import type { TrialRule } from './rule.ts';

/** The measurement is over by then, so no figure is in doubt; but whoever uses the client so leaks its connections. */
export const closing: TrialRule = {
  rule: 'closing',
  check: ({ measurement: { closing } }) => (closing === null ? null : { state: 'warn', detail: closing }),
};
