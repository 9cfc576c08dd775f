// What deploy/ holds for Prometheus works: checked by its own tools, and by a real server that scrapes a real run.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { startCli } from './testing/cli.ts';
import { DEPLOYED, reasonWithout, startPrometheus } from './testing/prometheus.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const run = promisify(execFile);
const rules = readFileSync(join(DEPLOYED, 'rules/conntax.yml'), 'utf8');

suite('prometheus', { skip: reasonWithout('promtool', 'prometheus') }, () => {
  test('promtool takes the configuration, and the rules pass their unit tests', async () => {
    await run('promtool', ['check', 'config', 'prometheus.yml'], { cwd: DEPLOYED });
    await run('promtool', ['test', 'rules', 'rules/conntax.test.yml'], { cwd: DEPLOYED });
  });

  test('a real server scrapes a run, and the alert fires for one that misses the objective', async t => {
    const workspace = await openWorkspace(t);
    const timing = { minReplicates: 100, maxReplicates: 100, budgetMs: 300_000, measureMs: 100 };
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
