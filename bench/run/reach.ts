// How an external server is reached: by which certificates and key, through which proxy, and at which address.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { isIP, isIPv6, type LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { errorMessage, UsageError } from '../../results/errors.ts';
import { regularFileBytes } from '../../results/files.ts';
import { hostAndPort, hostOf } from '../../scenarios/model/facts.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { Endpoint, Identity } from '../../servers/protocol.ts';
import { proxyAuthorization, proxyOrigin } from '../clients/proxy.ts';
import { describeMissing, variableNamed } from '../clients/request.ts';

/** What a target says of the way to its server, with the contents of its files. */
export interface Reach extends Pick<Endpoint, 'caPem' | 'identity' | 'isUnverified' | 'socketPath'> {
  /** In place of the host of the URL. */
  serverName?: string;
  /** URL of an HTTP proxy on the way, with its user and password. */
  proxy?: string;
}

/** The variable that messages name, and that `conntax try` saves a passphrase for. */
export const PASSPHRASE = 'KEY_PASSPHRASE';
/** What a scenario lacks for an encrypted key. */
export const PASSPHRASE_SETTING = `passphrase: { env: '${PASSPHRASE}' }, the environment variable that holds its passphrase`;
/** Where the passphrase of a scenario is. */
export const OF_PASSPHRASE = 'in the environment variable of target.passphrase';

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws UsageError when a file cannot be read or does not hold what it should, or the certificate is not valid now */
export function readReach(target: Target, env: Environment): Reach {
  const { caFile, insecure, serverName, socketPath } = target;
  const caPem = caFile === undefined ? undefined : readPem('caFile', caFile);
  if (caPem !== undefined) parseCertificate('caFile', caPem, caFile!);
  const identity = readIdentity(target, env);
  const proxy = readProxy(target, env);
  return {
    ...(caPem === undefined ? {} : { caPem }),
    ...(identity === undefined ? {} : { identity }),
    ...(insecure === true ? { isUnverified: true } : {}),
    ...(serverName === undefined ? {} : { serverName }),
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

/** @throws UsageError when the environment has no such URL; never with the URL, which may hold a password */
function readProxy({ proxy }: Target, env: Environment): string | undefined {
  if (proxy === undefined || typeof proxy === 'string') return proxy;
  const text = env[proxy.env];
  if (text === undefined || text === '') {
    throw new UsageError(`target.proxy: ${describeMissing(proxy.env, text)}`);
  }
  const fault = proxyFault(text);
  if (fault === undefined) return text;
  throw new UsageError(
    `target.proxy: ${variableNamed(proxy.env)} ${fault}; expected: such as http://user:password@127.0.0.1:3128`,
  );
}

function proxyFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'does not hold a URL';
  const { protocol, pathname, search, hash, username, password } = new URL(text);
  if (protocol !== 'http:') return 'holds a URL of another scheme than http, by which proxies are reached';
  if (pathname !== '/' || search !== '' || hash !== '') return 'holds more than a host and a port';
  return isEncoded(username) && isEncoded(password)
    ? undefined
    : 'holds a user or a password that is not percent-encoded';
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** The URL by the name that clients use for its server. */
export function namedUrl(url: string, { serverName }: Reach): URL {
  const named = new URL(url);
  if (serverName !== undefined) named.hostname = serverName;
  return named;
}

function readPem(setting: string, file: string): string {
  try {
    regularFileBytes(file);
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`target.${setting}: cannot be read: ${errorMessage(error)}; expected: a PEM file`);
  }
}

function readIdentity(target: Target, env: Environment): Identity | undefined {
  const { certFile, keyFile = certFile } = target;
  if (certFile === undefined || keyFile === undefined) return undefined;
  const certPem = readPem('certFile', certFile);
  const certificate = parseCertificate('certFile', certPem, certFile);
  requireValidNow(certificate, certFile);
  const keySetting = target.keyFile === undefined ? 'certFile' : 'keyFile';
  const key = parseKey(readPem(keySetting, keyFile), `target.${keySetting}: ${keyFile}`, target, env);
  if (!certificate.checkPrivateKey(key)) {
    throw new UsageError(
      `target.${keySetting}: ${keyFile} is not the key of the certificate in ${certFile}; expected: the key that the certificate was made for`,
    );
  }
  return { certPem, keyPem: key.export({ type: 'pkcs8', format: 'pem' }) as string };
}

function parseCertificate(setting: string, pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new UsageError(
      `target.${setting}: ${file} does not contain a certificate; expected: a PEM file (-----BEGIN CERTIFICATE-----)`,
      [],
      { cause: error },
    );
  }
}

