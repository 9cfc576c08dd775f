// The package's entry for other load generators, as `conntax/embed`: checks a scenario and opens its clients, which they send by.
import { type Problem, UsageError } from '../../results/errors.ts';
import { readVersion } from '../../results/files.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { transports } from '../clients/index.ts';
import { requestsTo } from '../clients/request.ts';
import type { ClientPlugin, TransportOptions } from '../contracts.ts';
import { formatProblems, loadPlugins } from '../plan/read-scenarios.ts';
import { createValidator } from '../plan/validate.ts';
import { describeHost } from '../probes/host.ts';
import { findServers, locateServers } from '../run/find-servers.ts';
import { reachAsChecked } from '../run/reach.ts';
import { factMetric, type Subject, type Turn } from './names.ts';
import { EmbeddedTurn, type MetricSink, type TurnOptions } from './turn.ts';

export { nameHint } from '../plan/problems.ts';
export type { Turn } from './names.ts';
export { parsePhaseName } from './names.ts';
export type { EmbeddedTurn, MetricSink } from './turn.ts';

export interface EmbedOptions {
  /** Names the scenario in messages. */
  file: string;
  /** Hosts beside loopback that load may be sent to, as by --allow-host. */
  allowedHosts: readonly string[];
}

/** What only the load generator knows of a turn. */
export interface TurnSettings extends Turn {
  sink: MetricSink;
  warmUpMs: number;
  drainMs: number;
  due: { requests: number; ms: number };
  readsKernel: boolean;
}

/** A scenario that was checked, whose server has answered. */
export interface Embedded {
  scenario: Scenario;
  /** Names of counters that say what the figures are of: each worker, and each machine, counts its own once. */
  facts: { ofWorker: readonly string[]; ofMachine: readonly string[] };
  openTurn(settings: TurnSettings): EmbeddedTurn;
}

/**
 * Checks a scenario with a `target.url`, and asks that server once. From then on this process resolves its host to the address
 * that was checked.
 *
 * @param content as in a scenario file
 * @throws UsageError with every problem of the scenario, or for a host that load may not be sent to; MeasureError when the server does not answer
 */
export async function embed(content: unknown, { file, allowedHosts }: EmbedOptions): Promise<Embedded> {
  const plugins = {
    transports: await loadPlugins<ClientPlugin>(transports),
    behaviours: await loadPlugins<BehaviourModule>(behaviours),
  };
  const validation = createValidator(plugins)(content, file);
  const problems = validation.isValid
    ? unembeddable(validation.scenario, file, plugins)
    : validation.problems;
  if (problems.length > 0 || !validation.isValid) throw new UsageError(formatProblems(problems), problems);
  const { scenario } = validation;
  const id = scenario.name;
  const found = (await findServers(await locateServers({ cells: [{ id, scenario }] }, allowedHosts))).get(
    id,
  )!;
  const { endpoint } = found;
  reachAsChecked(endpoint);
  const requests = requestsTo(endpoint, scenario, process.env);
  const { hostname: _ofOneWorker, ...host } = await describeHost();
  const machine = { ...host, pinning: null, pinningDetail: 'not pinned: workers of another load generator' };
  return {
    scenario,
    facts: {
      ofWorker: [
        ...scenarioFacts(content as Record<string, unknown>, scenario),
        statedFact('server', found.servers[0].facts),
        statedFact('versions', { conntax: readVersion() }),
      ],
      ofMachine: [statedFact('machine', machine)],
    },
    openTurn: ({ arm, ...settings }) => {
      const client = scenario.clients[arm]!;
      const hasPhases = scenario.phases;
      return new EmbeddedTurn({
        ...settings,
        arm,
        expectStatus: scenario.target.expectStatus,
        totalMs: client.timeouts.totalMs,
        hasPhases,
        open: openerOf(plugins.transports[client.transport]!, { client, endpoint, requests, hasPhases }),
      });
    },
  };
}

/** Opens a client library again for each turn. */
function openerOf(
  plugin: ClientPlugin,
  options: Pick<TransportOptions, 'client' | 'endpoint' | 'requests' | 'hasPhases'>,
): TurnOptions['open'] {
  if (plugin.kind === 'engine') throw new Error(`${options.client.transport} sends by its own loop`);
  return onConnection => plugin.open({ ...options, onConnection });
}

/** What another load generator leaves no place for. */
function unembeddable(
  { target, link, limits, sweep, generators, clients }: Scenario,
  file: string,
  { transports: known }: { transports: Readonly<Record<string, ClientPlugin>> },
): Problem[] {
  const problems: Problem[] = [];
  const refuse = (path: string, message: string, hint: string): void => {
    problems.push({ file, path, message, hint });
  };
  if (target.url === undefined) refuse('target.url', 'no server to send to', 'the URL of a running server');
  for (const [name, value] of Object.entries({ link, limits, sweep, generators }))
    if (value !== undefined)
      refuse(name, 'only conntax run can do that', `no ${name}, or conntax run in place of this engine`);
  for (const [arm, client] of Object.entries(clients)) {
    if (known[client.transport]?.kind === 'engine')
      refuse(
        `clients.${arm}.transport`,
        `${client.transport} sends by its own loop`,
        'a client library, such as undici',
      );
    for (const name of ['interceptors', 'resilience'] as const)
      if (client[name] !== undefined)
        refuse(
          `clients.${arm}.${name}`,
          'attempts are not counted here',
          `no ${name}, or conntax run in place of this engine`,
        );
  }
  return problems;
}

/** As written, so that defaults need no room. */
function scenarioFacts(content: Record<string, unknown>, scenario: Scenario): string[] {
  const { clients, ...shared } = content;
  return [
    statedFact('scenario', shared),
    ...Object.keys(scenario.clients).map(arm =>
      statedFact(`client.${arm}`, (clients as Record<string, unknown>)[arm]),
    ),
  ];
}

/** @throws UsageError */
function statedFact(subject: Subject, fact: unknown): string {
  const name = factMetric(subject, fact);
  if (name !== undefined) return name;
  throw new UsageError(
    `${subject}: too long to be stated in a report of Artillery, which cuts names of metrics at 1024 characters; expected: shorter settings, such as a body by bodyFile or bodyBytes`,
  );
}
