// Rules between the settings of a scenario whose settings are each valid.
import { type Client, connectionLimit, isModulePath } from '../../scenarios/model/client.ts';
import type { CapacityLoad, Load } from '../../scenarios/model/load.ts';
import { carriesCredentials } from '../../scenarios/model/request.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { STATEMENTS, Target, usesTls } from '../../scenarios/model/target.ts';
import type { ClientPlugin, EngineModule, Refusal } from '../contracts.ts';
import { nameHint, nearest, orList, type Path, valueAt } from './problems.ts';
import { sliceGapMs } from './timing.ts';

/** Every arm that is a load tool, with the tool's module. */
function engineArms({
  scenario,
  transports,
}: CrossContext): { arm: string; tool: string; engine: EngineModule }[] {
  return Object.entries(scenario.clients).flatMap(([arm, { transport }]) => {
    const plugin = Object.hasOwn(transports, transport) ? transports[transport] : undefined;
    return plugin?.kind === 'engine' ? [{ arm, tool: transport, engine: plugin }] : [];
  });
}

function checkMissing(context: CrossContext): CrossProblem[] {
  return engineArms(context).flatMap(({ arm, engine }) => {
    if (context.scenario.clients[arm]!.ifInstalled) return [];
    const obstacle = engine.missing?.();
    const path = ['clients', arm, 'transport'];
    return obstacle === undefined ? [] : [{ path, about: [path], ...obstacle }];
  });
}

function checkBaselineStays({ scenario: { baseline, clients } }: CrossContext): CrossProblem[] {
  if (!Object.hasOwn(clients, baseline) || !clients[baseline]!.ifInstalled) return [];
  const path = ['clients', baseline, 'ifInstalled'];
  return [
    {
      path,
      about: [path, ['baseline']],
      message: 'the baseline client cannot be optional',
      hint: 'false, or another baseline',
    },
  ];
}

function checkLoads(context: CrossContext): CrossProblem[] {
  const { load, clients } = context.scenario;
  return engineArms(context).flatMap(({ arm, tool, engine }): CrossProblem[] => {
    const about = [['load'], ['clients', arm]];
    if (load.model !== 'closed') {
      return [
        {
          path: ['load', 'model'],
          about,
          message: `client ${arm} uses ${tool}, which supports closed load only`,
          hint: "model: 'closed', or another transport",
        },
      ];
    }
    if (load.thinkMs > 0) {
      return [
        {
          path: ['load', 'thinkMs'],
          about,
          message: `client ${arm} uses ${tool}, which has no think time`,
          hint: '0 (a service time also keeps load below saturation), or another transport',
        },
      ];
    }
    const obstacle = engine.refusesLoad?.(clients[arm]!, load);
    return obstacle === undefined ? [] : [{ path: ['load', 'concurrency'], about, ...obstacle }];
  });
}

function checkSlices(context: CrossContext): CrossProblem[] {
  const { timing } = context.scenario;
  const setting = timing.slicing === 'whole' ? 'measureMs' : 'sliceMs';
  return engineArms(context)
    .filter(({ engine }) => timing[setting] < (engine.leastSliceMs ?? 0))
    .map(({ arm, tool, engine }) => ({
      path: ['timing', setting],
      about: [
        ['timing', setting],
        ['timing', 'slicing'],
        ['clients', arm],
      ],
      message: `client ${arm} uses ${tool}, which is started for each slice: startup would take up much of ${timing[setting]} ms`,
      hint: `at least ${engine.leastSliceMs}`,
    }));
}

function engineProblems(context: CrossContext): CrossProblem[] {
  return [
    ...checkMissing(context),
    ...checkBaselineStays(context),
    ...checkLoads(context),
    ...checkSlices(context),
  ];
}

const METRIC = 'unneededConnectionsPer1kRequests';

