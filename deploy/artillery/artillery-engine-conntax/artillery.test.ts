// The real Artillery with its worker threads, from a script to a report: what clients opened is what the server accepted.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const MAIN = join(here, '../../../bench/cli/main.ts');
const POOL = 5;
/** One less than the cores that Artillery is shown. */
const WORKERS = 3;
const RATE = 40;

interface Counts {
  connections: number;
  requests: number;
}

/** Answers after some milliseconds, and counts. */
async function startServer(t: TestContext): Promise<{ url: string; counts: Counts }> {
  const counts = { connections: 0, requests: 0 };
  const server: Server = createServer((_request, response) => {
    counts.requests++;
    setTimeout(() => response.end('hello'), 3);
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', () => counts.connections++);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, counts };
}

interface Said {
  status: number;
  text: string;
}

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Said> {
  try {
    const { stdout, stderr } = await exec(command, args, {
      cwd,
      env: { ...process.env, ...env },
      timeout: 120_000,
    });
    return { status: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, text: stdout + stderr };
  }
}

/** Artillery finds the engine by the name of its package, as if it was installed beside it. */
function runArtillery(script: object, dir: string): Promise<Said> {
  writeFileSync(join(dir, 'script.json'), JSON.stringify(script));
  return run(
    process.execPath,
    [
      '--import',
      join(here, 'testing/four-cores.ts'),
      join(here, 'node_modules/artillery/bin/run'),
      'run',
      '--output',
      'report.json',
      'script.json',
    ],
    dir,
    { NODE_PATH: dirname(here.replace(/\/$/, '')), ARTILLERY_DISABLE_TELEMETRY: 'true' },
  );
}

function openFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'conntax-artillery-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

function scriptFor(url: string, phases: readonly object[], more: object = {}): object {
  return {
    config: {
      target: url,
      phases,
      engines: {
        conntax: {
          warmUpSec: 0.5,
          target: {
            keepAliveTimeoutMs: 60_000,
            keepAliveHint: true,
            maxRequestsPerSocket: 0,
            connectionClose: false,
          },
          clients: {
            short: { requestsPerConnection: 1 },
            persistent: { pool: { maxConnections: POOL, idleTimeoutMs: 60_000 } },
          },
          baseline: 'short',
          ...more,
        },
      },
    },
    scenarios: [{ engine: 'conntax', flow: [{ loop: [{ request: { path: '/' } }], count: 2 }] }],
  };
}

interface Ledger {
  opened: number;
  requestsSent: number;
  answered: number;
  failed: number;
  unfinished: number;
}

interface Imported {
  arms: string[];
  ledgers: Record<string, Ledger[]>;
  run: {
    state: string;
    cells: { comparisons: { metric: string; ratio: object | null; replicateRatios: number[] }[] }[];
  };
}

function readImported(results: string): Imported {
  const dir = join(results, 'runs', readFileSync(join(results, 'latest'), 'utf8').trim());
  assert.ok(existsSync(join(dir, 'report.html')));
  const trials = readFileSync(join(dir, 'trials.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { trial: { arm: string }; measurement: { ledger: Ledger } });
  const ledgers = Object.fromEntries(
    [...Map.groupBy(trials, ({ trial }) => trial.arm)].map(([arm, own]) => [
      arm,
      own.map(({ measurement }) => measurement.ledger),
    ]),
  );
  return {
    arms: Object.keys(ledgers),
    ledgers,
    run: JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8')) as Imported['run'],
  };
}

suite('Artillery', { concurrency: false }, () => {
  test('turns of two clients on all workers become a run, whose ledger is that of the server', async t => {
    const { url, counts } = await startServer(t);
    const dir = openFolder(t);
    const turn = (name: string) => ({ name, arrivalRate: RATE, duration: 3 });
    const pause = { pause: 1 };
    const names = [
      'short #1',
      'arm=persistent block=1',
      'persistent #2',
      'short #2',
      'short #3',
      'persistent #3',
    ];
    const said = await runArtillery(
      scriptFor(
        url,
        names.flatMap(name => [turn(name), pause]),
      ),
      dir,
    );
    assert.equal(said.status, 0, said.text);

    const imported = await run(process.execPath, [MAIN, 'import', 'report.json'], dir);
    assert.equal(imported.status, 0, imported.text);
    const { ledgers, arms, run: stored } = readImported(join(dir, 'results'));
    assert.deepEqual(arms.toSorted(), ['persistent', 'short']);
    for (const ledger of Object.values(ledgers).flat()) {
      assert.equal(ledger.requestsSent, ledger.answered + ledger.failed + ledger.unfinished);
      assert.equal(ledger.failed, 0);
    }
    for (const { opened, requestsSent } of ledgers['short']!) assert.equal(opened, requestsSent);
    for (const { opened } of ledgers['persistent']!)
      assert.ok(opened >= 1 && opened <= POOL * WORKERS, `${opened}`);
    const all = Object.values(ledgers).flat();
    const sum = (read: (ledger: Ledger) => number): number =>
      all.reduce((total, ledger) => total + read(ledger), 0);
    // Each worker asks the server once before it begins.
    assert.equal(sum(({ opened }) => opened) + WORKERS, counts.connections);
    assert.equal(sum(({ requestsSent }) => requestsSent) + WORKERS, counts.requests);
    assert.equal(stored.state, 'complete');
    const mean = stored.cells[0]!.comparisons.find(({ metric }) => metric === 'meanUs')!;
    assert.equal(mean.replicateRatios.length, 3);
    assert.ok(mean.ratio !== null, 'three blocks have an interval');

    const again = await run(process.execPath, [MAIN, 'import', 'report.json'], dir);
    assert.equal(again.status, 2);
    assert.match(again.text, /was imported before/);
    const compared = await run(process.execPath, [MAIN, 'compare', 'latest', 'latest'], dir);
    assert.equal(compared.status, 0, compared.text);
    const kept = process.env['KEEP_ARTILLERY_REPORT'];
    if (kept !== undefined) writeFileSync(kept, readFileSync(join(dir, 'report.json')));
  });

  test('a mistake in the script ends Artillery at once, and says what was expected', async t => {
    const { url, counts } = await startServer(t);
    const dir = openFolder(t);
    const said = await runArtillery(scriptFor(url, [{ name: 'shrot #1', arrivalRate: 1, duration: 1 }]), dir);
    assert.notEqual(said.status, 0);
    assert.match(said.text, /config\.phases\[0\]\.name: no client "shrot"; expected: short or persistent/);
    assert.doesNotMatch(said.text, /could not be loaded|at readSettings/);
    const turns = ['short #1', 'persistent #1'].map(name => ({ name, arrivalRate: 1, duration: 1 }));
    const other = await runArtillery(scriptFor(url, turns, { baseline: 'long' }), dir);
    assert.notEqual(other.status, 0);
    assert.match(other.text, /no client "long"/);
    const elsewhere = await runArtillery(scriptFor('http://192.0.2.1', turns), dir);
    assert.match(
      elsewhere.text,
      /192\.0\.2\.1 is not on loopback[\s\S]*or allowHosts: \[192\.0\.2\.1\], if the machine is yours/,
    );
    assert.equal(counts.requests, 0);
  });

  test('failed requests are counted by kind, and the run says so', async t => {
    const { url } = await startServer(t);
    const dir = openFolder(t);
    const said = await runArtillery(
      scriptFor(url, [{ name: 'short #1', arrivalRate: 20, duration: 2 }], {
        target: { expectStatus: [204, 200] },
        clients: { short: { requestsPerConnection: 1, timeouts: { totalMs: 1 } } },
      }),
      dir,
    );
    assert.equal(said.status, 0, said.text);
    const { aggregate } = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8')) as {
      aggregate: { counters: Record<string, number> };
    };
    const { counters } = aggregate;
    assert.equal(counters['conntax.short.1.failed.timeoutTotal'], counters['conntax.short.1.sent']);
    assert.equal(counters['errors.timeoutTotal'], counters['conntax.short.1.sent']);
    const imported = await run(process.execPath, [MAIN, 'import', 'report.json'], dir);
    assert.equal(imported.status, 3, imported.text);
    assert.match(imported.text, /timeout of the whole exchange/);
  });
});
