// In: a cell. Out: what was held the same for all arms, and how each client was set, in words.
import { own } from '../../scenarios/model/own.ts';
import type { Scenario, Timing } from '../../scenarios/model/scenario.ts';
import { DEFAULT_EXPECTED } from '../../bench/core/statuses.ts';
import { asOwnTarget, type Behaviour, type Target } from '../../scenarios/model/target.ts';
import type { CellView } from '../cell-view.ts';
import { foreignTargetText, foundFacts, requestsOnEachText, statedPolicyText } from '../foreign-text.ts';
import { linkText } from './link.ts';
import { loadText } from './load.ts';
import { clientText } from '../modes.ts';
import { countText } from './numbers.ts';
import type { Fact } from '../model.ts';

/** Target, load and timing: the same for all arms. */
export function sharedConditions({ target, link, load, timing, phases }: Scenario): Fact[] {
  return [
    { label: 'Target', value: targetText(target) },
    { label: 'Connection policy of the target', value: policyText(target) },
    ...(link === undefined ? [] : [{ label: 'Link', value: linkText(link) }]),
    ...expectedFacts(target),
    { label: 'Load', value: loadText(load) },
    { label: 'Timing', value: timingText(timing) },
    ...(phases ? [] : [{ label: 'Phases', value: 'not recorded' }]),
  ];
}

export function conditionsOf({ result, arms }: CellView): Fact[] {
  return [
    ...sharedConditions(result.scenario),
    ...Object.entries(result.targetCode).map(([arm, code]) => ({
      label: `Target of ${arm}`,
      value: `code of ${code}`,
    })),
    ...foundFacts(result.server),
    ...nicenessFacts(arms),
    ...arms.map(({ name, isBaseline, client }) => ({
      label: `Client ${name}${isBaseline ? ' (baseline)' : ''}`,
      value:
        client === undefined
          ? 'its settings are not in the stored run'
          : clientText(client) + codeText(own(result.code, name)),
    })),
  ];
}

/** That the load stands back behind the relay changes who gets a core, so it is told. */
function nicenessFacts(arms: CellView['arms']): Fact[] {
  const readings = arms.flatMap(({ trials }) => trials.flatMap(({ measurement }) => measurement.link ?? []));
  const [first] = readings;
  if (first === undefined || first.loadNiceness === 0) return [];
  const value = `target and clients at niceness ${first.loadNiceness}, so that the relay gets a core when it needs one`;
  return [{ label: 'Priority', value }];
}

function codeText(code: string | undefined): string {
  return code === undefined ? '' : `; code of ${code}`;
}

/** Only where the scenario says something else than most do. */
function expectedFacts({ expectStatus }: Target): Fact[] {
  if (expectStatus.join() === DEFAULT_EXPECTED.join()) return [];
  return [{ label: 'Statuses of good answers', value: expectStatus.join(', ') }];
}

function targetText(target: Target): string {
  const { url, behaviour, protocol, tls, tlsKey, maxConcurrentStreams } = target;
  if (url !== undefined) return foreignTargetText(target);
  const spoken =
    protocol === 'h2'
      ? `HTTP/2 (at most ${countText(maxConcurrentStreams)} streams on a connection) and HTTP/1.1`
      : 'HTTP/1.1';
  const secured = tls === 'none' ? 'without TLS' : `over TLS ${tls} with an ${KEYS[tlsKey]} key`;
  return `${spoken} ${secured}, ${behaviourText(behaviour)}`;
}

const KEYS = { ec: 'EC P-256', rsa: 'RSA 2048' } as const;

/** Plug-ins name their own options, so they are told as they stand: `fixed (bytes 1,024)`. */
function behaviourText({ name, ...options }: Behaviour): string {
  const told = Object.entries(options).map(
    ([key, value]) => `${key} ${typeof value === 'number' ? countOrRaw(value) : JSON.stringify(value)}`,
  );
  return told.length === 0 ? `behaviour ${name}` : `behaviour ${name} (${told.join(', ')})`;
}

function countOrRaw(value: number): string {
  return Number.isInteger(value) ? countText(value) : String(value);
}

function policyText(target: Target): string {
  if (target.url !== undefined) return statedPolicyText(target);
  const { keepAliveTimeoutMs, maxRequestsPerSocket, keepAliveHint, connectionClose } = asOwnTarget(target);
  if (connectionClose) return 'every answer carries Connection: close';
  return [
    keepAliveTimeoutMs === 0
      ? 'idle connections kept for ever'
      : `idle connections kept ${secondsText(keepAliveTimeoutMs)}`,
    maxRequestsPerSocket === 0 ? 'any number of requests on each' : requestsOnEachText(maxRequestsPerSocket),
    keepAliveHint ? 'says so in a Keep-Alive header' : 'no Keep-Alive header',
  ].join(', ');
}

function timingText(timing: Timing): string {
  const slices =
    timing.slicing === 'whole'
      ? 'in one piece'
      : `in slices of at least ${timing.sliceMs} ms and ${timing.sliceResponses} mean response times, arms in shuffled turns`;
  return [
    'a fresh generator process for each arm and replicate',
    `${secondsText(timing.warmupMinMs)} to ${secondsText(timing.warmupMaxMs)} of load as warm-up`,
    `${secondsText(timing.measureMs)} measured ${slices}`,
  ].join('; ');
}

/** `60 s`, `1.5 s`. */
export function secondsText(ms: number): string {
  return `${Number((ms / 1000).toPrecision(3)).toLocaleString('en-US')} s`;
}
