// The answer that headlines a comparison: what a connection costs, claimed only where the figures show it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { summariseArms } from '../../results/compare.ts';
import type { ForeignServer } from '../../results/model/run.ts';
import type { CompletedTrial, TrialResult } from '../../results/model/trial.ts';
import { FOUND_SERVER, type SampleOptions, sampleRun } from '../../results/testing/sample-run.ts';
import { buildReport } from '../build.ts';
import { viewCell } from '../cell-view.ts';
import { sampleRuns } from '../testing/sample-runs.ts';
import {
  connectionCostTable,
  describeAlone,
  describeCharges,
  describeConnectionCosts,
  describeCost,
  describeCostIn,
} from './connection-cost.ts';
import { cellHeadline, cellRemarks } from './headline.ts';

function viewOf(
  options: SampleOptions = {},
  change: (trial: CompletedTrial) => void = () => {},
): Parameters<typeof cellHeadline>[0] {
  const { run, trials } = structuredClone(sampleRun(options));
  for (const trial of trials) if (trial.state === 'completed') change(trial);
  return viewCell(
    run.cells[0]!,
    trials,
    run.cells[0]!.arms.map(({ arm }) => arm),
  );
}

const ANSWER =
  /^A new connection costs 153 µs of client CPU \(152 to 155\), 62\.0 µs of server CPU \(60\.2 to 63\.8\) and one round trip; reusing connections served 5\.15× \(5\.06 to 5\.25\) the requests\. At 1,000 requests\/s reuse saves 0\.22 of a core\.$/;