function checkExpectedConnections({ clients, expect, target }: Scenario): CrossProblem[] {
  return expect.flatMap(({ metric, of, over }, index): CrossProblem[] => {
    if (metric !== METRIC) return [];
    const path = ['expect', index, 'metric'];
    const client = Object.hasOwn(clients, of) ? clients[of] : undefined;
    if (over !== undefined)
      return [
        {
          path: ['expect', index, 'over'],
          about: [path],
          message:
            'a client that reuses connections has no unnecessary ones, so the ratio would divide by zero',
          hint: 'no over, or the metric connectionsPer1kRequests',
        },
      ];
    if (client === undefined || isBounded(client, target)) return [];
    return [
      {
        path,
        about: [path, ['clients', of]],
        message: `client ${of} has no connection limit, so none of its connections is unnecessary`,
        hint: 'a client with pool.maxConnections, or connectionsPer1kRequests',
      },
    ];
  });
}

/** Whether the settings bound the number of connections for a number of requests (results/connections.ts). */
function isBounded({ pool, protocol, requestsPerConnection }: Client, target: Target): boolean {
  const isShared = protocol === 'h2' || Number.isFinite(connectionLimit(pool));
  return isShared || requestsPerConnection !== 'unlimited' || target.connectionClose === true;
}

/** Settings of conntax's own server, and why they do not apply to an external one. */
const COMMANDS = {
  behaviour: {
    message: 'an external server decides itself what it answers',
    hint: 'no behaviour; choose the answer by the path of url',
  },
  tls: {
    message: 'with an external server, the scheme of url decides on TLS, and the version is negotiated',
    hint: 'no tls; write https or http in url',
  },
  tlsKey: {
    message: 'an external server has its own certificate',
    hint: 'no tlsKey; caFile names the authority that signed the certificate',
  },
  maxConcurrentStreams: {
    message: 'an external server announces its own limit',
    hint: "no maxConcurrentStreams; a client's limit is pool.maxConcurrentStreams",
  },
} as const;

function checkForeignTarget(context: CrossContext): CrossProblem[] {
  return context.scenario.target.url === undefined ? checkOwn(context) : checkForeign(context);
}

function problem(path: string[], message: string, hint: string): CrossProblem {
  return { path, about: [path, ['target', 'url']], message, hint };
}

/** Settings that are meaningless without a url. */
function checkOwn({ scenario: { target } }: CrossContext): CrossProblem[] {
  return [
    ...(target.caFile === undefined
      ? []
      : [
          problem(
            ['target', 'caFile'],
            "without target.url the server is conntax's own, whose certificate every client trusts",
            'no caFile, or a target.url',
          ),
        ]),
    ...STATEMENTS.filter(name => target[name] === null).map(name =>
      problem(
        ['target', name],
        "null means unknown, but without target.url this configures conntax's own server",
        'a value, or target.url',
      ),
    ),
  ];
}

/** The CPU that an external server uses is unknown. */
function checkExpected({ expect }: CrossContext['scenario']): CrossProblem[] {
  return expect.flatMap(({ metric }, index) => {
    if (metric !== 'targetCpuUsPerRequest') return [];
    const path = ['expect', index, 'metric'];
    return [
      {
        path,
        about: [path, ['target', 'url']],
        message: 'the CPU use of an external server is unknown',
        hint: 'another metric, or a target without a url',
      },
    ];
  });
}

function checkForeign({ scenario, raw }: CrossContext): CrossProblem[] {
  const { target, link } = scenario;
  const url = new URL(target.url!);
  const isTls = url.protocol === 'https:';
  const commands = Object.entries(COMMANDS)
    .filter(([name]) => valueAt(raw, ['target', name]) !== undefined)
    .map(([name, { message, hint }]) => problem(['target', name], message, hint));
  const ofUrl = (message: string, hint: string) => problem(['target', 'url'], message, hint);
  return [
    ...commands,
    ...checkExpected(scenario),
    ...(url.username === '' && url.password === ''
      ? []
      : [
          ofUrl(
            'not every client sends credentials in a URL, and they would appear in every report',
            "the URL without credentials, and request.headers: { authorization: { env: 'AUTHORIZATION' } }",
          ),
        ]),
    ...[...url.searchParams.keys()]
      .filter(carriesCredentials)
      .map(name =>
        ofUrl(
          `the parameter ${name} looks like a credential, which would appear in every report`,
          `the URL without it, and request.query: { ${name}: { env: '${name.replaceAll(/[^A-Za-z0-9]/g, '_').toUpperCase()}' } }`,
        ),
      ),
    ...(url.hash === '' ? [] : [ofUrl('a fragment (#...) is never sent to a server', 'the URL without it')]),
    ...(target.caFile === undefined || isTls
      ? []
      : [problem(['target', 'caFile'], 'an http server has no certificate', 'no caFile, or https in url')]),
    ...(target.protocol === 'http1' || isTls
      ? []
      : [problem(['target', 'protocol'], 'HTTP/2 is spoken over TLS only', "'http1', or https in url")]),
    ...(link === undefined
      ? []
      : [
          problem(
            ['link'],
            "the kernel's counters, which stand in for an external server's, would include the relay's connections",
            'no link, or a target without url',
          ),
        ]),
  ];
}

