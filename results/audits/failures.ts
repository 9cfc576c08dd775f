// Audits of failures: the client counted every injected fault, each of several requests had good answers, and the client closes without an error.

import { neverGood, summariseRequests } from '../compare.ts';
import { areFailuresExpected } from '../expect.ts';
import { accountFaults, type FailureWay, type FaultAccount, type WayCount } from '../faults.ts';
import { percent, range, whole } from '../figures.ts';
import { OUTCOME_NAMES } from '../model/trial.ts';
import { sumOf } from '../stats.ts';
import { type ArmRule, fail, pass, type TrialRule, warn } from './rule.ts';

const WAY_NAMES: Record<FailureWay, string> = {
  status: 'error statuses',
  lost: 'lost connections',
  silent: 'missing answers',
};

/**
 * Every injected failure must have been counted by the client, in its way. A client that counts fewer has hidden some, for
 * example by sending a request again. Failures beyond the injected ones are real ones, so they are a caveat, not an error of
 * the measurement.
 *
 * A request that the client gave up, without a fault that explains it, may have met a fault whose effect the client did not wait
 * for: as many of the others may be missing.
 */
export const faults: TrialRule = {
  rule: 'faults',
  check({ trial, measurement: { ledger } }) {
    const account = accountFaults(trial, ledger);
    if (account === null) return null;
    const silent = account.ways.find(({ way }) => way === 'silent')!;
    const givenUp = Math.max(0, silent.counted - silent.injected.least);
    const isMissing = ({ way, counted, injected }: WayCount): boolean =>
      counted + (way === 'silent' ? 0 : givenUp) < injected.least;
    const hidden = account.ways.filter(isMissing);
    const detail = describeAccount(account);
    if (hidden.length > 0)
      return fail(
        `${detail}: the client counted fewer ${hidden.map(({ way }) => WAY_NAMES[way]).join(' and ')} than it met`,
      );
    const isBeyond = account.ways.some(({ counted, injected }) => counted > injected.most);
    return isBeyond || account.others.length > 0
      ? warn(`${detail}: some failures were not injected`)
      : pass(detail);
  },
};

/** `error statuses 12 of 12 injected, missing answers 3 of 0 to 5 injected; also connection refused 1`. */
function describeAccount({ ways, others }: FaultAccount): string {
  const found = ways
    .filter(({ counted, injected }) => counted > 0 || injected.most > 0)
    .map(
      ({ way, counted, injected }) => `${WAY_NAMES[way]} ${whole(counted)} of ${range(injected)} injected`,
    );
  const also = others.map(({ outcome, count }) => `${OUTCOME_NAMES[outcome]} ${whole(count)}`);
  return [
    found.length === 0 ? 'no failure was injected, and none counted' : found.join(', '),
    ...(also.length === 0 ? [] : [`also ${also.join(', ')}`]),
  ].join('; ');
}

/**
 * A client without one good answer has no figures, whatever it was asked. A request without one leaves those of the others, but they are
 * not of the load that was asked for. It is judged over all trials, because a rare one may be drawn only once in each. Null for
 * one request, and where a load tool does not report which request an answer belongs to.
 */
export const answers: ArmRule = {
  rule: 'answers',
  check(trials, _others, scenario) {
    // In a trial that was cut short, answers may only have lacked time.
    const complete = trials.filter(({ isPartial }) => !isPartial).map(({ measurement }) => measurement);
    const requests = summariseRequests(complete);
    const [first] = trials;
    if (first === undefined || requests.length === 0) return null;
    if (requests.some(({ completed }) => completed === null)) return null;
    const dead = neverGood(requests);
    const all = sumOf(complete, ({ completed, failed }) => completed + failed);
    if (dead.length === 0) return pass(`each of the ${whole(requests.length)} requests had good answers`);
    const named = dead.map(
      ({ name, failed }) =>
        `${name}, of which all ${whole(failed)} failed (${percent(failed / all)} of all requests)`,
    );
    return areFailuresExpected(first.trial.arm, scenario)
      ? pass(`as expected, no good answer to ${named.join(' and ')}`)
      : fail(`no good answer to ${named.join(' and ')}`);
  },
};

/** The measurement is over by then, so no figure is in doubt; but a program that uses the client like this leaks its connections. */
export const closing: TrialRule = {
  rule: 'closing',
  check: ({ measurement: { closing } }) => (closing === null ? null : warn(closing)),
};