suite('what a connection costs, in words', () => {
  test('is the headline of a closed load with two clients', () => {
    assert.match(cellHeadline(viewOf()), ANSWER);
  });

  test('stands in every format as the first sentence', () => {
    const report = buildReport({ ...sampleRuns['two arms']!, charts: [] });
    assert.match(report.headline, ANSWER);
  });

  test('is not claimed without an interval above 0', () => {
    assert.equal(describeConnectionCosts(viewOf({ replicates: 2 })), null);
    const equal = viewOf({}, ({ measurement }) => {
      measurement.generator.cpuUsPerRequest = 30;
    });
    assert.equal(describeConnectionCosts(equal), null);
    assert.match(cellHeadline(equal), /^Persistent connections /, 'the headline is as it would be');
  });

  const trips: [tls: '1.2' | '1.3', handshake: 'full' | 'resumed' | 'mixed', text: RegExp][] = [
    ['1.3', 'full', / and two round trips;/],
    ['1.3', 'resumed', / and two round trips;/],
    ['1.2', 'full', / and three round trips;/],
    ['1.2', 'resumed', / and two round trips;/],
    ['1.2', 'mixed', / and [\d.]+ µs of server CPU \([\d.]+ to [\d.]+\);/],
  ];
  for (const [tls, handshake, text] of trips) {
    test(`round trips are those of TLS ${tls} with ${handshake} handshakes`, () => {
      const view = viewOf({}, ({ trial, measurement: { ledger } }) => {
        ledger.clientHandshakesFull = handshake === 'resumed' ? 0 : 1_000;
        ledger.clientHandshakesResumed = handshake === 'full' ? 0 : 1_000;
        trial.target = { ...trial.target, tls };
      });
      view.result.scenario.target = { ...view.result.scenario.target, tls };
      assert.match(describeConnectionCosts(view)!, text);
    });
  }

  const ways: [way: string, url: string, found: Partial<ForeignServer>, text: RegExp][] = [
    [
      'a tunnel is asked for',
      'https://localhost/',
      { proxy: 'http://127.0.0.1:1', tlsVersion: 'TLSv1.2' },
      / and four round trips;/,
    ],
    [
      'a proxy takes plain requests',
      'http://localhost/',
      { proxy: 'http://127.0.0.1:1' },
      / and one round trip;/,
    ],
    ['a Unix socket has no handshake', 'http://localhost/', { address: '/run/a.sock' }, /^(?!.*round trip)/],
  ];
  for (const [way, url, found, text] of ways) {
    test(`round trips on the way to a server: ${way}`, () => {
      const view = viewOf({}, ({ measurement: { ledger } }) => {
        ledger.clientHandshakesFull = 1_000;
        ledger.clientHandshakesResumed = 0;
      });
      view.result.scenario.target = { ...view.result.scenario.target, url };
      view.result.server = { ...FOUND_SERVER, ...found };
      assert.match(describeConnectionCosts(view)!, text);
    });
  }

  test('that TLS sessions were resumed is said beside the costs, and full handshakes go without saying', () => {
    const chargesAt = (resumed: number) => {
      const view = viewOf({}, ({ measurement: { ledger } }) => {
        ledger.clientHandshakesFull = 10;
        ledger.clientHandshakesResumed = resumed;
      });
      const count = view.trials.filter(({ trial }) => trial.arm === 'short').length;
      return { said: describeCharges(view)!, count };
    };
    const { said, count } = chargesAt(1_000);
    const [some, all] = [1_000, 1_010].map(each => (each * count).toLocaleString('en-US'));
    assert.match(
      said,
      new RegExp(`\\. Resumed TLS sessions: ${some} of ${all} connections; a full handshake`),
    );
    assert.doesNotMatch(chargesAt(0).said, /Resumed/);
  });

  test('behind a link, round trips have a duration', () => {
    assert.match(
      describeConnectionCosts(viewOf({ scenario: 'behind-a-link' }))!,
      /three round trips \(63\.0 ms\);/,
    );
  });

  test('where a schedule sets the rate, the latencies follow', () => {
    assert.match(
      cellHeadline(viewOf({ scenario: 'same-load' })),
      /one round trip\. At 1,000 requests\/s reuse saves [\d.]+ of a core\. Persistent connections take /,
    );
  });

  test('with more than two clients, how they differ follows', () => {
    assert.match(
      cellHeadline(viewOf({ scenario: 'requests-per-connection' })),
      /^A new connection costs .* of a core\. Relative to one, requests per second range /,
    );
  });

  test('of an invalid trial is marked, and a failed arm has none', () => {
    const invalid = viewOf({ trouble: 'invalid-trial' });
    assert.match(cellHeadline(invalid), /153 µs† of client CPU.*served 5\.15× \(.*\)† the requests/);
  });

  test('among several cells each is named with its library', () => {
    assert.match(
      describeCostIn(viewOf())!,
      /^In short-vs-persistent, with undici, a new connection costs 153 µs .*; reuse served 5\.15×/,
    );
    const { headline } = buildReport({ ...sampleRuns['two scenarios']!, charts: [] });
    assert.match(headline, /^In short-vs-persistent, .* In requests-per-connection, with undici, /);
  });

  test('two libraries are named each, of more than two the cheapest and the dearest', () => {
    const both = withLibraries(['undici', 'wire']);
    assert.match(
      describeConnectionCosts(both)!,
      /^With undici, a new connection costs .* With wire it costs .*; reuse served [^;]*$/,
    );
    assert.equal(describeCostIn(both), null);
    assert.match(
      describeConnectionCosts(withLibraries(['undici', 'wire', 'fetch']))!,
      /^A new connection costs from [\d.]+ µs of client CPU \(.*\) with \w+ to [\d.]+ µs of client CPU \(.*\) with \w+\.$/,
    );
  });

  test('one user alone waits for opening, and for nothing else', () => {
    assert.deepEqual(describeAlone(viewOf()), [
      'With one user and no queue, a new connection adds 230 µs to a request of 120 µs: connecting takes 90.0 µs.',
    ]);
    const noisy = viewOf({}, ({ trial, measurement: { alone, ledger } }) => {
      if (alone !== null && trial.arm === 'short') {
        alone.responseUs += 1_000 + 10 * trial.replicate;
        alone.tlsUs = 1_100;
        ledger.clientHandshakesFull = 1_000;
      }
      trial.target = { ...trial.target, tls: '1.3' };
    });
    noisy.result.scenario.target = { ...noisy.result.scenario.target, tls: '1.3' };
    assert.deepEqual(describeAlone(noisy), [
      'With one user and no queue, a new connection adds 1.25 ms (1.22 to 1.27) to a request of 120 µs: connecting takes 90.0 µs, the full TLS 1.3 handshake 1.10 ms.',
    ]);
    assert.ok(cellRemarks(viewOf()).some(remark => remark.startsWith('With one user')));
  });

  test('where intervals include 0 or 1, no saving, no server CPU and no gain is claimed', () => {
    const noise = [900, -900, 700, -700];
    const view = viewOf({}, ({ trial, measurement: { target, slices } }) => {
      if (trial.arm !== 'short') return;
      target!.cpuUsPerRequest += noise[trial.replicate]!;
      for (const slice of slices) slice.userMs = slice.userMs! * (trial.replicate % 2 === 0 ? 0.21 : 0.19);
    });
    assert.match(
      describeConnectionCosts(view)!,
      /^A new connection costs 153 µs of client CPU \(152 to 155\), server CPU that could not be told apart from 0 \(−[\d,]+ to [\d,]+ µs\) and one round trip; that reuse serves more requests could not be shown: 1\.0\d+× \(0\.9\d+ to 1\.\d+\) the requests\. No saving of CPU time by reuse could be shown\.$/,
    );
    const [row] = connectionCostTable(view)!.rows;
    assert.deepEqual([row!.at(-1)!.text, row!.at(-1)!.value], ['none shown', null]);
  });

  test('what one user waits for is not claimed where its interval includes 0, and the interval is shown', () => {
    const unsure = viewOf({}, ({ trial, measurement: { alone } }) => {
      if (alone !== null && trial.arm === 'short')
        alone.responseUs = 171 + [-50, 55, -10, 5][trial.replicate]!;
    });
    assert.deepEqual(describeAlone(unsure), [
      'With one user and no queue, what a new connection adds to a request of 120 µs could not be told apart from 0: 51 µs (−34 to 140); connecting takes 90.0 µs.',
    ]);
    const [row] = connectionCostTable(unsure)!.rows;
    assert.equal(row![5]!.text, '51 (−34 to 140)', 'and a minus is no hyphen');
  });
});

