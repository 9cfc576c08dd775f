// In: a cell. Out: what was held the same for all arms, and how each client was set, in words.
import type { ClosedLoad, Load } from '../bench/core/load.ts';
import type { Scenario, Timing } from '../bench/core/scenario.ts';
import type { Behaviour, Target } from '../bench/core/target.ts';
import type { CellView } from './cell-view.ts';
import { linkText } from './link-text.ts';
import { clientText } from './modes.ts';
import { countText } from './numbers.ts';
import type { Fact } from './report.ts';

/** Target, load and timing: the same for all arms. */
export function sharedConditions({ target, link, load, timing }: Scenario): Fact[] {
  return [
    { label: 'Target', value: targetText(target) },
    { label: 'Connection policy of the target', value: policyText(target) },
    ...(link === undefined ? [] : [{ label: 'Link', value: linkText(link) }]),
    { label: 'Load', value: loadText(load) },
    { label: 'Timing', value: timingText(timing) },
  ];
}

export function conditionsOf({ result, arms }: CellView): Fact[] {
  return [
    ...sharedConditions(result.scenario),
    ...nicenessFacts(arms),
    ...arms.map(({ name, isBaseline, client }) => ({
      label: `Client ${name}${isBaseline ? ' (baseline)' : ''}`,
      value:
        client === undefined
          ? 'its settings are not in the stored run'
          : clientText(client) + codeText(result.code[name]),
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

function targetText({ behaviour, tls }: Target): string {
  return `HTTP/1.1 ${tls === 'none' ? 'without TLS' : `over TLS ${tls}`}, ${behaviourText(behaviour)}`;
}

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

function policyText({
  keepAliveTimeoutMs,
  maxRequestsPerSocket,
  keepAliveHint,
  connectionClose,
}: Target): string {
  if (connectionClose) return 'every answer carries Connection: close';
  return [
    keepAliveTimeoutMs === 0
      ? 'idle connections kept for ever'
      : `idle connections kept ${secondsText(keepAliveTimeoutMs)}`,
    maxRequestsPerSocket === 0
      ? 'any number of requests on each'
      : `at most ${countText(maxRequestsPerSocket)} requests on each`,
    keepAliveHint ? 'says so in a Keep-Alive header' : 'no Keep-Alive header',
  ].join(', ');
}

function loadText(load: Load): string {
  switch (load.model) {
    case 'closed':
      return closedText(load);
    case 'open':
    case 'burst':
    case 'capacity':
      return load.model;
    default:
      return load satisfies never;
  }
}

function closedText({ concurrency, thinkMs }: ClosedLoad): string {
  const users = concurrency === 1 ? '1 user' : `${countText(concurrency)} users`;
  return `closed loop: ${users}, each waiting for its answer${
    thinkMs === 0 ? ' and asking again at once' : `, then pausing ${thinkMs} ms`
  }`;
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
