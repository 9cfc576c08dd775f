// In: an address and whom to trust. Out: what a TLS handshake tells of the server there, without a request.
import { isIP } from 'node:net';
import tls from 'node:tls';
import type { ForeignServer } from '../core/foreign-server.ts';
import { hostOf } from '../plan/allowed-hosts.ts';

export type TlsOffer = Pick<ForeignServer, 'tlsVersion' | 'alpn'>;

interface Peer {
  url: string;
  address: string;
  trust: tls.ConnectionOptions;
}

function portOf({ protocol, port }: URL): number {
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** Which version of TLS the server chooses, and whether it offers HTTP/2. @throws Error of the handshake */
export function readOffer({ url, address, trust }: Peer, giveUp: AbortSignal): Promise<TlsOffer> {
  const host = hostOf(url);
  const { promise, resolve, reject } = Promise.withResolvers<TlsOffer>();
  const socket = tls.connect({
    host: address,
    port: portOf(new URL(url)),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['h2', 'http/1.1'],
    ...trust,
  });
  const onAbort = (): void => void socket.destroy(new Error('given up'));
  giveUp.addEventListener('abort', onAbort, { once: true });
  socket.once('secureConnect', () =>
    resolve({ tlsVersion: socket.getProtocol(), alpn: socket.alpnProtocol || null }),
  );
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('it closed the connection within the TLS handshake')));
  return promise.finally(() => {
    giveUp.removeEventListener('abort', onAbort);
    socket.destroy();
  });
}

/** Whether TLS is spoken there at all, by whatever certificate; asked where plain HTTP was not understood. */
export async function speaksTls(url: string, address: string, giveUp: AbortSignal): Promise<boolean> {
  const trust = { rejectUnauthorized: false };
  return readOffer({ url, address, trust }, giveUp).then(
    () => true,
    // An alert is TLS as well: it wants a certificate of ours, say.
    (error: Error) => /ERR_SSL_\w*ALERT/.test(String((error as NodeJS.ErrnoException).code)),
  );
}
