// Rules on the target: what holds for external servers and those that a command starts, what protocols and TLS allow, and what
// several backends and origins need.
import { SHARE_MS } from '../../../results/spread.ts';
import { externalUrls, originCount, usesTls } from '../../../scenarios/model/facts.ts';
import { carriesCredentials, variableFor } from '../../../scenarios/model/request.ts';
import {
  COMMAND_SETTINGS,
  countBackends,
  isBuiltIn,
  isExternal,
  MAX_ORIGINS,
  STATEMENTS,
  type Target,
} from '../../../scenarios/model/target.ts';
import type { Obstacle } from '../../contracts.ts';
import type { Path } from '../problems.ts';
import { type Finding, KINDS_OF_SERVER, type Rule, refuseExpectations, URLS } from './rule.ts';

/** Where a scenario states an external server. */
function pathOfUrl({ urls }: Pick<Target, 'urls'>, index: number): Path {
  if (urls === undefined) return ['target', 'url'];
  return ['target', 'urls', index, ...(typeof urls[index] === 'string' ? [] : ['url'])];
}

/** Whether an external server is asked without TLS; of several, the first. */
function isPlain(target: Target): boolean {
  return isExternal(target) && !usesTls(target);
}

/** Settings of conntax's own server, and why they do not apply to another one. */
function refuseOwnSettings(
  who: string,
  setting: 'url' | 'command',
  others: Record<'tls' | 'tlsKey' | 'maxConcurrentStreams' | 'origins', Obstacle>,
): Record<string, Obstacle> {
  const path = setting === 'url' ? 'the path of url' : 'request.path';
  return {
    behaviour: {
      message: `${who} decides itself what it answers`,
      hint: `no behaviour; choose the answer by ${path}`,
    },
    ...others,
    framing: { message: `${who} decides itself how its responses end`, hint: 'no framing' },
    backlog: {
      message: `${who} decides itself how many connections wait to be accepted`,
      hint: 'no backlog',
    },
    accepts: {
      message: "only conntax's own server leaves connections without an answer on purpose",
      hint: `no accepts, or a target without a ${setting}`,
    },
    backends: {
      message: `what stands behind ${who} cannot be counted`,
      hint: "no backends; conntax's own server counts them",
    },
    faults: {
      message: "only conntax's own server makes its answers go wrong on purpose",
      hint: `no faults, or a target without a ${setting}`,
    },
  };
}

const OWN_ORIGINS = "only conntax's own server opens origins";

const NOT_EXTERNAL = refuseOwnSettings('an external server', 'url', {
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
  origins: { message: OWN_ORIGINS, hint: 'no origins; urls: [...] names several external servers' },
});

const PLAIN_HTTP = 'a server that target.command starts is asked over plain HTTP';

const NOT_STARTED = refuseOwnSettings('a server of your own', 'command', {
  tls: { message: PLAIN_HTTP, hint: 'no tls' },
  tlsKey: { message: PLAIN_HTTP, hint: 'no tlsKey' },
  maxConcurrentStreams: { message: PLAIN_HTTP, hint: 'no maxConcurrentStreams' },
  origins: { message: OWN_ORIGINS, hint: 'no origins, or a target without a command' },
});

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

const REACH = ['target.certFile', 'target.insecure', 'target.socketPath', 'target.proxy'];

/** Settings that say nothing beside, or without, another one. */
const reachRules: readonly Rule[] = [
  {
    at: 'target.keyFile',
    reads: REACH,
    isBroken: ({ target: { keyFile, certFile } }) => keyFile !== undefined && certFile === undefined,
    message: 'a key is of no use without its certificate',
    hint: 'certFile as well',
  },
  {
    at: 'target.passphrase',
    reads: REACH,
    isBroken: ({ target: { passphrase, certFile } }) => passphrase !== undefined && certFile === undefined,
    message: 'there is no key that it would decrypt',
    hint: 'certFile as well, and keyFile unless both are in one file',
  },
  {
    at: 'target.caFile',
    reads: REACH,
    isBroken: ({ target: { caFile, insecure } }) => caFile !== undefined && insecure === true,
    message: 'with insecure no certificate is verified, so no authority matters',
    hint: 'caFile without insecure',
  },
  {
    at: 'target.serverName',
    reads: REACH,
    isBroken: ({ target: { serverName, socketPath } }) =>
      serverName !== undefined && socketPath !== undefined,
    message: 'with socketPath, the host of url is only a name already',
    hint: 'the name in url, and no serverName',
  },
  {
    at: 'target.serverName',
    reads: REACH,
    isBroken: ({ target: { serverName, proxy } }) => serverName !== undefined && proxy !== undefined,
    message: 'a proxy is given one name of the server, and connects to that',
    hint: 'the name in url, and no serverName',
  },
  {
    at: 'target.proxy',
    reads: REACH,
    isBroken: ({ target: { proxy, socketPath } }) => proxy !== undefined && socketPath !== undefined,
    message: 'a Unix socket is not reached through a proxy',
    hint: 'only one of proxy and socketPath',
  },
];

