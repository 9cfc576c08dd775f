// In: a scenario whose fields are each valid. Out: what is wrong with them together.
import { type Client, connectionLimit, isModulePath } from '../../scenarios/model/client.ts';
import type { CapacityLoad, Load } from '../../scenarios/model/load.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { STATEMENTS, Target, usesTls } from '../../scenarios/model/target.ts';
import type { ClientPlugin, EngineModule, Refusal } from '../contracts.ts';
import { nameHint, nearest, orList, type Path, valueAt } from './problems.ts';
import { sliceGapMs } from './timing.ts';

// From a scenario whose fields are each valid. Out: what a load tool among its arms can't do, or not here.

/** Every arm that is a load tool, with what the tool says of itself. */
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
      message: 'the arm that all others are compared with cannot be left out',
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
          message: `the arm ${arm} is ${tool}, which brings its own loop: that is a closed one`,
          hint: "model: 'closed', or another transport",
        },
      ];
    }
    if (load.thinkMs > 0) {
      return [
        {
          path: ['load', 'thinkMs'],
          about,
          message: `the arm ${arm} is ${tool}, whose users do not think`,
          hint: '0 (a service time keeps a load below saturation, too), or another transport',
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
      message: `the arm ${arm} is ${tool}, which is started for each slice: of ${timing[setting]} ms it would spend a good part on that`,
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

// From a scenario whose fields are each valid. Out: what is expected of connections that its settings give no bound for.

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
          message: 'connections beyond need are none of a client that reuses, so there is no ratio of them',
          hint: 'leave it out, or expect connectionsPer1kRequests',
        },
      ];
    if (client === undefined || isBounded(client, target)) return [];
    return [
      {
        path,
        about: [path, ['clients', of]],
        message: `${of} may open as many connections as it likes, so that none is beyond need`,
        hint: 'a client with pool.maxConnections, or connectionsPer1kRequests',
      },
    ];
  });
}

/** Whether the settings say how many connections so many requests can take (results/connections.ts). */
function isBounded({ pool, protocol, requestsPerConnection }: Client, target: Target): boolean {
  const isShared = protocol === 'h2' || Number.isFinite(connectionLimit(pool));
  return isShared || requestsPerConnection !== 'unlimited' || target.connectionClose === true;
}

// From a scenario whose fields are each valid. Out: what can't be said of a server that we did not start, or only of one.

/** What we command our own server to do, and why nobody can command it to another one. */
const COMMANDS = {
  behaviour: {
    message: 'a server that conntax does not start answers with what it has',
    hint: 'leave it out, and choose the answer by the path of url',
  },
  tls: {
    message:
      'whether there is TLS is said by the scheme of url, and its version is agreed on with the server',
    hint: 'leave it out, and write https or http in url',
  },
  tlsKey: {
    message: 'a server that conntax does not start has a certificate of its own',
    hint: 'leave it out; caFile names the authority that signed that certificate',
  },
  maxConcurrentStreams: {
    message: 'a server that conntax does not start announces its own limit',
    hint: "leave it out; a client's is pool.maxConcurrentStreams",
  },
} as const;

function checkForeignTarget(context: CrossContext): CrossProblem[] {
  return context.scenario.target.url === undefined ? checkOwn(context) : checkForeign(context);
}

function problem(path: string[], message: string, hint: string): CrossProblem {
  return { path, about: [path, ['target', 'url']], message, hint };
}

/** Settings that stand for nothing without a url. */
function checkOwn({ scenario: { target } }: CrossContext): CrossProblem[] {
  return [
    ...(target.caFile === undefined
      ? []
      : [
          problem(
            ['target', 'caFile'],
            "without a url the server is conntax's own, whose certificate every client is told to trust",
            'leave it out, or give target.url',
          ),
        ]),
    ...STATEMENTS.filter(name => target[name] === null).map(name =>
      problem(
        ['target', name],
        'null means that it is not known, but without a url it is what the server is told to do',
        'a value, or target.url',
      ),
    ),
  ];
}

/** Nobody tells what it costs the server to answer. */
function checkExpected({ expect }: CrossContext['scenario']): CrossProblem[] {
  return expect.flatMap(({ metric }, index) => {
    if (metric !== 'targetCpuUsPerRequest') return [];
    const path = ['expect', index, 'metric'];
    return [
      {
        path,
        about: [path, ['target', 'url']],
        message: 'the CPU of a server that conntax does not start is not known',
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
            'a user name or password in a URL is not sent by every client, and would stand in every report',
            'the URL without it',
          ),
        ]),
    ...(url.hash === '' ? [] : [ofUrl('what follows # is never sent to a server', 'the URL without it')]),
    ...(target.caFile === undefined || isTls
      ? []
      : [problem(['target', 'caFile'], 'there is no certificate on http', 'leave it out, or https in url')]),
    ...(target.protocol === 'http1' || isTls
      ? []
      : [problem(['target', 'protocol'], 'HTTP/2 is spoken over TLS only', "'http1', or https in url")]),
    ...(link === undefined
      ? []
      : [
          problem(
            ['link'],
            "the relay's connections would be in the kernel's counts, from which the server's are told",
            'leave it out, or take a target without a url',
          ),
        ]),
  ];
}

