// In: a certificate authority. Out: this process trusts it, for clients that can't be told of one by themselves.
import tls from 'node:tls';

const trusted = new Set<string>();

/** Beside those that Node trusts by default. There is no way back, short of the end of the process. */
export function trustInProcess(caPem: string | undefined): void {
  if (caPem === undefined || trusted.has(caPem)) return;
  trusted.add(caPem);
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), caPem]);
}
