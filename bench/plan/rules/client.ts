// Rules on clients: the settings that a library or a load tool supports, and limits that only some connection policies have.
import { joinWords } from '../../../results/figures.ts';
import { CLIENT_SETTINGS, type Client, isModulePath } from '../../../scenarios/model/client.ts';
import { closesAfterResponse, connectionLimit, own } from '../../../scenarios/model/facts.ts';
import type { Scenario } from '../../../scenarios/model/scenario.ts';
import type { Target } from '../../../scenarios/model/target.ts';
import type { ClientPlugin, EngineModule, Obstacle, Refusal } from '../../contracts.ts';
import { RESILIENCE_SETTINGS } from '../../resending.ts';
import { findTool } from '../division.ts';
import { nameHint, nearest } from '../problems.ts';
import { type Finding, type Rule, type RuleContext, refuseExpectations, usableNames } from './rule.ts';

/** What a load tool can do, and whether it is installed. */
export function toolRules({ transports }: RuleContext): Rule[] {
  const toolOf = ({ transport }: Client) => findTool(transport, transports);
  return [
    {
      at: 'clients.*.transport',
      check: (_, client) => (client.ifInstalled ? undefined : toolOf(client)?.missing?.()),
    },
    {
      at: 'clients.*.ifInstalled',
      reads: ['baseline'],
      isBroken: ({ baseline }, { ifInstalled }, arm) => arm === baseline && ifInstalled,
      message: 'the baseline client cannot be optional',
      hint: 'false, or another baseline',
    },
    {
      at: 'load',
      reads: ['clients.*'],
      check: (scenario, client, arm) => toolLoadFindings(scenario, client, arm, toolOf(client)),
    },
    {
      at: 'timing.sliceMs',
      reads: ['timing.slicing', 'timing.measureMs', 'clients.*'],
      check({ timing }, client, arm) {
        const { leastSliceMs = 0 } = toolOf(client) ?? {};
        const setting = timing.slicing === 'whole' ? 'measureMs' : 'sliceMs';
        if (timing[setting] >= leastSliceMs) return undefined;
        const message = `client ${arm} uses ${client.transport}, which is started for each slice: startup would take up much of ${timing[setting]} ms`;
        return [{ path: ['timing', setting], message, hint: `at least ${leastSliceMs}` }];
      },
    },
  ];
}

function toolLoadFindings(
  { load }: Scenario,
  client: Client,
  arm: string,
  tool: EngineModule | undefined,
): Finding[] {
  if (tool === undefined) return [];
  const uses = `client ${arm} uses ${client.transport}`;
  if (load.model !== 'closed') {
    const message = `${uses}, which supports closed load only`;
    return [{ path: ['load', 'model'], message, hint: "model: 'closed', or another transport" }];
  }
  if (load.thinkMs > 0) {
    const hint = '0 (a service time also keeps load below saturation), or another transport';
    return [{ path: ['load', 'thinkMs'], message: `${uses}, which has no think time`, hint }];
  }
  const obstacle = tool.refusesLoad?.(client, load);
  return obstacle === undefined ? [] : [{ path: ['load', 'concurrency'], ...obstacle }];
}

const METRIC = 'unneededConnectionsPer1kRequests';

/** Expectations on unnecessary connections need a client whose connections are limited. */
export const connectionRules: readonly Rule[] = [
  {
    at: 'expect',
    check: scenario =>
      refuseExpectations(
        scenario,
        ({ metric, over }) => metric === METRIC && over !== undefined,
        {
          message:
            'a client that reuses connections has no unnecessary ones, so the ratio would divide by zero',
          hint: 'no over, or the metric connectionsPer1kRequests',
        },
        'over',
      ),
  },
  {
    at: 'expect',
    reads: ['clients.*', 'target.connectionClose', 'target.framing'],
    check: (scenario, client, arm) =>
      isBounded(client, scenario.target)
        ? undefined
        : refuseExpectations(
            scenario,
            ({ metric, of, over }) => metric === METRIC && of === arm && over === undefined,
            {
              message: `client ${arm} has no connection limit, so none of its connections is unnecessary`,
              hint: 'a client with pool.maxConnections, or connectionsPer1kRequests',
            },
          ),
  },
];