/** What can be set, and what can be stated, of an external server. */
export const urlRules: readonly Rule[] = [
  ...Object.entries(OWN_REACH).map(
    ([name, why]): Rule => ({
      at: `target.${name}`,
      isOfGiven: true,
      reads: URLS,
      check({ target }) {
        if (!isExternal(target))
          return { message: `without target.url ${why}`, hint: `no ${name}, or a target.url` };
        if (!isPlain(target) || !OF_TLS.includes(name)) return undefined;
        return { message: 'an http server has no certificate', hint: `no ${name}, or https in url` };
      },
    }),
  ),
  ...reachRules,
  ...STATEMENTS.map(
    (name): Rule => ({
      at: `target.${name}`,
      reads: KINDS_OF_SERVER,
      isBroken: ({ target }) => isBuiltIn(target) && target[name] === null,
      message: "null means unknown, but without target.url this configures conntax's own server",
      hint: 'a value, or target.url',
    }),
  ),
  ...Object.entries(NOT_EXTERNAL).map(
    ([name, obstacle]): Rule => ({
      at: `target.${name}`,
      isOfGiven: true,
      reads: URLS,
      isBroken: ({ target }) => isExternal(target),
      ...obstacle,
    }),
  ),
  {
    at: 'target.protocol',
    reads: URLS,
    isBroken: ({ target }) => target.protocol !== 'http1' && isPlain(target),
    message: 'HTTP/2 is spoken over TLS only',
    hint: "'http1', or https in url",
  },
  {
    at: 'link',
    reads: KINDS_OF_SERVER,
    isBroken: ({ target, link }) => link !== undefined && !isBuiltIn(target),
    message:
      "the kernel's counters, which stand in for an external server's, would include the relay's connections",
    hint: 'no link, or a target without url and command',
  },
  {
    at: 'target.url',
    reads: URLS,
    check: ({ target }) =>
      externalUrls(target).flatMap((url, index) => urlFindings(new URL(url), pathOfUrl(target, index))),
  },
  {
    at: 'target.proxy',
    check: ({ target: { proxy } }) => (typeof proxy === 'string' ? proxyFindings(new URL(proxy)) : []),
  },
  {
    at: 'expect',
    reads: URLS,
    check: scenario =>
      refuseExpectations(
        scenario,
        ({ metric }) => metric === 'targetCpuUsPerRequest' && isExternal(scenario.target),
        {
          message: 'the CPU use of an external server is unknown',
          hint: 'another metric, or a target without a url',
        },
      ),
  },
];

/** Parts of a URL that must not, or cannot, be sent. */
function urlFindings(url: URL, path: Path): Finding[] {
  const found: Finding[] = [];
  if (hasUser(url)) {
    const message = 'not every client sends credentials in a URL, and they would appear in every report';
    const hint =
      "the URL without credentials, and request.headers: { authorization: { env: 'AUTHORIZATION' } }";
    found.push({ path, message, hint });
  }
  for (const name of [...url.searchParams.keys()].filter(carriesCredentials)) {
    const message = `the parameter ${name} looks like a credential, which would appear in every report`;
    const hint = `the URL without it, and request.query: { ${name}: { env: '${variableFor(name)}' } }`;
    found.push({ path, message, hint });
  }
  if (url.hash !== '')
    found.push({ path, message: 'a fragment (#...) is never sent to a server', hint: 'the URL without it' });
  return found;
}