// From a scenario whose fields are each valid. Out: what is wrong with its load, and with what is expected under it.

function checkLoad({ load, expect }: Pick<Scenario, 'load' | 'expect'>): CrossProblem[] {
  return load.model === 'capacity' ? searchProblems(load) : expectationProblems(load, expect);
}

/** Nothing but a search finds a capacity. */
function expectationProblems({ model }: Load, expect: Scenario['expect']): CrossProblem[] {
  return expect.flatMap(({ metric }, index) => {
    if (metric !== 'capacityPerSec') return [];
    const path = ['expect', index, 'metric'];
    return [
      {
        path,
        about: [path, ['load']],
        message: `a load of model ${model} finds no capacity`,
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
      message: `${minRatePerSec} is not less than maxRatePerSec, which is ${maxRatePerSec}: there is nothing to search`,
      hint: `less than ${maxRatePerSec}, or a larger maxRatePerSec`,
    });
  }
  if (objective.p50Ms === undefined && objective.p99Ms === undefined) {
    const path = ['load', 'objective'];
    problems.push({
      path,
      about: [path],
      message: 'no latency is asked for, so that any rate would do',
      hint: 'p99Ms, p50Ms or both, in ms',
    });
  }
  return problems;
}

// From a scenario whose fields are each valid. Out: what is wrong with its protocols and its TLS taken together.

const TLS_HINT = "tls: '1.3' or '1.2'";

/** A problem of one setting of the target, which other settings of the target make. */
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
        'HTTP/2 is offered within the TLS handshake; without TLS neither browsers nor undici speak it',
        `${TLS_HINT}, or protocol: 'http1'`,
      ),
    );
  }
  if (!isHttp2 && isGiven('maxConcurrentStreams')) {
    problems.push(
      targetProblem(
        'maxConcurrentStreams',
        ['protocol'],
        'a connection of HTTP/1.1 has no streams',
        "leave it out, or protocol: 'h2'",
      ),
    );
  }
  if (!usesTls(target) && isGiven('tlsKey')) {
    problems.push(
      targetProblem('tlsKey', ['tls', 'url'], 'without TLS there is no key', `leave it out, or ${TLS_HINT}`),
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
        'a server can only announce that an HTTP/2 connection ends, while more of its streams are on their way: no count of requests would be kept',
        "leave it out, or protocol: 'http1'",
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

/** Every such problem. */
function protocolProblems(context: CrossContext): CrossProblem[] {
  return [...checkTarget(context), ...checkClients(context)];
}

/** What is wrong with a client module, and what would be right. */
export interface ModuleFault {
  message: string;
  hint: string;
}

/** A problem across fields: shown at `path`, and true only if nothing of `about` was taken out or stood in for. */
interface CrossProblem {
  path: Path;
  about: readonly Path[];
  message: string;
  hint: string;
}

interface CrossContext {
  scenario: Scenario;
  /** The scenario as it was written: only here can a given setting be told from a default. */
  raw: unknown;
  /** Every arm's name as it was written, those of faulty arms too. */
  armNames: readonly string[];
  /** By name; modules of the user's by their paths as written. */
  transports: Readonly<Record<string, ClientPlugin>>;
  /** Modules that can't be used, by their paths as written. */
  faults: Readonly<Record<string, ModuleFault>>;
  /** Expected time of the target to answer, ms. */
  serviceMs: number;
}

/** Kept by the harness whatever the transport is; a load tool's exchanges are not in its hands. */
const OWN_SETTINGS: Record<ClientPlugin['kind'], readonly string[]> = {
  transport: ['transport', 'ifInstalled', 'timeouts.totalMs'],
  engine: ['transport', 'ifInstalled'],
};
/** Idle timeouts have to be this many times the estimated gap between two slices of an arm. */
const GAP_SAFETY = 2;
const DEFAULT_KEEP_ALIVE_MS = Target.parse({}).keepAliveTimeoutMs;

function checkArms({ scenario }: CrossContext): CrossProblem[] {
  if (Object.keys(scenario.clients).length > 0) return [];
  const path = ['clients'];
  return [
    { path, about: [path], message: 'there is no client to measure', hint: 'at least one arm, by name' },
  ];
}

function checkEnd({ scenario: { timing, expect } }: CrossContext): CrossProblem[] {
  if (timing.until !== 'decided' || expect.length > 0) return [];
  const path = ['timing', 'until'];
  return [
    {
      path,
      about: [path, ['expect']],
      message: 'nothing is expected, so that nothing can be decided',
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
      message: `${timing[least]} is more than ${most}, which is ${timing[most]}`,
      hint: `at most ${timing[most]}, or a larger ${most}`,
    }));
}

/** Dotted paths of the settings that are given in a client: the leaves of its plain objects, and options as one. */
function givenSettings(client: unknown, prefix = ''): string[] {
  if (typeof client !== 'object' || client === null) return [];
  return Object.entries(client).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const path = `${prefix}${key}`;
    return typeof value === 'object' && path !== 'options' ? givenSettings(value, `${path}.`) : [path];
  });
}

