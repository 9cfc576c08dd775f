// One certificate per kind of key for the targets of a test process: making one, and trusting one more, takes longer than most tests.
import type { Target } from '../../scenarios/model/target.ts';
import { createCertificate } from '../app.ts';

const certificates = new Map<Target['tlsKey'], ReturnType<typeof createCertificate>>();

export function sharedCertificate(key: Target['tlsKey'] = 'ec'): ReturnType<typeof createCertificate> {
  const certificate = certificates.get(key) ?? createCertificate(key);
  certificates.set(key, certificate);
  return certificate;
}
