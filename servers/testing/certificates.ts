// Certificates for tests: an authority, and what it signs for servers and clients, as files.
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import type { Scope } from './client.ts';

interface CertificateFiles {
  certFile: string;
  keyFile: string;
  certPem: string;
  keyPem: string;
}

interface Signed {
  dnsName?: string;
  address?: string;
  /** Whether it was valid in 2020 only. */
  isExpired?: boolean;
}

interface TestAuthority {
  /** Holds all files. */
  folder: string;
  caFile: string;
  caPem: string;
  sign(name: string, signed?: Signed): Promise<CertificateFiles>;
  /** A file with the same key, encrypted. */
  encrypt(files: CertificateFiles, passphrase: string): string;
}

const EC = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
const DAY_MS = 86_400_000;

export async function createAuthority(scope: Scope): Promise<TestAuthority> {
  const folder = mkdtempSync(join(tmpdir(), 'conntax-authority-'));
  scope.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const validFrom = (isExpired: boolean) => ({
    notBeforeDate: isExpired ? new Date('2020-01-01') : new Date(Date.now() - DAY_MS),
    notAfterDate: isExpired ? new Date('2021-01-01') : new Date(Date.now() + DAY_MS),
  });
  const authority = await generate([{ name: 'commonName', value: `authority ${folder}` }], {
    ...EC,
    ...validFrom(false),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
    ],
  });
  return {
    folder,
    caFile: write('ca.pem', authority.cert),
    caPem: authority.cert,
    async sign(name, { dnsName, address, isExpired = false } = {}) {
      const { cert: certPem, private: keyPem } = await generate([{ name: 'commonName', value: name }], {
        ...EC,
        ...validFrom(isExpired),
        ca: { key: authority.private, cert: authority.cert },
        extensions: [
          { name: 'basicConstraints', cA: false },
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          {
            name: 'subjectAltName',
            altNames: [
              { type: 2, value: dnsName ?? `${name}.test` },
              ...(address === undefined ? [] : [{ type: 7 as const, ip: address }]),
            ],
          },
        ],
      });
      return {
        certFile: write(`${name}.pem`, certPem),
        keyFile: write(`${name}.key`, keyPem),
        certPem,
        keyPem,
      };
    },
    encrypt({ keyPem }, passphrase) {
      const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const;
      return write('encrypted.key', createPrivateKey(keyPem).export(cipher) as string);
    },
  };
}