function cannotText({ transport }: Client, setting: string, { cannot }: ClientPlugin): string {
  if (isModulePath(transport)) return `${transport} does not say that it honours this setting`;
  const reason = cannot?.[setting];
  return `the transport ${transport} cannot honour this setting${reason === undefined ? '' : `: ${reason}`}`;
}

function cannotHint({ transport }: Client, setting: string, { transports }: CrossContext): string {
  if (isModulePath(transport)) return `'${setting}' in its honours, if it obeys it; else leave it out`;
  if (setting === 'options') return 'leave it out, or the path of a module as transport';
  const able = Object.entries(transports)
    .filter(([, other]) => [...OWN_SETTINGS[other.kind], ...other.honours].includes(setting))
    .map(([name]) => name);
  return able.length === 0 ? 'leave it out: no transport can' : `transport: ${orList(able)}`;
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
      // What every transport speaks unasked may be said.
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
    ? orList([...known, 'the path of a module of your own, such as ./my-client.ts'])
    : nameHint(name, known);
}

/** What a module says of itself stands at `transport`, where only its name says who speaks. */
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
      return [{ path, about: [path], message: `there is no transport "${client.transport}"`, hint }];
    }
    const module = transports[client.transport]!;
    const refusals = module.refusals(client, scenario.target).map(refusal => ({
      path: ['clients', arm, ...refusal.path.split('.')],
      about: [['clients', arm], ['target']],
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
      message: 'a connection that carries one request cannot have more of them in flight',
      hint: 'pipelining: 1, or more requestsPerConnection',
    }));
}

/** Between its slices an arm is idle: connections that end then would be counted as the arm's own cost. */
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
      // What nobody wrote is not at fault: it is what was written that makes the slices so long.
      if (ms === DEFAULT_KEEP_ALIVE_MS) {
        return {
          path: ['load'],
          about,
          message: `so many requests at once make slices so long that an arm may be idle for about ${gapMs} ms between two of its own, and the server closes idle connections after ${ms} ms (target.keepAliveTimeoutMs)`,
          hint: `slicing: 'whole' in timing, fewer at once, a smaller timing.sliceResponses, or target.keepAliveTimeoutMs of at least ${gapMs * GAP_SAFETY}`,
        };
      }
      return {
        path,
        about,
        message: `arms take turns, so one may be idle for about ${gapMs} ms: ${ms} ms may close its connections meanwhile`,
        hint: `slicing: 'whole' in timing, or at least ${gapMs * GAP_SAFETY} ms here`,
      };
    });
}

/** Every problem across fields; of several at one place only the first. */
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

// From a scenario whose fields are each valid. Out: where it names an arm that it does not have.

function checkBaseline({ scenario, armNames }: CrossContext): CrossProblem[] {
  if (armNames.length === 0 || armNames.includes(scenario.baseline)) return [];
  return [
    {
      path: ['baseline'],
      about: [['baseline']],
      message: `there is no client "${scenario.baseline}"`,
      hint: nameHint(scenario.baseline, armNames),
    },
  ];
}

/** Expectations name arms; of itself an arm has no ratio. */
function checkExpectations({ scenario, armNames }: CrossContext): CrossProblem[] {
  return scenario.expect.flatMap(({ of, over }, index) => {
    const at = (key: string): CrossProblem['path'] => ['expect', index, key];
    const unknown = (['of', 'over'] as const)
      .map(key => ({ key, arm: key === 'of' ? of : over }))
      .filter(({ arm }) => arm !== undefined && !armNames.includes(arm))
      .map(({ key, arm = '' }) => ({
        path: at(key),
        about: [['expect']],
        message: `there is no client "${arm}"`,
        hint: nameHint(arm, armNames),
      }));
    if (over !== of) return unknown;
    const message = `the ratio of ${of} to itself is always 1`;
    return [
      { path: at('over'), about: [['expect']], message, hint: 'another arm, or leave it out' },
      ...unknown,
    ];
  });
}

/** Published figures stand beside an arm's own, so each row is one arm's, and each arm has one. */
function checkPublished({ scenario, armNames }: CrossContext): CrossProblem[] {
  const rows = scenario.published?.rows ?? [];
  return rows.flatMap(({ arm }, index) => {
    const at = { path: ['published', 'rows', index, 'arm'], about: [['published']] };
    if (!armNames.includes(arm))
      return [{ ...at, message: `there is no client "${arm}"`, hint: nameHint(arm, armNames) }];
    const isFirst = rows.findIndex(row => row.arm === arm) === index;
    return isFirst ? [] : [{ ...at, message: `"${arm}" has a row already`, hint: 'one row an arm' }];
  });
}