function checkLoad({ load, expect }: Pick<Scenario, 'load' | 'expect'>): CrossProblem[] {
  return load.model === 'capacity' ? searchProblems(load) : expectationProblems(load, expect);
}

/** Only a capacity search measures a capacity. */
function expectationProblems({ model }: Load, expect: Scenario['expect']): CrossProblem[] {
  return expect.flatMap(({ metric }, index) => {
    if (metric !== 'capacityPerSec') return [];
    const path = ['expect', index, 'metric'];
    return [
      {
        path,
        about: [path, ['load']],
        message: `a load of model ${model} does not measure capacity`,
        hint: "another metric, or model: 'capacity' in load",
      },
    ];
  });
}

function searchProblems(load: CapacityLoad): CrossProblem[] {
  const { minRatePerSec, maxRatePerSec, objective } = load;
  const problems: CrossProblem[] = [];
  if (minRatePerSec >= maxRatePerSec) {
    const paths = [
      ['load', 'minRatePerSec'],
      ['load', 'maxRatePerSec'],
    ];
    problems.push({
      path: paths[0]!,
      about: paths,
      message: `${minRatePerSec} is not less than maxRatePerSec (${maxRatePerSec}), so there is nothing to search`,
      hint: `less than ${maxRatePerSec}, or a larger maxRatePerSec`,
    });
  }
  if (objective.p50Ms === undefined && objective.p99Ms === undefined) {
    const path = ['load', 'objective'];
    problems.push({
      path,
      about: [path],
      message: 'no latency limit is set, so any rate would pass',
      hint: 'p99Ms, p50Ms or both, in ms',
    });
  }
  return problems;
}

const TLS_HINT = "tls: '1.3' or '1.2'";

/** A problem of one setting of the target that depends on other settings of the target. */
function targetProblem(
  setting: string,
  others: readonly string[],
  message: string,
  hint: string,
): CrossProblem {
  const path = ['target', setting];
  return { path, about: [path, ...others.map(other => ['target', other])], message, hint };
}

function checkTarget({ scenario: { target }, raw }: CrossContext): CrossProblem[] {
  const isGiven = (setting: string) => valueAt(raw, ['target', setting]) !== undefined;
  const isHttp2 = target.protocol === 'h2';
  const problems: CrossProblem[] = [];
  if (isHttp2 && target.url === undefined && !usesTls(target)) {
    problems.push(
      targetProblem(
        'protocol',
        ['tls', 'url'],
        'HTTP/2 is negotiated in the TLS handshake; without TLS neither browsers nor undici use it',
        `${TLS_HINT}, or protocol: 'http1'`,
      ),
    );
  }
  if (!isHttp2 && isGiven('maxConcurrentStreams')) {
    problems.push(
      targetProblem(
        'maxConcurrentStreams',
        ['protocol'],
        'an HTTP/1.1 connection has no streams',
        "no maxConcurrentStreams, or protocol: 'h2'",
      ),
    );
  }
  if (!usesTls(target) && isGiven('tlsKey')) {
    problems.push(
      targetProblem('tlsKey', ['tls', 'url'], 'without TLS there is no key', `no tlsKey, or ${TLS_HINT}`),
    );
  }
  if (isHttp2 && target.connectionClose) {
    problems.push(
      targetProblem('connectionClose', ['protocol'], 'HTTP/2 has no Connection header', "protocol: 'http1'"),
    );
  }
  if (isHttp2 && (target.maxRequestsPerSocket ?? 0) > 0 && target.url === undefined) {
    problems.push(
      targetProblem(
        'maxRequestsPerSocket',
        ['protocol', 'url'],
        'an HTTP/2 server can only announce that a connection will end, while more streams are arriving, so it cannot keep to a number of requests',
        "no maxRequestsPerSocket, or protocol: 'http1'",
      ),
    );
  }
  return problems;
}

