// Rules on clients: the settings that a library or a load tool supports, and limits that only some connection policies have.
import { CLIENT_SETTINGS, type Client, isModulePath } from '../../../scenarios/model/client.ts';
import { connectionLimit } from '../../../scenarios/model/client-facts.ts';
import type { Scenario } from '../../../scenarios/model/scenario.ts';
import type { Target } from '../../../scenarios/model/target.ts';
import { closesAfterResponse } from '../../../scenarios/model/target-facts.ts';
import type { ClientPlugin, EngineModule, Refusal } from '../../contracts.ts';
import { RESILIENCE_SETTINGS } from '../../resending.ts';
import { nameHint, nearest, orList, valueAt } from '../problems.ts';
import { type Finding, forEachArm, type Rule, type RuleContext } from './rule.ts';

/** The load tool that an arm names; undefined for a client library. */
function engineOf({ transport }: Client, { transports }: RuleContext): EngineModule | undefined {
  const plugin = Object.hasOwn(transports, transport) ? transports[transport] : undefined;
  return plugin?.kind === 'engine' ? plugin : undefined;
}

function checkLoad(
  arm: string,
  client: Client,
  engine: EngineModule,
  { load }: Scenario,
): Finding | undefined {
  const tool = client.transport;
  if (load.model !== 'closed') {
    return {
      path: ['load', 'model'],
      message: `client ${arm} uses ${tool}, which supports closed load only`,
      hint: "model: 'closed', or another transport",
    };
  }
  if (load.thinkMs > 0) {
    return {
      path: ['load', 'thinkMs'],
      message: `client ${arm} uses ${tool}, which has no think time`,
      hint: '0 (a service time also keeps load below saturation), or another transport',
    };
  }
  const obstacle = engine.refusesLoad?.(client, load);
  return obstacle && { path: ['load', 'concurrency'], ...obstacle };
}

function checkSlices(
  arm: string,
  { transport }: Client,
  { leastSliceMs = 0 }: EngineModule,
  { timing }: Scenario,
): Finding | undefined {
  const setting = timing.slicing === 'whole' ? 'measureMs' : 'sliceMs';
  if (timing[setting] >= leastSliceMs) return undefined;
  return {
    path: ['timing', setting],
    message: `client ${arm} uses ${transport}, which is started for each slice: startup would take up much of ${timing[setting]} ms`,
    hint: `at least ${leastSliceMs}`,
  };
}

/** What a load tool can do, and whether it is installed. */
export function engineRules(context: RuleContext): Rule[] {
  return [
    ...forEachArm(
      context,
      arm => [['clients', arm, 'transport']],
      (arm, client) => {
        const obstacle = client.ifInstalled === true ? undefined : engineOf(client, context)?.missing?.();
        return obstacle && { path: ['clients', arm, 'transport'], ...obstacle };
      },
    ),
    ...forEachArm(
      context,
      arm => [['clients', arm, 'ifInstalled'], ['baseline']],
      (arm, { ifInstalled }, { baseline }) =>
        arm === baseline && ifInstalled
          ? {
              path: ['clients', arm, 'ifInstalled'],
              message: 'the baseline client cannot be optional',
              hint: 'false, or another baseline',
            }
          : undefined,
    ),
    ...forEachArm(
      context,
      arm => [['load'], ['clients', arm]],
      (arm, client, scenario) => {
        const engine = engineOf(client, context);
        return engine && checkLoad(arm, client, engine, scenario);
      },
    ),
    ...forEachArm(
      context,
      arm => [
        ['timing', 'slicing'],
        ['timing', 'sliceMs'],
        ['timing', 'measureMs'],
        ['clients', arm],
      ],
      (arm, client, scenario) => {
        const engine = engineOf(client, context);
        return engine && checkSlices(arm, client, engine, scenario);
      },
    ),
  ];
}

const METRIC = 'unneededConnectionsPer1kRequests';

/** Expectations on unnecessary connections need a client whose connections are limited. */
export function connectionRules(context: RuleContext): Rule[] {
  return [
    {
      reads: [['expect']],
      check: ({ expect }) =>
        expect.flatMap(({ metric, over }, index) =>
          metric !== METRIC || over === undefined
            ? []
            : {
                path: ['expect', index, 'over'],
                message:
                  'a client that reuses connections has no unnecessary ones, so the ratio would divide by zero',
                hint: 'no over, or the metric connectionsPer1kRequests',
              },
        ),
    },
    ...forEachArm(
      context,
      arm => [['expect'], ['clients', arm], ['target', 'connectionClose'], ['target', 'framing']],
      (arm, client, { expect, target }) =>
        expect.flatMap(({ metric, of, over }, index) =>
          metric !== METRIC || of !== arm || over !== undefined || isBounded(client, target)
            ? []
            : {
                path: ['expect', index, 'metric'],
                message: `client ${of} has no connection limit, so none of its connections is unnecessary`,
                hint: 'a client with pool.maxConnections, or connectionsPer1kRequests',
              },
        ),
    ),
  ];
}

