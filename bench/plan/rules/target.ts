// Rules on the target: what holds for an external server only, what protocols and TLS allow, and who speaks HTTP/2.
import { SHARE_MS } from '../../../results/spread.ts';
import { carriesCredentials, variableFor } from '../../../scenarios/model/request.ts';
import type { Scenario } from '../../../scenarios/model/scenario.ts';
import {
  COMMAND_SETTINGS,
  countBackends,
  isBuiltIn,
  isExternal,
  STATEMENTS,
  type Target,
} from '../../../scenarios/model/target.ts';
import { externalUrls, usesTls } from '../../../scenarios/model/target-facts.ts';
import { type Path, valueAt } from '../problems.ts';
import { pathOfUrl } from './origins.ts';
import { type Finding, forEachArm, type Rule, type RuleContext } from './rule.ts';

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
  origins: {
    message: "only conntax's own server opens origins",
    hint: 'no origins; urls: [...] names several external servers',
  },
  framing: {
    message: 'an external server decides itself how its responses end',
    hint: 'no framing',
  },
  backlog: {
    message: 'an external server decides itself how many connections wait to be accepted',
    hint: 'no backlog',
  },
  accepts: {
    message: "only conntax's own server leaves connections without an answer on purpose",
    hint: 'no accepts, or a target without a url',
  },
  backends: {
    message: 'what stands behind an external server cannot be counted',
    hint: "no backends; conntax's own server counts them",
  },
  faults: {
    message: "only conntax's own server makes its answers go wrong on purpose",
    hint: 'no faults, or a target without a url',
  },
} as const;

const PLAIN_HTTP = 'a server that target.command starts is asked over plain HTTP';

/** The same for a server that a command starts. */
const STARTED_COMMANDS = {
  behaviour: {
    message: 'a server of your own decides itself what it answers',
    hint: 'no behaviour; choose the answer by request.path',
  },
  tls: { message: PLAIN_HTTP, hint: 'no tls' },
  tlsKey: { message: PLAIN_HTTP, hint: 'no tlsKey' },
  maxConcurrentStreams: { message: PLAIN_HTTP, hint: 'no maxConcurrentStreams' },
  origins: { ...COMMANDS.origins, hint: 'no origins, or a target without a command' },
  framing: { ...COMMANDS.framing, message: 'a server of your own decides itself how its responses end' },
  backlog: {
    ...COMMANDS.backlog,
    message: 'a server of your own decides itself how many connections wait to be accepted',
  },
  accepts: { ...COMMANDS.accepts, hint: 'no accepts, or a target without a command' },
  backends: {
    message: 'what stands behind a server of your own cannot be counted',
    hint: "no backends; conntax's own server counts them",
  },
  faults: { ...COMMANDS.faults, hint: 'no faults, or a target without a command' },
} as const;

const URLS: readonly Path[] = [
  ['target', 'url'],
  ['target', 'urls'],
];

/** A rule on a setting that depends on whether the server is external, as its url says; of several, the first. */
function urlRule(
  path: Path,
  check: (scenario: Scenario, url: URL | undefined) => Omit<Finding, 'path'> | undefined,
): Rule {
  return {
    reads: [path, ...URLS],
    check(scenario) {
      const [url] = externalUrls(scenario.target);
      const found = check(scenario, url === undefined ? undefined : new URL(url));
      return found && { path, ...found };
    },
  };
}

function isTls(url: URL): boolean {
  return url.protocol === 'https:';
}

/** Settings of the way to an external server, and why conntax's own has none. */
const OWN_REACH = {
  caFile: "the server is conntax's own, whose certificate every client trusts",
  certFile: "the server is conntax's own, which asks for no certificate",
  keyFile: "the server is conntax's own, which asks for no certificate",
  passphrase: "the server is conntax's own, which asks for no certificate",
  insecure: "the server is conntax's own, whose certificate every client trusts",
  serverName: "the server is conntax's own, which has no name",
  socketPath: "the server is conntax's own, which listens on a port",
  proxy: "the server is conntax's own, which is reached directly",
} as const;

const OF_TLS: readonly string[] = ['caFile', 'certFile', 'keyFile', 'passphrase', 'insecure'];