function checkClients({ scenario: { target, clients } }: CrossContext): CrossProblem[] {
  if (target.protocol === 'h2') return [];
  return Object.entries(clients)
    .filter(([, client]) => client.protocol === 'h2')
    .map(([arm]) => {
      const path = ['clients', arm, 'protocol'];
      return {
        path,
        about: [path, ['target', 'protocol']],
        message: 'the target does not offer HTTP/2',
        hint: "protocol: 'http1', or protocol: 'h2' and tls in target",
      };
    });
}

function protocolProblems(context: CrossContext): CrossProblem[] {
  return [...checkTarget(context), ...checkClients(context)];
}

/** What is wrong with a client module, and what was expected. */
export interface ModuleFault {
  message: string;
  hint: string;
}

/** A problem across settings: shown at `path`, and valid only if no setting in `about` was removed or replaced by a stand-in. */
interface CrossProblem {
  path: Path;
  about: readonly Path[];
  message: string;
  hint: string;
}

interface CrossContext {
  scenario: Scenario;
  /** The scenario as written: only this distinguishes a given setting from a default. */
  raw: unknown;
  /** The names of all arms as written, faulty ones included. */
  armNames: readonly string[];
  /** By name; users' modules by their paths as written. */
  transports: Readonly<Record<string, ClientPlugin>>;
  /** Unusable modules, by their paths as written. */
  faults: Readonly<Record<string, ModuleFault>>;
  /** Expected service time of the target, ms. */
  serviceMs: number;
}

/** Settings that conntax itself implements for any client library; a load tool controls its own exchanges. */
const OWN_SETTINGS: Record<ClientPlugin['kind'], readonly string[]> = {
  transport: ['transport', 'ifInstalled', 'timeouts.totalMs'],
  engine: ['transport', 'ifInstalled'],
};
/** Idle timeouts must be at least this many times the estimated gap between two slices of an arm. */
const GAP_SAFETY = 2;
const DEFAULT_KEEP_ALIVE_MS = Target.parse({}).keepAliveTimeoutMs;

function checkArms({ scenario }: CrossContext): CrossProblem[] {
  if (Object.keys(scenario.clients).length > 0) return [];
  const path = ['clients'];
  return [{ path, about: [path], message: 'no client to measure', hint: 'at least one named client' }];
}

function checkEnd({ scenario: { timing, expect } }: CrossContext): CrossProblem[] {
  if (timing.until !== 'decided' || expect.length > 0) return [];
  const path = ['timing', 'until'];
  return [
    {
      path,
      about: [path, ['expect']],
      message: 'expect is empty, so there is nothing to decide',
      hint: "'precise', or a limit in expect",
    },
  ];
}

function checkOrder({ scenario: { timing } }: CrossContext): CrossProblem[] {
  const pairs = [
    ['warmupMinMs', 'warmupMaxMs'],
    ['minReplicates', 'maxReplicates'],
  ] as const;
  return pairs
    .filter(([least, most]) => timing[least] > timing[most])
    .map(([least, most]) => ({
      path: ['timing', least],
      about: [
        ['timing', least],
        ['timing', most],
      ],
      message: `${timing[least]} is more than the ${most} of ${timing[most]}`,
      hint: `at most ${timing[most]}, or a larger ${most}`,
    }));
}

/** Dotted paths of the settings given in a client: the leaves of its objects, with `options` as one. */
function givenSettings(client: unknown, prefix = ''): string[] {
  if (typeof client !== 'object' || client === null) return [];
  return Object.entries(client).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const path = `${prefix}${key}`;
    return typeof value === 'object' && path !== 'options' ? givenSettings(value, `${path}.`) : [path];
  });
}

function cannotText({ transport }: Client, setting: string, { cannot }: ClientPlugin): string {
  if (isModulePath(transport)) return `${transport} does not list this setting in honours`;
  const reason = cannot?.[setting];
  return `the transport ${transport} does not support this setting${reason === undefined ? '' : `: ${reason}`}`;
}