/** Whether the settings bound the number of connections for a number of requests (results/connections.ts). */
function isBounded({ pool, protocol, requestsPerConnection }: Client, target: Target): boolean {
  const isShared = protocol === 'h2' || Number.isFinite(connectionLimit(pool));
  return isShared || requestsPerConnection !== 'unlimited' || closesAfterResponse(target);
}

/** The transport exists, and supports each setting that is given. */
export function transportRules(context: RuleContext): Rule[] {
  const { transports, faults } = context;
  return [
    { at: 'clients.*.transport', check: (_, { transport }) => refuseTransport(transport, context) },
    ...supportRules(context),
    {
      at: 'clients.*',
      reads: ['target', 'request', 'requests'],
      check({ target, request, requests }, client, arm) {
        const { transport } = client;
        const plugin = Object.hasOwn(faults, transport) ? undefined : own(transports, transport);
        const asked = requests ?? (request === undefined ? [] : [request]);
        return plugin?.refusals(client, target, asked).map(refusal => ({
          path: ['clients', arm, ...refusal.path.split('.')],
          message: describeRefusal(client, refusal),
          hint: refusal.hint,
        }));
      },
    },
    {
      at: 'clients.*.pool.pipelining',
      reads: ['clients.*.requestsPerConnection'],
      isBroken: (_, { requestsPerConnection, pool }) =>
        requestsPerConnection === 1 && (pool.pipelining ?? 1) !== 1,
      message: 'a connection that carries one request cannot have several in flight',
      hint: 'pipelining: 1, or more requestsPerConnection',
    },
  ];
}

function refuseTransport(transport: string, { transports, faults }: RuleContext): Obstacle | undefined {
  const fault = own(faults, transport);
  if (fault !== undefined) return { ...fault, message: `${transport} ${fault.message}` };
  if (Object.hasOwn(transports, transport)) return undefined;
  const known = Object.keys(transports);
  const hint =
    nearest(transport, known) === undefined
      ? joinWords([...known, 'the path of your own module, such as ./my-client.ts'], 'or')
      : nameHint(transport, known);
  return { message: `unknown transport "${transport}"`, hint };
}

/** A problem at `transport` of a user's module gets the module's name, because the path does not show it. */
function describeRefusal({ transport }: Client, { path, message }: Refusal): string {
  return path === 'transport' && isModulePath(transport) ? `${transport}: ${message}` : message;
}

/** Settings that conntax itself implements for any client library; a load tool controls its own exchanges. */
const OWN_SETTINGS: readonly string[] = ['timeouts.totalMs', ...RESILIENCE_SETTINGS];

function supports({ kind, honours }: ClientPlugin, setting: string): boolean {
  return honours.includes(setting) || (kind === 'transport' && OWN_SETTINGS.includes(setting));
}

/** The arm's transport has to support each setting that is given. */
function supportRules({ armNames, transports }: RuleContext): Rule[] {
  return usableNames(armNames).flatMap(arm =>
    CLIENT_SETTINGS.map(
      (setting): Rule => ({
        at: ['clients', arm, ...setting.split('.')],
        reads: [['clients', arm, 'transport']],
        isOfGiven: true,
        check: ({ clients }) => refuseSetting(setting, clients[arm]!, transports),
      }),
    ),
  );
}

function refuseSetting(
  setting: string,
  { transport, protocol }: Client,
  transports: RuleContext['transports'],
): Obstacle | undefined {
  const plugin = own(transports, transport);
  // HTTP/1.1 is what every transport uses anyway, so stating it is allowed.
  if (plugin === undefined || supports(plugin, setting) || (setting === 'protocol' && protocol === 'http1'))
    return undefined;
  if (isModulePath(transport))
    return {
      message: `${transport} does not list this setting in honours`,
      hint: `'${setting}' in its honours if it supports the setting, otherwise no ${setting}`,
    };
  const reason = plugin.cannot?.[setting];
  return {
    message: `the transport ${transport} does not support this setting${reason === undefined ? '' : `: ${reason}`}`,
    hint:
      setting === 'options'
        ? 'no options, or the path of a module as transport'
        : ableHint(setting, transports),
  };
}

function ableHint(setting: string, transports: RuleContext['transports']): string {
  const able = Object.keys(transports).filter(name => supports(transports[name]!, setting));
  return able.length === 0 ? 'no value: no transport supports it' : `transport: ${joinWords(able, 'or')}`;
}