/** Settings that say nothing beside, or without, another one. */
const REACH_CONFLICTS: readonly {
  setting: keyof typeof OWN_REACH;
  isBroken: (target: Target) => boolean;
  message: string;
  hint: string;
}[] = [
  {
    setting: 'keyFile',
    isBroken: ({ keyFile, certFile }) => keyFile !== undefined && certFile === undefined,
    message: 'a key is of no use without its certificate',
    hint: 'certFile as well',
  },
  {
    setting: 'passphrase',
    isBroken: ({ passphrase, certFile }) => passphrase !== undefined && certFile === undefined,
    message: 'there is no key that it would decrypt',
    hint: 'certFile as well, and keyFile unless both are in one file',
  },
  {
    setting: 'caFile',
    isBroken: ({ caFile, insecure }) => caFile !== undefined && insecure === true,
    message: 'with insecure no certificate is verified, so no authority matters',
    hint: 'caFile without insecure',
  },
  {
    setting: 'serverName',
    isBroken: ({ serverName, socketPath }) => serverName !== undefined && socketPath !== undefined,
    message: 'with socketPath, the host of url is only a name already',
    hint: 'the name in url, and no serverName',
  },
  {
    setting: 'serverName',
    isBroken: ({ serverName, proxy }) => serverName !== undefined && proxy !== undefined,
    message: 'a proxy is given one name of the server, and connects to that',
    hint: 'the name in url, and no serverName',
  },
  {
    setting: 'proxy',
    isBroken: ({ proxy, socketPath }) => proxy !== undefined && socketPath !== undefined,
    message: 'a Unix socket is not reached through a proxy',
    hint: 'only one of proxy and socketPath',
  },
];

function reachRules(isGiven: (name: string) => boolean): Rule[] {
  return [
    ...Object.entries(OWN_REACH).map(([name, why]) =>
      urlRule(['target', name], (_, url) => {
        if (!isGiven(name)) return undefined;
        if (url === undefined) {
          return { message: `without target.url ${why}`, hint: `no ${name}, or a target.url` };
        }
        if (isTls(url) || !OF_TLS.includes(name)) return undefined;
        return { message: 'an http server has no certificate', hint: `no ${name}, or https in url` };
      }),
    ),
    ...REACH_CONFLICTS.map(({ setting, isBroken, message, hint }) =>
      targetRule(setting, ['certFile', 'insecure', 'socketPath', 'proxy'], isBroken, message, hint),
    ),
  ];
}

/** What can be set, and what can be stated, of an external server. */
export function targetUrlRules({ raw }: RuleContext): Rule[] {
  const isGiven = (name: string): boolean => valueAt(raw, ['target', name]) !== undefined;
  return [
    ...reachRules(isGiven),
    ...STATEMENTS.map(name =>
      commandRule(['target', name], target =>
        isBuiltIn(target) && target[name] === null
          ? {
              message: "null means unknown, but without target.url this configures conntax's own server",
              hint: 'a value, or target.url',
            }
          : undefined,
      ),
    ),
    ...Object.entries(COMMANDS).map(([name, problem]) =>
      urlRule(['target', name], (_, url) => (url !== undefined && isGiven(name) ? problem : undefined)),
    ),
    urlRule(['target', 'protocol'], ({ target }, url) =>
      url === undefined || target.protocol === 'http1' || isTls(url)
        ? undefined
        : { message: 'HTTP/2 is spoken over TLS only', hint: "'http1', or https in url" },
    ),
    commandRule(['link'], (target, { link }) =>
      isBuiltIn(target) || link === undefined
        ? undefined
        : {
            message:
              "the kernel's counters, which stand in for an external server's, would include the relay's connections",
            hint: 'no link, or a target without url and command',
          },
    ),
    {
      reads: URLS,
      check: ({ target }) =>
        externalUrls(target).flatMap((url, index) => urlFindings(new URL(url), pathOfUrl(target, index))),
    },
    {
      reads: [['target', 'proxy']],
      check: ({ target: { proxy } }) => (typeof proxy === 'string' ? proxyFindings(new URL(proxy)) : []),
    },
    {
      reads: [['expect'], ...URLS],
      check: ({ target, expect }) =>
        expect.flatMap(({ metric }, index) =>
          !isExternal(target) || metric !== 'targetCpuUsPerRequest'
            ? []
            : {
                path: ['expect', index, 'metric'],
                message: 'the CPU use of an external server is unknown',
                hint: 'another metric, or a target without a url',
              },
        ),
    },
  ];
}