function requireValidNow({ validFromDate: from, validToDate: to }: X509Certificate, file: string): void {
  const now = new Date();
  if (now >= from && now <= to) return;
  const when = now < from ? `is valid only from ${from.toISOString()}` : `expired on ${to.toISOString()}`;
  throw new UsageError(
    `target.certFile: the certificate in ${file} ${when}; expected: one that is valid now`,
  );
}

/** Decrypted once here, so that no other process needs the passphrase. */
function parseKey(pem: string, where: string, { passphrase: named }: Target, env: Environment): KeyObject {
  const passphrase = named === undefined ? undefined : env[named.env];
  if (named !== undefined && (passphrase === undefined || passphrase === '')) {
    throw new UsageError(`target.passphrase: ${describeMissing(named.env, passphrase)}`);
  }
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    throw new UsageError(`${where} ${keyFaultText(pem, passphrase)}`, [], { cause: error });
  }
}

function keyFaultText(pem: string, passphrase: string | undefined): string {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    return 'does not contain a private key; expected: a PEM file (-----BEGIN PRIVATE KEY-----), or target.keyFile';
  }
  if (!/ENCRYPTED/.test(pem)) return 'contains a private key that cannot be parsed; expected: a PEM file';
  return passphrase === undefined
    ? `is encrypted; expected: ${PASSPHRASE_SETTING}`
    : `cannot be decrypted; expected: its own passphrase ${OF_PASSPHRASE}`;
}

/** The variable that messages name, and that `conntax try` saves the URL of a proxy with a password for. */
export const PROXY_URL = 'PROXY_URL';
/** How a scenario names it. */
export const PROXY_SETTING = `target.proxy: { env: '${PROXY_URL}' }`;

/** A proxy on the way to a server refused, or is none. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

const ANOTHER_SERVER = 'a server that the proxy can reach';
/** Statuses by which a proxy says that it cannot, or will not, ask the server, and what was expected; a server may send them, too. */
const GATEWAY_HINTS: Readonly<Record<number, string>> = {
  403: 'a proxy that lets this machine reach that server',
  502: ANOTHER_SERVER,
  503: ANOTHER_SERVER,
  504: ANOTHER_SERVER,
};
const AUTHENTICATION_REQUIRED = 407;

/** Whether the proxy, or a server that looks like one, refused a request that was given to it. */
export function isProxyRefusal(status: number): boolean {
  return status === AUTHENTICATION_REQUIRED || GATEWAY_HINTS[status] !== undefined;
}

/** What a proxy answered, and what was expected of it. */
export function describeProxyAnswer(proxyUrl: string, status: number, asked: string): string {
  return `the proxy ${proxyOrigin(proxyUrl)} answered ${status} (${http.STATUS_CODES[status] ?? 'unknown'}) to ${asked}; expected: ${hintFor(proxyUrl, status)}`;
}

function hintFor(proxyUrl: string, status: number): string {
  if (status !== AUTHENTICATION_REQUIRED) return GATEWAY_HINTS[status] ?? 'the URL of an HTTP proxy';
  return proxyAuthorization(proxyUrl) === undefined
    ? `${PROXY_SETTING} with a user and a password in it (http://user:password@host:port)`
    : 'another user or password in the URL of the proxy';
}

