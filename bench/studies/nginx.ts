// An nginx of a study's own, on a free port of 127.0.0.1, where the program is installed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createCertificate } from '../../servers/app.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import { freePort } from '../run/started-server.ts';

const START_TIMEOUT_MS = 5_000;
const POLL_MS = 20;

export interface Nginx {
  endpoint: Endpoint;
  kill(): Promise<void>;
}

/** @param tls directives of a server with TLS; empty for one without */
function configuration(folder: string, port: number, bytes: number, tls: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(name => `${name}_temp_path ${join(folder, name)};`)
    .join('\n');
  return `daemon off; master_process off; worker_processes 1; pid ${join(folder, 'pid')}; error_log stderr crit;
events { worker_connections 4096; }
http {
${temporary}
access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
server { listen 127.0.0.1:${port} backlog=4096${tls === '' ? '' : ' ssl'}; ${tls} location / { return 200 "${'x'.repeat(bytes)}"; } }
}
`;
}

/** TLS 1.3 with every handshake a full one, as conntax's own target is asked for in the study. */
async function writeTls(folder: string): Promise<{ directives: string; caPem: string }> {
  const { keyPem, certPem } = await createCertificate();
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  await Promise.all([writeFile(key, keyPem), writeFile(certificate, certPem)]);
  const directives = `ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3; ssl_session_tickets off;`;
  return { directives, caPem: certPem };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Answers every request with a body of the given size. Undefined where nginx does not start: it may not be installed. */
export async function startNginx(
  bytes: number,
  cpu: number | null,
  isTls = false,
): Promise<Nginx | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'conntax-nginx-'));
  // nginx takes no port 0.
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  const tls = isTls ? await writeTls(folder) : undefined;
  await writeFile(file, configuration(folder, port, bytes, tls?.directives ?? ''));
  const endpoint: Endpoint = {
    origin: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`,
    path: '/',
    ...(tls === undefined ? {} : { caPem: tls.caPem }),
  };
  const command = ['nginx', '-p', folder, '-e', 'stderr', '-c', file];
  const [program, ...args] = cpu === null ? command : ['taskset', '-c', String(cpu), ...command];
  const child = spawn(program!, args, { stdio: 'ignore' });
  let isRunning = true;
  const ended = new Promise<void>(resolve => {
    const onEnded = (): void => {
      isRunning = false;
      resolve();
    };
    child.once('exit', onEnded).once('error', onEnded);
  });
  const kill = async (): Promise<void> => {
    if (isRunning) child.kill();
    await ended;
    await rm(folder, { recursive: true });
  };
  for (let waitedMs = 0; isRunning && waitedMs < START_TIMEOUT_MS; waitedMs += POLL_MS) {
    if (await isListening(port)) return { endpoint, kill };
    await delay(POLL_MS);
  }
  await kill();
  return undefined;
}
