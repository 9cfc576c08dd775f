// What `conntax try` says to do next.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import { FOUND_SERVER, sampleRun } from '../../results/testing/sample-run.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { TRY_DEFAULTS } from './options.ts';
import {
  completed,
  conclude,
  parseHeader,
  parseProxy,
  pathFrom,
  planAtAnswer,
  planInTime,
  readAddress,
} from './try.ts';

const options = { ...TRY_DEFAULTS, results: 'results', allowHost: [], concurrency: 20 };

test('of a server that keeps connections, its idle timeout is spoken of', () => {
  const said = conclude({ ...sampleRun(), servers: [FOUND_SERVER] }, options).join(' ');
  assert.match(said, /announces no idle timeout/);
  assert.doesNotMatch(said, /no setting of a pool helps/);
});

test('of a server that closes each connection, no setting is advised', () => {
  const servers = [{ ...FOUND_SERVER, httpVersion: '1.0' }];
  const said = conclude({ ...sampleRun(), servers }, options).join(' ');
  assert.match(said, /answers over HTTP\/1\.0 without Connection: keep-alive: .* nothing to reuse/);
  assert.match(said, /Let the server, or the proxy before it, keep connections: HTTP\/1\.1 keep-alive/);
  assert.doesNotMatch(said, /idle timeout|not known yet|Set /);
  const open = undecided([0.18, 0.21]);
  assert.doesNotMatch(
    conclude({ ...sampleRun(), run: open, servers }, options).join(' '),
    /--budget-sec|not decided/,
  );
});

function triedScenario(budgetMs: number): Scenario {
  const pools = Object.fromEntries([5, 10].map(size => [`pool-${size}`, { pool: { maxConnections: size } }]));
  return Scenario.parse({
    name: 'try',
    question: 'What does opening a connection cost?',
    target: { url: 'http://127.0.0.1:3000/' },
    load: { model: 'closed', concurrency: 20 },
    timing: { budgetMs },
    clients: { persistent: {}, short: { requestsPerConnection: 1 }, ...pools },
    baseline: 'persistent',
  });
}

test('where the time may be too short for all clients, short against persistent is measured, and the way to the pools is said', () => {
  const pace = { seed: 1, slowness: 4 };
  const { plan, leftOut } = planInTime([triedScenario(60_000)], pace);
  assert.deepEqual(plan.cells[0]!.arms, ['persistent', 'short']);
  const [, seconds] =
    /^Pools of 5 and 10 connections are not measured: .* 4 clients.*--budget-sec (\d+)\.$/.exec(leftOut!) ??
    [];
  const longer = planInTime([triedScenario(Number(seconds) * 1_000)], pace);
  assert.deepEqual(longer.plan.cells[0]!.arms, ['persistent', 'short', 'pool-5', 'pool-10']);
  assert.equal(longer.leftOut, undefined);
});

test('pools are left out where the first answer ends its connection, however much time there is', () => {
  const pace = { seed: 1, slowness: 1 };
  const variants = [triedScenario(3_600_000)];
  assert.equal(planAtAnswer(variants, [FOUND_SERVER], pace), undefined);
  const closing = planAtAnswer(variants, [{ ...FOUND_SERVER, connectionHeader: 'close' }], pace)!;
  assert.deepEqual(closing.plan.cells[0]!.arms, ['persistent', 'short']);
  assert.match(
    closing.leftOut!,
    /^Pools of 5 and 10 connections are not measured: the server closes each connection/,
  );
});

test('a port beyond the last is named as what is wrong with the URL', () => {
  for (const address of ['127.0.0.1:99999', 'http://127.0.0.1:99999/health', 'https://[::1]:65536?a=1'])
    assert.throws(() => readAddress(address, options), {
      exitCode: 2,
      message: /its port is \d+, and ports end at 65535/,
    });
  for (const address of ['127.0.0.1:65535', 'ftp://127.0.0.1/a:99999'])
    assert.throws(() => readAddress(address, options), {
      exitCode: 2,
      message: /is not a URL of a server; /,
    });
});

test('a URL that is refused is repeated without its password and token', () => {
  for (const address of [
    'http://me:s3cret@127.0.0.1:99999/?token=s3cret',
    'ftp://me:s3cret@127.0.0.1/',
    'http://me:s3cret@a b/',
  ])
    assert.throws(() => readAddress(address, options), {
      exitCode: 2,
      message: /^(?!.*s3cret).*:\/\/\[redacted\]@.* is not a URL of a server/,
    });
});