/** `host:port`, as CONNECT has it. */
export function authorityOf(url: string): string {
  return `${new URL(url).hostname}:${hostAndPort(url).port}`;
}

/**
 * Opens a connection to a server through a proxy.
 * @param proxyUrl by its address
 * @throws ProxyError when the proxy refuses, or cannot be reached
 */
export function openTunnel(proxyUrl: string, authority: string, signal: AbortSignal): Promise<Duplex> {
  const { host, port } = hostAndPort(proxyUrl);
  const authorization = proxyAuthorization(proxyUrl);
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  http
    .request({
      agent: false,
      signal,
      host,
      ...(isIP(host) === 0 ? {} : { family: isIP(host) }),
      port,
      method: 'CONNECT',
      path: authority,
      headers: {
        host: authority,
        ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }),
      },
    })
    .once('connect', ({ statusCode = 0 }, socket) => {
      if (statusCode === 200) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new ProxyError(describeProxyAnswer(proxyUrl, statusCode, `CONNECT ${authority}`)));
    })
    .once('response', response => {
      response.destroy();
      reject(new ProxyError(describeProxyAnswer(proxyUrl, response.statusCode ?? 0, `CONNECT ${authority}`)));
    })
    .on('error', error => reject(fromProxy(error, proxyUrl)))
    .end();
  return promise;
}

/** The error of a connection to a proxy, which names the proxy if the connection was what failed. */
export function fromProxy(error: unknown, proxyUrl: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const origin = proxyOrigin(proxyUrl);
  if (syscall === 'connect') {
    return new ProxyError(
      `the proxy ${origin} cannot be reached: ${errorMessage(error)}; expected: a proxy that is running, in target.proxy`,
    );
  }
  return code === 'ECONNRESET'
    ? new ProxyError(
        `the proxy ${origin} closed the connection without an answer; expected: the URL of an HTTP proxy`,
      )
    : error;
}

/** A look-up that always returns one address, without asking a resolver. */
export function fixedLookup(address: string): LookupFunction {
  const family = isIPv6(address) ? 6 : 4;
  return (_host, options, callback) => {
    // Asynchronously, like a real look-up.
    if (options.all === true) process.nextTick(callback, null, [{ address, family }]);
    else process.nextTick(callback, null, address, family);
  };
}

/** The authorities that the system and Node trust, as PEM: the default of clients of https servers. */
export function systemAuthorities(): string[] {
  return [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];
}

/**
 * Makes this process resolve the endpoint's hosts to the checked addresses only: if a name later resolves to another machine,
 * load cannot go there, and no look-up adds to a latency. This binds every client library that dials through node:net.
 * Where certificates are not to be verified, Node's own switch applies to every client alike.
 * Without a caPem, an https endpoint is verified with the system's authorities. They become the process's default, because
 * a client that is given all of them would parse them again for each connection (14 ms).
 */
export function reachAsChecked(endpoint: Endpoint): void {
  const { origin, origins = [endpoint], caPem, isUnverified } = endpoint;
  const checked = new Map(
    origins.flatMap(place =>
      place.address === undefined ? [] : [[hostOf(place.origin), fixedLookup(place.address)] as const],
    ),
  );
  if (checked.size > 0) {
    const { lookup } = dns;
    const pinned = (host: string, ...rest: unknown[]): void => {
      const callback = rest.at(-1) as Parameters<LookupFunction>[2];
      const [options] = rest;
      const fixed = checked.get(host);
      if (fixed === undefined) Reflect.apply(lookup, dns, [host, ...rest]);
      else fixed(host, typeof options === 'object' && options !== null ? options : {}, callback);
    };
    dns.lookup = Object.assign(pinned, { __promisify__: lookup.__promisify__ }) as typeof lookup;
  }
  if (isUnverified === true) process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  else if (origin.startsWith('https:') && caPem === undefined)
    tls.setDefaultCACertificates(systemAuthorities());
}