/** Parts of a proxy's URL that would be stored in every report, or that no client sends. */
function proxyFindings(url: URL): Finding[] {
  const path = ['target', 'proxy'];
  const found: Finding[] = [];
  if (hasUser(url)) {
    const message = 'a user or a password in the URL would appear in every report';
    const hint = "{ env: 'PROXY_URL' }, the environment variable that holds the URL";
    found.push({ path, message, hint });
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    found.push({ path, message: 'a proxy has a host and a port only', hint: `'${url.origin}'` });
  return found;
}

function hasUser({ username, password }: URL): boolean {
  return username !== '' || password !== '';
}

/** What a server that a command starts needs, and what it cannot have. */
export const commandRules: readonly Rule[] = [
  {
    at: 'target.command',
    reads: URLS,
    isBroken: ({ target }) => target.command !== undefined && isExternal(target),
    message: 'a server is either started by conntax (command) or runs already (url, urls)',
    hint: 'only one of them; with command, the path belongs into request.path',
  },
  ...COMMAND_SETTINGS.map(
    (name): Rule => ({
      at: `target.${name}`,
      isOfGiven: true,
      reads: KINDS_OF_SERVER,
      isBroken: ({ target }) => target.command === undefined,
      message: 'only a server that conntax starts has this setting',
      hint: `no ${name}, or a command`,
    }),
  ),
  ...Object.entries(NOT_STARTED).map(
    ([name, obstacle]): Rule => ({
      at: `target.${name}`,
      isOfGiven: true,
      reads: KINDS_OF_SERVER,
      isBroken: ({ target }) => target.command !== undefined,
      ...obstacle,
    }),
  ),
  {
    at: 'target.protocol',
    reads: KINDS_OF_SERVER,
    isBroken: ({ target }) => target.command !== undefined && target.protocol !== 'http1',
    message: PLAIN_HTTP,
    hint: "'http1'",
  },
  {
    at: 'target.env',
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

const TLS_HINT = "tls: '1.3' or '1.2'";

/** What protocols and TLS allow. */
export const protocolRules: readonly Rule[] = [
  {
    at: 'target.protocol',
    reads: ['target.tls', ...KINDS_OF_SERVER],
    isBroken: ({ target }) => target.protocol === 'h2' && isBuiltIn(target) && !usesTls(target),
    message: 'HTTP/2 is negotiated in the TLS handshake; without TLS neither browsers nor undici use it',
    hint: `${TLS_HINT}, or protocol: 'http1'`,
  },
  {
    at: 'target.maxConcurrentStreams',
    isOfGiven: true,
    reads: ['target.protocol', 'target.command'],
    isBroken: ({ target: { protocol, command } }) => command === undefined && protocol !== 'h2',
    message: 'an HTTP/1.1 connection has no streams',
    hint: "no maxConcurrentStreams, or protocol: 'h2'",
  },
  {
    at: 'target.tlsKey',
    isOfGiven: true,
    reads: ['target.tls', ...KINDS_OF_SERVER],
    isBroken: ({ target }) => target.command === undefined && !usesTls(target),
    message: 'without TLS there is no key',
    hint: `no tlsKey, or ${TLS_HINT}`,
  },
  {
    at: 'target.connectionClose',
    reads: ['target.protocol'],
    isBroken: ({ target: { protocol, connectionClose } }) => protocol === 'h2' && connectionClose === true,
    message: 'HTTP/2 has no Connection header',
    hint: "protocol: 'http1'",
  },
  {
    at: 'target.framing',
    reads: ['target.protocol'],
    isBroken: ({ target: { protocol, framing } }) => protocol === 'h2' && framing !== undefined,
    message: 'HTTP/2 ends each body by a frame',
    hint: "no framing, or protocol: 'http1'",
  },
  {
    at: 'target.accepts',
    reads: ['target.backlog', 'target.backends', 'target.faults', 'target.origins'],
    isBroken: ({ target: { accepts, backlog, backends, faults, origins } }) =>
      accepts === false &&
      (backlog !== undefined || backends !== 1 || faults.length > 0 || origins !== undefined),
    message: 'where no connection is established, no backlog, backend, origin or fault has an effect',
    hint: 'no accepts, or none of the others',
  },
  {
    at: 'target.accepts',
    reads: ['link'],
    isBroken: ({ target, link }) => target.accepts === false && link !== undefined,
    message: 'the relay of the link accepts connections itself',
    hint: 'no accepts, or no link',
  },
  {
    at: 'target.maxRequestsPerSocket',
    reads: ['target.protocol', ...URLS],
    isBroken: ({ target }) =>
      target.protocol === 'h2' && (target.maxRequestsPerSocket ?? 0) > 0 && !isExternal(target),
    message:
      'an HTTP/2 server can only announce that a connection will end, while more streams are arriving, so it cannot keep to a number of requests',
    hint: "no maxRequestsPerSocket, or protocol: 'http1'",
  },
  {
    at: 'clients.*.protocol',
    reads: ['target.protocol'],
    isBroken: ({ target }, client) => target.protocol !== 'h2' && client.protocol === 'h2',
    message: 'the target does not offer HTTP/2',
    hint: "protocol: 'http1', or protocol: 'h2' and tls in target",
  },
];

/** Backends that are added need a slice that they are added in, and time to see where requests go then. */
export const backendRules: readonly Rule[] = [
  {
    at: 'expect',
    reads: ['target.backends'],
    check: scenario =>
      refuseExpectations(
        scenario,
        ({ metric }) => metric === 'busiestBackendRatio' && countBackends(scenario.target) === 1,
        {
          message: 'a target with a single backend has nothing to spread requests over',
          hint: 'another metric, or target.backends of at least 2',
        },
      ),
  },
  {
    at: 'target.backends',
    reads: ['timing.slicing', 'timing.measureMs'],
    check({ target: { backends }, timing }) {
      if (typeof backends === 'number') return undefined;
      if (timing.slicing !== 'whole') {
        return {
          message: 'backends are added once in each slice, so a slice must be all of a replicate',
          hint: "timing.slicing: 'whole', or a number of backends",
        };
      }
      const latestMs = timing.measureMs - 2 * SHARE_MS;
      if (backends.afterMs <= latestMs) return undefined;
      const message = `a window of ${timing.measureMs} ms is over before shares with the added backends are known`;
      const hint = `at most ${Math.max(0, latestMs)}, or a longer timing.measureMs`;
      return [{ path: ['target', 'backends', 'afterMs'], message, hint }];
    },
  },
];

/** Ways to a server that lead to a single one. */
const ONE_WAY = {
  serverName: 'one name cannot be that of several servers',
  socketPath: 'a Unix socket leads to one server',
  proxy: 'connections to a proxy do not show which server they are for',
} as const;

/** Which servers can be several, what leads to one of them only, and how many requests a table can show. */
export const originRules: readonly Rule[] = [
  {
    at: 'target.urls',
    reads: ['target.url'],
    isBroken: ({ target: { url, urls } }) => url !== undefined && urls !== undefined,
    message: 'url names one external server, urls names several',
    hint: 'only one of them',
  },
  {
    at: 'target.urls',
    check: ({ target }) => (target.urls === undefined ? [] : urlsFindings(target)),
  },
  ...(Object.keys(ONE_WAY) as (keyof typeof ONE_WAY)[]).map(
    (setting): Rule => ({
      at: `target.${setting}`,
      reads: ['target.urls'],
      isBroken: ({ target }) => target.urls !== undefined && target[setting] !== undefined,
      message: ONE_WAY[setting],
      hint: `no ${setting}, or a single url`,
    }),
  ),
  {
    at: 'link',
    reads: ['target.origins'],
    isBroken: ({ link, target }) => link !== undefined && originCount(target) > 1 && !isExternal(target),
    message: 'the relay of a link leads to one origin only',
    hint: 'no link, or target.origins: 1',
  },
  {
    at: 'target.backends',
    reads: ['target'],
    isBroken: ({ target }) => countBackends(target) > 1 && originCount(target) > 1 && !isExternal(target),
    message: 'several backends stand behind one origin, which spreads the connections over them',
    hint: 'no backends, or target.origins: 1',
  },
  {
    at: 'requests',
    reads: ['target.origins', 'target.urls'],
    check({ requests = [], target }) {
      const origins = originCount(target);
      if (Math.max(1, requests.length) * origins <= MAX_ORIGINS) return undefined;
      const path = ['target', isExternal(target) ? 'urls' : 'origins'];
      const message = `${requests.length} requests to ${origins} origins are too many to be told apart`;
      return [{ path, message, hint: `at most ${MAX_ORIGINS}, requests times origins` }];
    },
  },
  {
    at: 'clients.*.pool.tlsSessions',
    reads: ['target.origins', 'target.urls'],
    isBroken: ({ target }, { pool }) => pool.tlsSessions === 'pinned' && originCount(target) > 1,
    message: 'one session is held, which is that of a single server',
    hint: "'library' or 'none', or a target with one origin",
  },
];

/** What the several servers of target.urls have in common, and what they must not. */
function urlsFindings(target: Target): Finding[] {
  const urls = externalUrls(target).map(url => new URL(url));
  const scheme = urls[0]!.protocol;
  return urls.flatMap((url, index) => {
    const path = pathOfUrl(target, index);
    const twin = urls.findIndex(other => other.origin === url.origin);
    if (url.protocol !== scheme) {
      const message = `a scenario is measured with TLS or without, and the first URL is ${scheme.slice(0, -1)}`;
      return { path, message, hint: 'https in each, or http in each' };
    }
    if (twin === index) return [];
    return {
      path,
      message: `${url.origin} is also the server of target.urls.${twin}, so it is no further origin`,
      hint: 'one URL per server; several paths of one server are requests, and its share is a weight',
    };
  });
}