function cannotHint({ transport }: Client, setting: string, { transports }: CrossContext): string {
  if (isModulePath(transport))
    return `'${setting}' in its honours if it supports the setting, otherwise no ${setting}`;
  if (setting === 'options') return 'no options, or the path of a module as transport';
  const able = Object.entries(transports)
    .filter(([, other]) => [...OWN_SETTINGS[other.kind], ...other.honours].includes(setting))
    .map(([name]) => name);
  return able.length === 0 ? 'no value: no transport supports it' : `transport: ${orList(able)}`;
}

function checkHonoured(
  arm: string,
  client: Client,
  module: ClientPlugin,
  context: CrossContext,
): CrossProblem[] {
  const given = givenSettings(valueAt(context.raw, ['clients', arm]));
  return (
    given
      .filter(setting => !OWN_SETTINGS[module.kind].includes(setting) && !module.honours.includes(setting))
      // HTTP/1.1 is what every transport uses anyway, so stating it is allowed.
      .filter(setting => setting !== 'protocol' || client.protocol !== 'http1')
      .map(setting => {
        const path = ['clients', arm, ...setting.split('.')];
        return {
          path,
          about: [path, ['clients', arm, 'transport']],
          message: cannotText(client, setting, module),
          hint: cannotHint(client, setting, context),
        };
      })
  );
}

function transportHint(name: string, known: readonly string[]): string {
  return nearest(name, known) === undefined
    ? orList([...known, 'the path of your own module, such as ./my-client.ts'])
    : nameHint(name, known);
}

/** A problem at `transport` of a user's module gets the module's name, because the path does not show it. */
function refusalText({ transport }: Client, { path, message }: Refusal): string {
  return path === 'transport' && isModulePath(transport) ? `${transport}: ${message}` : message;
}

function checkTransport(context: CrossContext): CrossProblem[] {
  const { scenario, transports, faults } = context;
  return Object.entries(scenario.clients).flatMap(([arm, client]) => {
    const path = ['clients', arm, 'transport'];
    const fault = Object.hasOwn(faults, client.transport) ? faults[client.transport] : undefined;
    if (fault !== undefined) {
      return [{ path, about: [path], ...fault, message: `${client.transport} ${fault.message}` }];
    }
    if (!Object.hasOwn(transports, client.transport)) {
      const hint = transportHint(client.transport, Object.keys(transports));
      return [{ path, about: [path], message: `unknown transport "${client.transport}"`, hint }];
    }
    const module = transports[client.transport]!;
    const refusals = module.refusals(client, scenario.target, scenario.request).map(refusal => ({
      path: ['clients', arm, ...refusal.path.split('.')],
      about: [['clients', arm], ['target'], ['request']],
      message: refusalText(client, refusal),
      hint: refusal.hint,
    }));
    return [...checkHonoured(arm, client, module, context), ...refusals];
  });
}

function checkPipelining({ scenario }: CrossContext): CrossProblem[] {
  return Object.entries(scenario.clients)
    .filter(([, client]) => client.requestsPerConnection === 1 && (client.pool.pipelining ?? 1) > 1)
    .map(([arm]) => ({
      path: ['clients', arm, 'pool', 'pipelining'],
      about: [
        ['clients', arm, 'pool', 'pipelining'],
        ['clients', arm, 'requestsPerConnection'],
      ],
      message: 'a connection that carries one request cannot have several in flight',
      hint: 'pipelining: 1, or more requestsPerConnection',
    }));
}