/** A rule on a setting that depends on what kind of server the target is. */
function commandRule(
  path: Path,
  check: (target: Target, scenario: Scenario) => Omit<Finding, 'path'> | undefined,
): Rule {
  return {
    reads: [path, ['target', 'command'], ...URLS],
    check(scenario) {
      const found = check(scenario.target, scenario);
      return found && { path, ...found };
    },
  };
}

/** What a server that a command starts needs, and what it cannot have. */
export function targetCommandRules({ raw }: RuleContext): Rule[] {
  const isGiven = (name: string): boolean => valueAt(raw, ['target', name]) !== undefined;
  return [
    commandRule(['target', 'command'], target =>
      !isExternal(target) || target.command === undefined
        ? undefined
        : {
            message: 'a server is either started by conntax (command) or runs already (url, urls)',
            hint: 'only one of them; with command, the path belongs into request.path',
          },
    ),
    ...COMMAND_SETTINGS.map(name =>
      commandRule(['target', name], ({ command }) =>
        command !== undefined || !isGiven(name)
          ? undefined
          : {
              message: 'only a server that conntax starts has this setting',
              hint: `no ${name}, or a command`,
            },
      ),
    ),
    ...Object.entries(STARTED_COMMANDS).map(([name, problem]) =>
      commandRule(['target', name], ({ command }) =>
        command !== undefined && isGiven(name) ? problem : undefined,
      ),
    ),
    commandRule(['target', 'protocol'], ({ command, protocol }) =>
      command === undefined || protocol === 'http1' ? undefined : { message: PLAIN_HTTP, hint: "'http1'" },
    ),
    {
      reads: [['target', 'env']],
      check: ({ target: { env = {} } }) =>
        Object.keys(env)
          .filter(carriesCredentials)
          .map(name => ({
            path: ['target', 'env', name],
            message: 'looks like a credential, which would be stored with every run',
            hint: `the scenario without it, and ${name} in the environment of conntax, which the command inherits`,
          })),
    },
  ];
}

/** Parts of a URL that must not, or cannot, be sent. */
function urlFindings(url: URL, path: Path): Finding[] {
  const parameters = [...url.searchParams.keys()].filter(carriesCredentials);
  return [
    ...(url.username === '' && url.password === ''
      ? []
      : [
          {
            path,
            message: 'not every client sends credentials in a URL, and they would appear in every report',
            hint: "the URL without credentials, and request.headers: { authorization: { env: 'AUTHORIZATION' } }",
          },
        ]),
    ...parameters.map(name => ({
      path,
      message: `the parameter ${name} looks like a credential, which would appear in every report`,
      hint: `the URL without it, and request.query: { ${name}: { env: '${variableFor(name)}' } }`,
    })),
    ...(url.hash === ''
      ? []
      : [{ path, message: 'a fragment (#...) is never sent to a server', hint: 'the URL without it' }]),
  ];
}

/** Parts of a proxy's URL that would be stored in every report, or that no client sends. */
function proxyFindings(url: URL): Finding[] {
  const path = ['target', 'proxy'];
  return [
    ...(url.username === '' && url.password === ''
      ? []
      : [
          {
            path,
            message: 'a user or a password in the URL would appear in every report',
            hint: "{ env: 'PROXY_URL' }, the environment variable that holds the URL",
          },
        ]),
    ...(url.pathname === '/' && url.search === '' && url.hash === ''
      ? []
      : [{ path, message: 'a proxy has a host and a port only', hint: `'${url.origin}'` }]),
  ];
}

const TLS_HINT = "tls: '1.3' or '1.2'";

/** A rule on one setting of the target that depends on other settings of the target. */
function targetRule(
  setting: string,
  others: readonly string[],
  isBroken: (target: Target) => boolean,
  message: string,
  hint: string,
): Rule {
  const path = ['target', setting];
  return {
    reads: [path, ...others.map(other => ['target', other])],
    check: ({ target }) => (isBroken(target) ? { path, message, hint } : undefined),
  };
}