/** The sample's comparison of short with persistent connections, as it is with these replicates. */
function undecided(replicateRatios: number[]): Run {
  const { run } = sampleRun();
  const cells = run.cells.map(cell => ({
    ...cell,
    stop: 'budget' as const,
    replicates: replicateRatios.length,
    elapsedMs: 60_000,
    comparisons: cell.comparisons.map(comparison => ({
      ...comparison,
      baseline: 'persistent',
      candidate: 'short',
      ...(comparison.isDeciding ? { ratio: null, replicateRatios, verdict: 'unsure' as const } : {}),
    })),
  }));
  return { ...run, cells };
}

test('too few replicates: what they gave, and the option that decides', () => {
  const said = conclude(
    { ...sampleRun(), run: undecided([0.18, 0.21]), servers: [FOUND_SERVER] },
    options,
  ).join(' ');
  assert.match(said, /short against persistent is not decided: .*0\.180×, 0\.210×.*--budget-sec 90\./);
  assert.doesNotMatch(said, /maxReplicates/);
  assert.doesNotMatch(
    conclude({ ...sampleRun(), servers: [FOUND_SERVER] }, options).join(' '),
    /not decided/,
  );
});

test('after failed trials the advice fits their cause, and no pool is advised', () => {
  const { run, trials } = sampleRun();
  const pools = run.cells.map(cell => ({
    ...cell,
    comparisons: cell.comparisons.map(comparison => ({ ...comparison, candidate: 'pool-5', ratio: null })),
  }));
  const said = (failed: number, code: 'no-good-answer' | 'descriptor-limit') =>
    conclude(
      {
        run: { ...run, cells: pools },
        trials: trials.map((result, index) =>
          index < failed
            ? { ...result, state: 'failed' as const, error: { code, message: 'it failed' } }
            : result,
        ) as TrialResult[],
        servers: [FOUND_SERVER],
      },
      options,
    ).join(' ');
  assert.match(said(0, 'no-good-answer'), /How many connections 20 users need is not known yet/);
  const some = said(3, 'descriptor-limit');
  assert.match(some, /^3 of 8 trials failed\. Raise the limit of open files \(ulimit -n\)/);
  assert.match(some, /idle timeout/, 'what was measured is still spoken of');
  assert.doesNotMatch(some, /How many connections|pool/);
  assert.match(said(8, 'no-good-answer'), /^8 of 8 trials failed\. Look at an answer, .*--expect-status\.$/);
});

test('a header is split at its first colon, and a name with a space is refused as such', () => {
  assert.deepEqual(parseHeader('Referer:  http://a/ '), ['Referer', 'http://a/']);
  assert.throws(() => parseHeader('bad name: x'), { exitCode: 2, message: /"bad name" has a space/ });
  assert.throws(() => parseHeader('novalue'), { exitCode: 2, message: /a name, a colon and a value/ });
});

test('a proxy without a scheme is reached by http, and one by another scheme is refused', () => {
  assert.equal(parseProxy('127.0.0.1:3128'), 'http://127.0.0.1:3128');
  assert.equal(parseProxy('user:pass@proxy:3128'), 'http://user:pass@proxy:3128');
  for (const text of ['https://user:hunter2@127.0.0.1:3128', 'socks5://127.0.0.1', 'http://'])
    assert.throws(() => parseProxy(text), { exitCode: 2, message: /^(?!.*hunter2).*-x http:/ });
});

test('HEAD is sent by a client that keeps connections, unless one is named', () => {
  const { client: _, ...given } = options;
  assert.equal(completed(given).client, 'undici');
  assert.equal(completed({ ...given, request: 'HEAD' }).client, 'node-http');
  assert.equal(completed({ ...given, request: 'HEAD', client: 'wire' }).client, 'wire');
});

test('a rate in place of users is refused beside a number of users', () => {
  const { concurrency, ...others } = options;
  assert.equal(completed(others).concurrency, 20);
  assert.equal(completed({ ...others, rate: 50 }).rate, 50);
  assert.throws(() => completed({ ...others, concurrency, rate: 50 }), {
    exitCode: 2,
    message: /^-c 20 cannot be used with --rate: .*load\.maxInFlight/,
  });
});

test('a saved scenario names files from its own folder', () => {
  const files = { cacert: 'ca.pem', dataFile: '/home/me/mine/body.json', client: './ours.ts' };
  const { scenarioWith } = readAddress('https://127.0.0.1:8443/', { ...options, ...files });
  const scenario = scenarioWith(file => pathFrom('mine/try.json', file, '/home/me'));
  assert.equal(scenario.target?.caFile, '../ca.pem');
  assert.equal(scenario.request?.bodyFile, './body.json');
  assert.equal(scenario.clients['persistent']?.transport, '../ours.ts');
});
