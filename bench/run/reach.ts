// How an external server is reached: reads the certificates and the key that its target names, before anything is sent.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { errorMessage, UsageError } from '../../results/errors.ts';
import { regularFileBytes } from '../../results/files.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { Endpoint, Identity } from '../../servers/protocol.ts';
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
