// In: a kind of key. Out: a private key and a certificate for 127.0.0.1, made for one run and never written to disk.
import { randomUUID } from 'node:crypto';
import { generate } from 'selfsigned';
import type { Target } from '../scenarios/model/target.ts';

export interface Certificate {
  keyPem: string;
  /** Signed by itself, so it is also the authority that a client must trust. */
  certPem: string;
}

const HOUR_MS = 3_600_000;

const KEYS = { ec: { keyType: 'ec', curve: 'P-256' }, rsa: { keyType: 'rsa', keySize: 2048 } } as const;

/** Makes a self-signed certificate, on P-256 or RSA 2048, for the address 127.0.0.1, valid from an hour ago for a week. */
export async function createCertificate(key: Target['tlsKey'] = 'ec'): Promise<Certificate> {
  const nowMs = Date.now();
  // A name of its own: of two authorities with one name, a process that trusts both may try the wrong one only.
  const made = await generate([{ name: 'commonName', value: `conntax target ${randomUUID()}` }], {
    ...KEYS[key],
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - HOUR_MS),
    notAfterDate: new Date(nowMs + 7 * 24 * HOUR_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  return { keyPem: made.private, certPem: made.cert };
}
