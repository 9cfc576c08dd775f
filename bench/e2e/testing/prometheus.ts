// Starts a real Prometheus with the rules of deploy/, sped up, for the duration of a test.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const DEPLOYED = fileURLToPath(new URL('../../../deploy/prometheus', import.meta.url));

const POLL_MS = 200;
const MOST_WAIT_MS = 90_000;

/** Why a test that needs a tool of Prometheus can't run here; false when it can. In CI it has to. */
export function reasonWithout(tool: 'promtool' | 'amtool', debianPackage: string): string | false {
  const isThere = spawnSync(tool, ['--version']).status === 0;
  return isThere || process.env['CI'] !== undefined
    ? false
    : `there is no ${tool} here (apt-get install ${debianPackage})`;
}

export interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'pending' | 'firing';
}

/** A port that was free a moment ago: Prometheus does not tell which one it got when asked for any. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts it on the deployed configuration, at a second a scrape, with alerts that have to last two seconds, not minutes. */
export async function startPrometheus(t: TestContext, scraped: string) {
  const dir = await mkdtemp(join(tmpdir(), 'conntax-prometheus-'));
  await cp(DEPLOYED, dir, { recursive: true });
  const config = join(dir, 'prometheus.yml');
  const rules = join(dir, 'rules', 'conntax.yml');
  const settings = (await readFile(config, 'utf8'))
    .replaceAll('5s', '1s')
    .replace('127.0.0.1:9464', scraped)
    .replace(/alerting:.*?(?=scrape_configs:)/s, '');
  await writeFile(config, settings);
  await writeFile(rules, (await readFile(rules, 'utf8')).replaceAll('for: 5m', 'for: 2s'));
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const server = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  t.after(async () => {
    if (server.exitCode === null) {
      server.kill('SIGKILL');
      await once(server, 'close');
    }
    await rm(dir, { recursive: true, force: true });
  });

  async function ask<T>(path: string): Promise<T | undefined> {
    try {
      const response = await fetch(origin + path);
      return response.ok ? ((await response.json()) as { data: T }).data : undefined;
    } catch {
      return undefined; // not listening yet
    }
  }

  async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
    const deadlineMs = performance.now() + MOST_WAIT_MS;
    while (performance.now() < deadlineMs) {
      const found = await look();
      if (found !== undefined) return found;
      if (server.exitCode !== null) throw new Error(`Prometheus ended:\n${log}`);
      await setTimeout(POLL_MS);
    }
    throw new Error(`not within ${MOST_WAIT_MS} ms: ${what}\n${log}`);
  }

  return {
    /** Resolves when an alert of that name fires. */
    firing: (name: string): Promise<Alert> =>
      until(async () => {
        const data = await ask<{ alerts: Alert[] }>('/api/v1/alerts');
        return data?.alerts.find(({ labels, state }) => labels['alertname'] === name && state === 'firing');
      }, `${name} fires`),
    /** The newest value of each series that a query gives. */
    query: async (promql: string): Promise<{ metric: Record<string, string>; value: number }[]> => {
      const data = await ask<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
        `/api/v1/query?query=${encodeURIComponent(promql)}`,
      );
      return (data?.result ?? []).map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
  };
}
