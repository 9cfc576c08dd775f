// Rare slow requests, and requests that are never answered, through the real program: no slice and no drain hides them.
import assert from 'node:assert/strict';
import http from 'node:http';
import { type TestContext, test } from 'node:test';
import type { Measurement } from '../../results/model/trial.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { listenOnLoopback } from '../../servers/testing/servers.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace } from './testing/workspace.ts';

const FAST_MS = 2;
const SLOW_MS = 200;
const SLOW_RATIO = 0.02;
const MEAN_MS = FAST_MS * (1 - SLOW_RATIO) + SLOW_MS * SLOW_RATIO;

/** Of three trials, of clients that all have the loop in which a request belongs to the window it began in. */
const scenario: ScenarioInput = {
  name: 'tail',
  question: 'Are rare slow requests in the figures?',
  target: { behaviour: { name: 'mixed', fastMs: FAST_MS, slowMs: SLOW_MS, slowRatio: SLOW_RATIO } },
  load: { concurrency: 10 },
  timing: {
    // Dozens of slow requests are met in it, and slices are made as long as they are.
    warmupMinMs: 600,
    warmupMaxMs: 600,
    measureMs: 600,
    sliceMs: 50,
    minReplicates: 1,
    maxReplicates: 1,
    budgetMs: 5_000,
  },
  clients: {
    undici: {},
    http: { transport: 'node-http' },
    cannon: { transport: 'autocannon' },
  },
  baseline: 'undici',
};

async function measure(t: TestContext, input: ScenarioInput): Promise<Record<string, Measurement>> {
  const workspace = await openWorkspace(t);
  await runHere(t, ['run', await workspace.writeScenario(input)], { cwd: workspace.dir });
  return Object.fromEntries(
    workspace.onlyRun().trials.map(result => {
      assert.ok(result.state === 'completed', JSON.stringify(result));
      return [result.trial.arm, result.measurement];
    }),
  );
}

test('requests that take longer than a slice are in quantiles, mean and rate, of every loop', async t => {
  for (const [arm, measurement] of Object.entries(await measure(t, scenario))) {
    const { response, slices, lengthening, censored } = measurement;
    assert.ok(response.p999Us >= (SLOW_MS - 2) * 1_000, `${arm}: p99.9 is ${response.p999Us} us`);
    assert.equal(censored, null);
    // On a busy machine, slices are as long anyway.
    assert.ok(lengthening === null || lengthening.toMs >= SLOW_MS, `${arm}: ${JSON.stringify(lengthening)}`);
    assert.ok(slices.every(({ userMs, windowMs }) => userMs !== null && windowMs >= SLOW_MS));
    const share = slices.reduce((sum, { userMs }) => sum + userMs!, 0) / (measurement.completed * MEAN_MS);
    // Of some hundreds of requests the slow ones are few; without them it would be a third.
    assert.ok(
      share > 0.6,
      `${arm}: a request takes ${share * MEAN_MS} ms of a user, 2 % of ${SLOW_MS} ms among them`,
    );
  }
});

test('requests that are never answered are errors, and their wait is a lower bound', async t => {
  let count = 0;
  const server = http.createServer((_request, response) => {
    if (++count % 20 !== 0) response.end('answer');
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(t, server)}/`;
  // Every slice waits for the whole drain, which takes longer than the usual budget.
  const timing = {
    ...scenario.timing,
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 200,
    drainMs: 700,
    budgetMs: 60_000,
  };
  const measured = await measure(t, { ...scenario, target: { url }, timing, clients: { undici: {} } });
  const { outcomes, failed, completed, censored, response, ledger } = measured['undici']!;
  assert.ok(failed > 0 && failed === outcomes.noAnswer?.count, `${failed} failed`);
  assert.match(outcomes.noAnswer.sample ?? '', /^no answer within 700 ms after the end of its slice$/);
  assert.ok(failed / (failed + completed) > 0.005, `${failed} of ${failed + completed}`);
  assert.ok(censored!.count === failed && censored!.leastUs >= 700_000);
  assert.equal(response.count, completed + failed);
  assert.ok(ledger.unfinished >= failed);
});
