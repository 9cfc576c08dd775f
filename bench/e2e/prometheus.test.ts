// What deploy/ holds for Prometheus works: checked by its own tools, and by a real server that scrapes a real run.

import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startCli } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const DEPLOYED = fileURLToPath(new URL('../../deploy/prometheus', import.meta.url));

const POLL_MS = 200;
const MAX_WAIT_MS = 90_000;

/** Why a test that needs a tool of Prometheus can't run here; false when it can. In CI it has to. */
function reasonWithout(tool: 'promtool' | 'amtool', debianPackage: string): string | false {
  const isThere = spawnSync(tool, ['--version']).status === 0;
  return isThere || process.env['CI'] !== undefined
    ? false
    : `there is no ${tool} here (apt-get install ${debianPackage})`;
}

interface Alert {
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
async function startPrometheus(t: TestContext, scraped: string) {
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
    const deadlineMs = performance.now() + MAX_WAIT_MS;
    while (performance.now() < deadlineMs) {
      const found = await look();
      if (found !== undefined) return found;
      if (server.exitCode !== null) throw new Error(`Prometheus ended:\n${log}`);
      await setTimeout(POLL_MS);
    }
    throw new Error(`not within ${MAX_WAIT_MS} ms: ${what}\n${log}`);
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

const run = promisify(execFile);
const rules = readFileSync(join(DEPLOYED, 'rules/conntax.yml'), 'utf8');

suite('prometheus', { skip: reasonWithout('promtool', 'prometheus') }, () => {
  test('promtool takes the configuration, and the rules pass their unit tests', async () => {
    await run('promtool', ['check', 'config', 'prometheus.yml'], { cwd: DEPLOYED });
    await run('promtool', ['test', 'rules', 'rules/conntax.test.yml'], { cwd: DEPLOYED });
  });

  test('a real server scrapes a run, and the alert fires for one that misses the objective', async t => {
    const workspace = await openWorkspace(t);
    const timing = { minReplicates: 100, maxReplicates: 100, budgetMs: 300_000, measureMs: 1_000 };
    const file = await workspace.writeScenario({
      ...tinyScenario(timing),
      target: { behaviour: { name: 'delay', meanMs: 20 }, faults: [{ kind: 'status', ratio: 0.3 }] },
      clients: { unlucky: {} },
      baseline: 'unlucky',
    });
    const cli = startCli(t, ['run', file, '--metrics-port', '0'], { cwd: workspace.dir });
    await cli.seen(/^Metrics: /m);
    const [, scraped] = /^Metrics: http:\/\/([^/]+)\/metrics$/m.exec(cli.stderr())!;
    const prometheus = await startPrometheus(t, scraped!);
    const alert = await prometheus.firing('ConntaxSuccessRatioLow');
    assert.deepEqual(
      [alert.labels['severity'], alert.labels['scenario'], alert.labels['arm']],
      ['P1', 'tiny', 'unlucky'],
    );
    const [ratio] = await prometheus.query('conntax:success_ratio:rate5m');
    assert.ok(ratio!.value > 0.2 && ratio!.value < 0.99, `${ratio!.value} of requests answered well`);
    cli.interrupt();
    assert.equal((await cli.result).status, 130);
  });
});

suite('alertmanager', { skip: reasonWithout('amtool', 'prometheus-alertmanager') }, () => {
  const amtool = (...args: string[]) => run('amtool', args, { cwd: DEPLOYED });
  const receiverOf = async (...labels: string[]): Promise<string> => {
    const { stdout } = await amtool('config', 'routes', 'test', '--config.file=alertmanager.yml', ...labels);
    return stdout.trim();
  };

  test('amtool takes the configuration', async () => {
    await amtool('check-config', 'alertmanager.yml');
  });

  test('of the severities that the rules give, P1 pages at once, and the others are grouped', async () => {
    const severities = [...new Set([...rules.matchAll(/severity: (\S+)/g)].map(([, severity]) => severity!))];
    assert.ok(severities.includes('P1') && severities.length > 1, severities.join());
    for (const severity of severities) {
      const receiver = await receiverOf(`severity=${severity}`, 'scenario=s', 'cell=c', 'arm=a');
      assert.equal(receiver, severity === 'P1' ? 'on-call' : 'team', severity);
    }
  });

  test('alerts with an unknown severity are sent, too', async () => {
    assert.equal(await receiverOf('alertname=Other'), 'team');
    assert.equal(await receiverOf('severity=P11'), 'team');
  });
});

test('every expression of the dashboard names a metric that a run has or a rule makes', () => {
  const dashboard = readFileSync(new URL('../../deploy/grafana/conntax.json', import.meta.url), 'utf8');
  const source = ['report/formats/openmetrics.ts', 'results/metrics.ts']
    .map(file => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'))
    .join('');
  const names = new Set(dashboard.match(/conntax[:_][a-z0-9_:]+/g));
  assert.ok(names.size >= 8);
  for (const name of names) {
    const isMade = name.includes(':')
      ? rules.includes(`record: ${name}`)
      : [name, name.replace(/^conntax_/, '').replace(/_total$/, '')].some(word =>
          source.includes(`'${word}'`),
        );
    assert.ok(isMade, name);
  }
});
