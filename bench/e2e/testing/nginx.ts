// Starts nginx with a configuration of its own for the duration of a test.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startServerProgram } from './server-program.ts';

export interface NginxOptions {
  /** Directives by path. */
  locations: Readonly<Record<string, readonly string[]>>;
  /** Other directives of the http block, such as an upstream. */
  http?: readonly string[];
  certificate?: { certPem: string; keyPem: string };
}

export interface Nginx {
  port: number;
  /** Of the same paths over TLS, where there is a certificate. */
  tlsPort: number;
}

/** Keeps to its folder, runs as the current user, and is a single process, so that ending it ends everything. */
function configuration(options: NginxOptions, folder: string, [port, tlsPort]: readonly number[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const tls = [
    `listen 127.0.0.1:${tlsPort} ssl backlog=4096;`,
    `ssl_certificate ${folder}/cert.pem;`,
    `ssl_certificate_key ${folder}/key.pem;`,
  ];
  return [
    'daemon off;',
    'master_process off;',
    `pid ${folder}/nginx.pid;`,
    'error_log stderr notice;',
    'events { worker_connections 4096; }',
    'http {',
    'access_log off;',
    ...temporary.map(name => `${name}_temp_path ${folder}/${name};`),
    ...(options.http ?? []),
    'server {',
    `listen 127.0.0.1:${port} backlog=4096;`,
    ...(options.certificate === undefined ? [] : tls),
    ...Object.entries(options.locations).map(
      ([path, directives]) => `location = ${path} { ${directives.join(' ')} }`,
    ),
    '}',
    '}',
    '',
  ].join('\n');
}

export async function startNginx(t: TestContext, options: NginxOptions): Promise<Nginx> {
  const { ports } = await startServerProgram(t, {
    program: 'nginx',
    portCount: 2,
    ready: /\[notice\].* nginx\/\d/,
    async configure({ folder, ports }) {
      const { certificate } = options;
      if (certificate !== undefined) {
        await writeFile(join(folder, 'cert.pem'), certificate.certPem);
        await writeFile(join(folder, 'key.pem'), certificate.keyPem);
      }
      const file = join(folder, 'nginx.conf');
      await writeFile(file, configuration(options, folder, ports));
      return ['-p', folder, '-e', 'stderr', '-c', file];
    },
  });
  return { port: ports[0]!, tlsPort: ports[1]! };
}
