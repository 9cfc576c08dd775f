// How many of the requests sent used a connection that was already open, from the ledgers of trials.
import type { Ledger, Outcome } from './model/trial.ts';
import { sumOf } from './stats.ts';

/** Failures before there was a connection, or instead of one. */
const WITHOUT_CONNECTION = [
  'timeoutConnect',
  'refused',
  'portExhausted',
  'descriptorLimit',
  'breakerOpen',
  'bulkheadFull',
] as const satisfies readonly Outcome[];

/** Failures that only a request on a connection can have. */
const WITH_CONNECTION = [
  'badStatus',
  'timeoutHeaders',
  'timeoutBody',
  'staleSocket',
] as const satisfies readonly Outcome[];

export interface Reuse {
  opened: number;
  /**
   * Requests that had a connection; where a client may send one several times or not at all, attempts. Those that were cut short
   * or failed in another way, such as by a reset, may have had one: they are in `most` only.
   */
  connected: { least: number; most: number };
  /** Share of these that needed no new connection. */
  ratio: { least: number; most: number };
}

/** null if no request had a connection, or the connections of the client cannot be observed. */
export function reuseOf(ledgers: readonly Ledger[]): Reuse | null {
  const opened = sumOf(ledgers, ledger => ledger.opened);
  const each = ledgers.map(connectedOf);
  const connected = { least: sumOf(each, ({ least }) => least), most: sumOf(each, ({ most }) => most) };
  if (connected.most === 0 || ledgers.some(({ openedBy }) => openedBy === 'unknown')) return null;
  const share = (requests: number): number => (requests === 0 ? 0 : Math.max(0, 1 - opened / requests));
  return { opened, connected, ratio: { least: share(connected.least), most: share(connected.most) } };
}

function connectedOf(ledger: Ledger): Reuse['connected'] {
  const { sent, answered, failures } = ledger.attempts ?? {
    sent: ledger.requestsSent,
    answered: ledger.answered,
    // Runs of older versions do not tell how they failed.
    failures: ledger.failures ?? {},
  };
  const count = (kinds: readonly Outcome[]): number => sumOf(kinds, kind => failures[kind] ?? 0);
  return { least: answered + count(WITH_CONNECTION), most: sent - count(WITHOUT_CONNECTION) };
}