/** Whether the settings bound the number of connections for a number of requests (results/connections.ts). */
function isBounded({ pool, protocol, requestsPerConnection }: Client, target: Target): boolean {
  const isShared = protocol === 'h2' || Number.isFinite(connectionLimit(pool));
  return isShared || requestsPerConnection !== 'unlimited' || closesAfterResponse(target);
}

/** Settings that conntax itself implements for any client library; a load tool controls its own exchanges. */
const OWN_SETTINGS: Record<ClientPlugin['kind'], readonly string[]> = {
  transport: ['transport', 'ifInstalled', 'timeouts.totalMs', ...RESILIENCE_SETTINGS],
  engine: ['transport', 'ifInstalled'],
};

/** Dotted paths of the settings given in a client; members that are no settings are refused elsewhere. */
function givenSettings(client: unknown): string[] {
  return CLIENT_SETTINGS.filter(setting => valueAt(client, setting.split('.')) !== undefined);
}

function explainUnsupported({ transport }: Client, setting: string, { cannot }: ClientPlugin): string {
  if (isModulePath(transport)) return `${transport} does not list this setting in honours`;
  const reason = cannot?.[setting];
  return `the transport ${transport} does not support this setting${reason === undefined ? '' : `: ${reason}`}`;
}

function cannotHint({ transport }: Client, setting: string, { transports }: RuleContext): string {
  if (isModulePath(transport))
    return `'${setting}' in its honours if it supports the setting, otherwise no ${setting}`;
  if (setting === 'options') return 'no options, or the path of a module as transport';
  const able = Object.entries(transports)
    .filter(([, other]) => [...OWN_SETTINGS[other.kind], ...other.honours].includes(setting))
    .map(([name]) => name);
  return able.length === 0 ? 'no value: no transport supports it' : `transport: ${orList(able)}`;
}

/** A rule for each setting that is given: the arm's transport has to support it. */
function honouredRules(context: RuleContext): Rule[] {
  return context.armNames.flatMap(arm =>
    givenSettings(valueAt(context.raw, ['clients', arm])).flatMap(setting => {
      const path = ['clients', arm, ...setting.split('.')];
      return forEachArm(
        { ...context, armNames: [arm] },
        () => [path, ['clients', arm, 'transport']],
        (_, client) => {
          const { transport, protocol } = client;
          const module = Object.hasOwn(context.transports, transport)
            ? context.transports[transport]
            : undefined;
          if (module === undefined || OWN_SETTINGS[module.kind].includes(setting)) return undefined;
          // HTTP/1.1 is what every transport uses anyway, so stating it is allowed.
          if (module.honours.includes(setting) || (setting === 'protocol' && protocol === 'http1'))
            return undefined;
          return {
            path,
            message: explainUnsupported(client, setting, module),
            hint: cannotHint(client, setting, context),
          };
        },
      );
    }),
  );
}

function transportHint(name: string, known: readonly string[]): string {
  return nearest(name, known) === undefined
    ? orList([...known, 'the path of your own module, such as ./my-client.ts'])
    : nameHint(name, known);
}

/** A problem at `transport` of a user's module gets the module's name, because the path does not show it. */
function describeRefusal({ transport }: Client, { path, message }: Refusal): string {
  return path === 'transport' && isModulePath(transport) ? `${transport}: ${message}` : message;
}

function checkTransport(arm: string, { transport }: Client, context: RuleContext): Finding | undefined {
  const { transports, faults } = context;
  const path = ['clients', arm, 'transport'];
  const fault = Object.hasOwn(faults, transport) ? faults[transport] : undefined;
  if (fault !== undefined) return { path, ...fault, message: `${transport} ${fault.message}` };
  if (Object.hasOwn(transports, transport)) return undefined;
  const hint = transportHint(transport, Object.keys(transports));
  return { path, message: `unknown transport "${transport}"`, hint };
}

/** The transport exists, and supports each setting that is given. */
export function transportRules(context: RuleContext): Rule[] {
  const { transports, faults } = context;
  return [
    ...forEachArm(
      context,
      arm => [['clients', arm, 'transport']],
      (arm, client) => checkTransport(arm, client, context),
    ),
    ...honouredRules(context),
    ...forEachArm(
      context,
      arm => [['clients', arm], ['target'], ['request'], ['requests']],
      (arm, client, { target, request, requests }) => {
        const { transport } = client;
        if (!Object.hasOwn(transports, transport) || Object.hasOwn(faults, transport)) return undefined;
        const asked = requests ?? (request === undefined ? [] : [request]);
        return transports[transport]!.refusals(client, target, asked).map(refusal => ({
          path: ['clients', arm, ...refusal.path.split('.')],
          message: describeRefusal(client, refusal),
          hint: refusal.hint,
        }));
      },
    ),
    ...forEachArm(
      context,
      arm => [
        ['clients', arm, 'pool', 'pipelining'],
        ['clients', arm, 'requestsPerConnection'],
      ],
      (arm, { requestsPerConnection, pool }) =>
        requestsPerConnection !== 1 || (pool.pipelining ?? 1) === 1
          ? undefined
          : {
              path: ['clients', arm, 'pool', 'pipelining'],
              message: 'a connection that carries one request cannot have several in flight',
              hint: 'pipelining: 1, or more requestsPerConnection',
            },
    ),
  ];
}
