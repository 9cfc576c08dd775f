// Describes the conditions of a cell: what all arms shared, how each client was configured, and what an external server was found to be.
import type { CellResult } from '../../results/model/run.ts';
import { own } from '../../scenarios/model/facts.ts';
import { describeRequest, type NamedRequest } from '../../scenarios/model/request.ts';
import { DEFAULT_EXPECTED } from '../../scenarios/model/request-facts.ts';
import type { Limits, Scenario, Timing } from '../../scenarios/model/scenario.ts';
import type { CellView } from '../cell-view.ts';
import type { Fact } from '../model.ts';
import { describeClient } from './clients.ts';
import { describeLoad, formatRate } from './load.ts';
import { formatCount, formatPercent, formatSeconds } from './numbers.ts';
import { describeFaults, describeLink, describeTarget, describeTargetPolicy, foundFacts } from './target.ts';
import { compact, listFacts } from './text.ts';

/** Target, link, load and timing, which all arms share. */
export function sharedConditions(scenario: Scenario): Fact[] {
  const { target, link, request, requests, load, generators = 1, limits, timing, phases } = scenario;
  const { expectStatus, faults } = target;
  const generatorCount = generators === 'auto' ? 'one per spare core' : formatCount(generators);
  return listFacts({
    Target: describeTarget(target),
    'Connection policy of the target': describeTargetPolicy(target),
    'Faults of the target': faults.length > 0 && describeFaults(faults),
    Link: link && describeLink(link),
    'Statuses that count as success':
      expectStatus.join() !== DEFAULT_EXPECTED.join() && expectStatus.join(', '),
    Request: request && describeRequest(request),
    Requests: requests && describeRequests(requests),
    Load: describeLoad(load),
    Generators:
      generators !== 1 &&
      `${generatorCount} per client, each with its share of the load and with a pool of its own`,
    Limits: limits && describeLimits(limits),
    Timing: describeTiming(timing, generators),
    Phases: !phases && 'not recorded',
  });
}

/** Load and timing are those of the load generator, not of the scenario. */
function importedConditions({ scenario }: CellResult): Fact[] {
  const { load, generators = 1 } = scenario;
  const rate = load.model === 'open' ? `${formatRate(load.ratePerSec)} requests per second` : '';
  const stated: Readonly<Record<string, string>> = {
    Load: `${rate} asked of Artillery, by users that arrive and do their steps`,
    Generators: `${generators} workers of Artillery, each with a pool of its own; limits of clients are those of all of them together`,
    Timing:
      'one client after another, by the phases of Artillery, in the same processes; the first part of each turn is in no figure',
  };
  return sharedConditions(scenario).map(({ label, value }) => ({
    label,
    value: own(stated, label) ?? value,
  }));
}

/** `75 % read: GET /orders; 25 % POST /orders, a body of 20 bytes`. */
function describeRequests(requests: readonly NamedRequest[]): string {
  const total = requests.reduce((sum, { weight }) => sum + weight, 0);
  return requests
    .map(request => {
      const name = request.name === undefined ? '' : `${request.name}: `;
      return `${formatPercent(request.weight / total)} ${name}${describeRequest(request)}`;
    })
    .join('; ');
}

function describeLimits({ localPorts, openFiles, serverCpus, clientCpus }: Limits): string {
  const cpus = (count: number, who: string): string =>
    `${count} ${count === 1 ? 'CPU' : 'CPUs'} for ${who}, in a control group and not pinned to cores`;
  return compact([
    localPorts !== undefined &&
      `${formatCount(localPorts)} local ports, each taken for the 60 s of TIME_WAIT, in a network namespace of its own`,
    openFiles !== undefined && `${formatCount(openFiles)} open files per client`,
    serverCpus !== undefined && cpus(serverCpus, 'the server'),
    clientCpus !== undefined && cpus(clientCpus, 'the clients'),
  ]).join('; ');
}

export function conditionsOf({ result, arms }: CellView): Fact[] {
  return [
    ...(result.imported === undefined ? sharedConditions(result.scenario) : importedConditions(result)),
    ...Object.entries(result.targetCode).map(([arm, code]) => ({
      label: `Target of ${arm}`,
      value: `code of ${code}`,
    })),
    ...foundFacts(result),
    ...listFacts({ Priority: describeNiceness(arms) }),
    ...arms.map(({ name, isBaseline, client }) => {
      const code = own(result.code, name);
      const label = `Client ${name}${isBaseline ? ' (baseline)' : ''}`;
      return client === undefined
        ? { label, value: 'settings not in the stored run' }
        : { label, value: `${describeClient(client)}${code === undefined ? '' : `; code of ${code}`}` };
    }),
  ];
}

/** Lower priority than the relay changes which process gets a core, so it is reported. */
function describeNiceness(arms: CellView['arms']): string | null {
  const [first] = arms.flatMap(({ trials }) => trials.flatMap(({ measurement }) => measurement.link ?? []));
  return first === undefined || first.loadNiceness === 0
    ? null
    : `target and clients at niceness ${first.loadNiceness}, so that the relay gets a core when it needs one`;
}

function describeTiming(timing: Timing, generators: NonNullable<Scenario['generators']>): string {
  const slices =
    timing.slicing === 'whole'
      ? 'without slicing'
      : `in slices of at least ${timing.sliceMs} ms and ${timing.sliceResponses} mean response times, clients interleaved in shuffled order`;
  return [
    `${generators === 1 ? 'a fresh generator process' : 'fresh generator processes'} per client and replicate`,
    `${formatSeconds(timing.warmupMinMs)} to ${formatSeconds(timing.warmupMaxMs)} of warm-up under load`,
    `${formatSeconds(timing.measureMs)} measured ${slices}`,
  ].join('; ');
}
