// What set a client's pace, by tables: whatever was busy or waited for longest.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { boundOf } from './bound.ts';
import type { CompletedTrial } from './model/trial.ts';
import { type SampleOptions, sampleRun } from './testing/sample-run.ts';

/** Stopped by its CPU limit in most periods. */
function withThrottledTarget(trials: CompletedTrial[]): CompletedTrial[] {
  for (const { measurement } of trials)
    measurement.target!.throttling = {
      cpus: 0.5,
      periodMs: 100,
      periods: 10,
      throttledPeriods: 9,
      throttledMs: 400,
    };
  return trials;
}

/** The trials of the short client, with the given share of a core used. */
function trialsAt(
  cpu: { generator: number; target: number; waited?: number },
  {
    scenario = 'short-vs-persistent',
    thinkMs,
  }: { scenario?: SampleOptions['scenario']; thinkMs?: number } = {},
): CompletedTrial[] {
  const trials = sampleRun({ scenario }).trials as CompletedTrial[];
  const own = trials.filter(({ trial }) => trial.arm === trials[0]!.trial.arm);
  for (const { trial, measurement } of own) {
    measurement.generator.cpuRatio = cpu.generator;
    // An event loop counts a wait for a core as busy.
    if (cpu.waited !== undefined)
      Object.assign(measurement.generator, { eventLoopRatio: 0.99, runDelayRatio: cpu.waited });
    measurement.target!.cpuRatio = cpu.target;
    if (thinkMs !== undefined && trial.load.model === 'closed') trial.load = { ...trial.load, thinkMs };
  }
  return own;
}

suite('what a client was bound by', () => {
  const rows: [why: string, trials: CompletedTrial[], serviceMs: number | null, bound: string | null][] = [
    ['its own CPU', trialsAt({ generator: 0.97, target: 0.5 }), 0, 'client'],
    ['a core that others used', trialsAt({ generator: 0.65, target: 0.7, waited: 0.33 }), 0, 'core'],
    ['a loop busy with neither', trialsAt({ generator: 0.3, target: 0.3, waited: 0.1 }), 0, null],
    ['the server', trialsAt({ generator: 0.6, target: 0.95 }), 0, 'server'],
    [
      'a server with half a core',
      withThrottledTarget(trialsAt({ generator: 0.3, target: 0.5 })),
      0,
      'server',
    ],
    ['both saturated', trialsAt({ generator: 0.95, target: 0.95 }), 0, 'both'],
    ['both busy, waiting for each other', trialsAt({ generator: 0.8, target: 0.7 }), 0, 'both'],
    ['nothing stands out', trialsAt({ generator: 0.3, target: 0.3 }), 0, null],
    ['the answer takes its time', trialsAt({ generator: 0.3, target: 0.3 }), 20, 'service'],
    ['an unknown service', trialsAt({ generator: 0.3, target: 0.3 }), null, null],
    ['users who pause', trialsAt({ generator: 0.3, target: 0.3 }, { thinkMs: 500 }), 0, 'load'],
    ['a rate', trialsAt({ generator: 0.3, target: 0.3 }, { scenario: 'same-load' }), 0, 'load'],
    [
      'a rate that it can hardly send',
      trialsAt({ generator: 0.95, target: 0.3 }, { scenario: 'same-load' }),
      0,
      'client',
    ],
    [
      'a search finds its own limit',
      trialsAt({ generator: 0.3, target: 0.3 }, { scenario: 'capacity' }),
      0,
      null,
    ],
    ['no trials', [], 0, null],
  ];
  for (const [why, trials, serviceMs, bound] of rows) {
    test(`${why}: ${bound}`, () => assert.equal(boundOf(trials, serviceMs), bound));
  }

  test('the link, where most of a response is round trips', () => {
    const trials = trialsAt({ generator: 0.3, target: 0.3 }, { scenario: 'behind-a-link' });
    assert.equal(boundOf(trials, 0), null, 'short connections wait for CPU as well');
    for (const { measurement } of trials) measurement.response.meanUs = 30_000;
    assert.equal(boundOf(trials, 0), 'link');
  });

  test('a schedule that was not kept is not what set the pace', () => {
    const trials = trialsAt({ generator: 0.3, target: 0.3 }, { scenario: 'same-load' });
    for (const { measurement } of trials)
      measurement.arrivals!.ended = Math.round(measurement.arrivals!.due / 3);
    assert.equal(boundOf(trials, 0), null);
  });

  test('one trial of several does not decide', () => {
    const trials = trialsAt({ generator: 0.97, target: 0.3 });
    for (const { measurement } of trials.slice(1)) measurement.generator.cpuRatio = 0.4;
    assert.equal(boundOf(trials, 0), null);
  });
});