/** A cell in which each library has a short and a persistent client. */
function withLibraries(libraries: readonly string[]): Parameters<typeof cellHeadline>[0] {
  const { run, trials } = structuredClone(sampleRun());
  const cell = run.cells[0]!;
  const all = libraries.flatMap((transport, index) =>
    trials.flatMap((result): TrialResult[] => {
      if (result.state !== 'completed') return [];
      const arm = `${transport}-${result.trial.arm}`;
      const client = { ...result.trial.client, transport };
      cell.scenario.clients[arm] = client;
      const { generator } = result.measurement;
      const cpuUsPerRequest = generator.cpuUsPerRequest * (1 + index);
      return [
        {
          ...result,
          trial: { ...result.trial, arm, client },
          measurement: { ...result.measurement, generator: { ...generator, cpuUsPerRequest } },
        },
      ];
    }),
  );
  return viewCell({ ...cell, arms: summariseArms(all) }, all, []);
}

for (const [replicateUs, text] of [
  [[158], '158 (2 more replicates needed)'],
  [[158, 167], '158, 167 (1 more replicate needed)'],
] as const) {
  test(`a cost of ${replicateUs.length} replicates: ${text}`, () =>
    assert.equal(describeCost({ valueUs: 160, interval: null, replicateUs: [...replicateUs] }), text));
}

test('a cost with its interval', () => {
  const interval = { value: 163, low: 150, high: 176 };
  assert.equal(describeCost({ valueUs: 163, interval, replicateUs: [160, 163, 166] }), '163 (150 to 176)');
});