/** An arm is idle between its slices: connections closed meanwhile would be counted as the arm's own cost. */
function checkIdleTimeouts({ scenario, serviceMs }: CrossContext): CrossProblem[] {
  const { timing, target, clients } = scenario;
  if (timing.slicing !== 'alternate') return [];
  const persistent = Object.entries(clients).filter(([, client]) => client.requestsPerConnection !== 1);
  const gaps = persistent.map(([arm]) => sliceGapMs(scenario, arm, serviceMs));
  const idleTimeouts: { path: Path; ms: number; gapMs: number }[] = [
    {
      path: ['target', 'keepAliveTimeoutMs'],
      ms: target.keepAliveTimeoutMs || Infinity,
      gapMs: Math.max(0, ...gaps),
    },
    ...persistent.map(([arm, { pool }], index) => ({
      path: ['clients', arm, 'pool', 'idleTimeoutMs'],
      ms: pool.idleTimeoutMs ?? Infinity,
      gapMs: gaps[index]!,
    })),
  ];
  return idleTimeouts
    .filter(({ ms, gapMs }) => ms < gapMs * GAP_SAFETY)
    .map(({ path, ms, gapMs }) => {
      const about: Path[] = [path, ['timing'], ['load'], ['target'], ['clients']];
      // A default is not the author's mistake: the settings that make the slices this long are.
      if (ms === DEFAULT_KEEP_ALIVE_MS) {
        return {
          path: ['load'],
          about,
          message: `with this many concurrent requests slices are so long that a client may be idle for about ${gapMs} ms between two of its own, and the server closes idle connections after ${ms} ms (target.keepAliveTimeoutMs)`,
          hint: `timing.slicing: 'whole', fewer concurrent requests, a smaller timing.sliceResponses, or target.keepAliveTimeoutMs of at least ${gapMs * GAP_SAFETY}`,
        };
      }
      return {
        path,
        about,
        message: `clients take turns, so each may be idle for about ${gapMs} ms: a timeout of ${ms} ms may close its connections meanwhile`,
        hint: `timing.slicing: 'whole', or at least ${gapMs * GAP_SAFETY} ms here`,
      };
    });
}

/** Every problem across settings; of several at one path only the first. */
export function crossProblems(context: CrossContext): CrossProblem[] {
  const problems = [
    ...checkArms(context),
    ...checkBaseline(context),
    ...checkExpectations(context),
    ...checkPublished(context),
    ...checkOrder(context),
    ...checkEnd(context),
    ...checkForeignTarget(context),
    ...checkLoad(context.scenario),
    ...checkExpectedConnections(context.scenario),
    ...checkTransport(context),
    ...checkPipelining(context),
    ...protocolProblems(context),
    ...engineProblems(context),
    ...checkIdleTimeouts(context),
  ];
  const seen = new Set<string>();
  return problems.filter(({ path }) => {
    const place = path.join('\0');
    return !seen.has(place) && seen.add(place);
  });
}

function checkBaseline({ scenario, armNames }: CrossContext): CrossProblem[] {
  if (armNames.length === 0 || armNames.includes(scenario.baseline)) return [];
  return [
    {
      path: ['baseline'],
      about: [['baseline']],
      message: `no client "${scenario.baseline}"`,
      hint: nameHint(scenario.baseline, armNames),
    },
  ];
}

/** Expectations must name existing arms, and two different ones for a ratio. */
function checkExpectations({ scenario, armNames }: CrossContext): CrossProblem[] {
  return scenario.expect.flatMap(({ of, over }, index) => {
    const at = (key: string): CrossProblem['path'] => ['expect', index, key];
    const unknown = (['of', 'over'] as const)
      .map(key => ({ key, arm: key === 'of' ? of : over }))
      .filter(({ arm }) => arm !== undefined && !armNames.includes(arm))
      .map(({ key, arm = '' }) => ({
        path: at(key),
        about: [['expect']],
        message: `no client "${arm}"`,
        hint: nameHint(arm, armNames),
      }));
    if (over !== of) return unknown;
    const message = `the ratio of ${of} to itself is always 1`;
    return [
      { path: at('over'), about: [['expect']], message, hint: 'another client, or no over' },
      ...unknown,
    ];
  });
}

/** Published figures are shown beside a client's own, so each row names one client, and each client has at most one row. */
function checkPublished({ scenario, armNames }: CrossContext): CrossProblem[] {
  const rows = scenario.published?.rows ?? [];
  return rows.flatMap(({ arm }, index) => {
    const at = { path: ['published', 'rows', index, 'arm'], about: [['published']] };
    if (!armNames.includes(arm))
      return [{ ...at, message: `no client "${arm}"`, hint: nameHint(arm, armNames) }];
    const isFirst = rows.findIndex(row => row.arm === arm) === index;
    return isFirst ? [] : [{ ...at, message: `"${arm}" already has a row`, hint: 'one row per client' }];
  });
}