/** What protocols and TLS allow. */
export function protocolRules(context: RuleContext): Rule[] {
  const isGiven = (setting: string) => valueAt(context.raw, ['target', setting]) !== undefined;
  return [
    targetRule(
      'protocol',
      ['tls', 'url', 'urls', 'command'],
      target => target.protocol === 'h2' && isBuiltIn(target) && !usesTls(target),
      'HTTP/2 is negotiated in the TLS handshake; without TLS neither browsers nor undici use it',
      `${TLS_HINT}, or protocol: 'http1'`,
    ),
    targetRule(
      'maxConcurrentStreams',
      ['protocol', 'command'],
      ({ protocol, command }) =>
        command === undefined && protocol !== 'h2' && isGiven('maxConcurrentStreams'),
      'an HTTP/1.1 connection has no streams',
      "no maxConcurrentStreams, or protocol: 'h2'",
    ),
    targetRule(
      'tlsKey',
      ['tls', 'url', 'urls', 'command'],
      target => target.command === undefined && !usesTls(target) && isGiven('tlsKey'),
      'without TLS there is no key',
      `no tlsKey, or ${TLS_HINT}`,
    ),
    targetRule(
      'connectionClose',
      ['protocol'],
      ({ protocol, connectionClose }) => protocol === 'h2' && connectionClose === true,
      'HTTP/2 has no Connection header',
      "protocol: 'http1'",
    ),
    targetRule(
      'framing',
      ['protocol'],
      ({ protocol, framing }) => protocol === 'h2' && framing !== undefined,
      'HTTP/2 ends each body by a frame',
      "no framing, or protocol: 'http1'",
    ),
    targetRule(
      'accepts',
      ['backlog', 'backends', 'faults', 'origins'],
      ({ accepts, backlog, backends, faults, origins }) =>
        accepts === false &&
        (backlog !== undefined || backends !== 1 || faults.length > 0 || origins !== undefined),
      'where no connection is established, no backlog, backend, origin or fault has an effect',
      'no accepts, or none of the others',
    ),
    {
      reads: [['target', 'accepts'], ['link']],
      check: ({ target, link }) =>
        target.accepts === false && link !== undefined
          ? {
              path: ['target', 'accepts'],
              message: 'the relay of the link accepts connections itself',
              hint: 'no accepts, or no link',
            }
          : undefined,
    },
    targetRule(
      'maxRequestsPerSocket',
      ['protocol', 'url', 'urls'],
      target => target.protocol === 'h2' && (target.maxRequestsPerSocket ?? 0) > 0 && !isExternal(target),
      'an HTTP/2 server can only announce that a connection will end, while more streams are arriving, so it cannot keep to a number of requests',
      "no maxRequestsPerSocket, or protocol: 'http1'",
    ),
    ...forEachArm(
      context,
      arm => [
        ['clients', arm, 'protocol'],
        ['target', 'protocol'],
      ],
      (arm, client, { target }) =>
        target.protocol === 'h2' || client.protocol !== 'h2'
          ? undefined
          : {
              path: ['clients', arm, 'protocol'],
              message: 'the target does not offer HTTP/2',
              hint: "protocol: 'http1', or protocol: 'h2' and tls in target",
            },
    ),
  ];
}

/** Backends that are added need a slice that they are added in, and time to see where requests go then. */
export function backendRules(): Rule[] {
  return [
    {
      reads: [['target', 'backends'], ['expect']],
      check: ({ target, expect }) =>
        expect.flatMap(({ metric }, index) =>
          metric !== 'busiestBackendRatio' || countBackends(target) > 1
            ? []
            : {
                path: ['expect', index, 'metric'],
                message: 'a target with a single backend has nothing to spread requests over',
                hint: 'another metric, or target.backends of at least 2',
              },
        ),
    },
    {
      reads: [
        ['target', 'backends'],
        ['timing', 'slicing'],
        ['timing', 'measureMs'],
      ],
      check({ target: { backends }, timing }) {
        if (typeof backends === 'number') return undefined;
        if (timing.slicing !== 'whole') {
          return {
            path: ['target', 'backends'],
            message: 'backends are added once in each slice, so a slice must be all of a replicate',
            hint: "timing.slicing: 'whole', or a number of backends",
          };
        }
        const latestMs = timing.measureMs - 2 * SHARE_MS;
        if (backends.afterMs <= latestMs) return undefined;
        return {
          path: ['target', 'backends', 'afterMs'],
          message: `a window of ${timing.measureMs} ms is over before shares with the added backends are known`,
          hint: `at most ${Math.max(0, latestMs)}, or a longer timing.measureMs`,
        };
      },
    },
  ];
}
