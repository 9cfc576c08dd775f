// Each audit finds its own kind of damage to a sound trial, and only that.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Expectation } from '../../scenarios/model/scenario.ts';
import { Faults } from '../../scenarios/model/target.ts';
import { AUDITS, type Finding } from '../model/run.ts';
import type { CompletedTrial, LinkReading, TrialResult } from '../model/trial.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { auditCell, auditTrial, failureCauses, isTrialValid } from './index.ts';

describe('The reason why trials failed is reported once per cause, however many trials it covers', () => {
  const [sample] = sampleRun().trials;

  function failed(message: string): TrialResult {
    const { trial, startedAt } = sample!;
    return { trial, startedAt, state: 'failed', error: { code: 'internal', message } };
  }

  const cases: [why: string, messages: string[], causes: string[]][] = [
    ['none', [], []],
    ['the same in all', ['it died', 'it died'], ['it died']],
    [
      'other numbers',
      ['none of 1,000 was answered', 'none of 999 was answered'],
      ['none of 1,000 was answered (similar in 2 trials)'],
    ],
    ['two causes', ['it died', 'it hung', 'it died'], ['it died', 'it hung']],
  ];
  for (const [why, messages, causes] of cases) {
    test(why, () => assert.deepEqual(failureCauses([sample!, ...messages.map(failed)]), causes));
  }
});

describe('Each audit finds its own kind of damage, and only that', () => {
  type Measured = CompletedTrial['measurement'];

  const { run, trials } = sampleRun();
  const { scenario } = run.cells[0]!;

  function persistent(): CompletedTrial {
    const found = structuredClone(trials).find(({ trial }) => trial.arm === 'persistent');
    assert.ok(found?.state === 'completed');
    return found;
  }

  /** Two origins that share what the ledger counts; of the first, this is recorded. */
  function setOrigins({ ledger }: Measured, recorded: Partial<Measured['ledger']['origins'][number]>): void {
    const { requestsSent, opened } = ledger;
    const first = { requestsSent: 1, requestsSeen: 1, opened: 1, accepted: 1, ...recorded };
    const sent = requestsSent - first.requestsSent;
    const rest = opened - first.opened!;
    ledger.origins = [first, { requestsSent: sent, requestsSeen: sent, opened: rest, accepted: rest }];
  }

  function eachSlice(damage: (slice: Measured['slices'][number]) => void): (m: Measured) => void {
    return ({ slices }) => slices.forEach(damage);
  }

  /** Its client sent its requests not once each: two attempts were answered with a bad status. */
  function attempted(
    m: Measured,
    { sent, answered }: { sent: number; answered: number },
    seen: number,
  ): void {
    m.ledger.attempts = { sent, answered, failures: { badStatus: 2 } };
    m.ledger.requestsSeen = seen;
  }

  const HALF_CPU = { cpus: 0.5, periodMs: 100, periods: 40, throttledPeriods: 0, throttledMs: 0 };

  const rows: {
    damage: (m: Measured) => void;
    rule: Finding['rule'];
    state: Finding['state'];
    detail: RegExp;
  }[] = [
    { damage: m => m.ledger.unfinished++, rule: 'conservation', state: 'fail', detail: /are 1 more/ },
    { damage: m => m.ledger.requestsSeen!--, rule: 'conservation', state: 'fail', detail: /the server saw/ },
    { damage: m => m.ledger.requestsSeen!++, rule: 'conservation', state: 'fail', detail: /the server saw/ },
    {
      damage: m => attempted(m, { sent: 60, answered: 50 }, 49),
      rule: 'conservation',
      state: 'fail',
      detail: /the server saw 49 requests; expected: between the 52 answered and the 60 sent attempts/,
    },
    {
      damage: m => attempted(m, { sent: 60, answered: 50 }, 61),
      rule: 'conservation',
      state: 'fail',
      detail: /the server saw 61 requests/,
    },
    {
      damage: m => setOrigins(m, { opened: 3, accepted: 2 }),
      rule: 'ledger',
      state: 'fail',
      detail: /of origin 1, the client opened 3 connections, the server accepted 2/,
    },
    {
      damage: m => {
        setOrigins(m, { opened: 3, accepted: 3 });
        m.ledger.origins[1]!.accepted = null;
        m.ledger.origins[1]!.opened!--;
      },
      rule: 'ledger',
      state: 'fail',
      detail: /the client opened 100 connections, 99 of them to one of the origins/,
    },
    {
      damage: m => setOrigins(m, { requestsSent: 5, requestsSeen: 6 }),
      rule: 'conservation',
      state: 'fail',
      detail: /origin 1 saw 6 requests, of 5 sent to it/,
    },
    {
      damage: m => {
        setOrigins(m, { requestsSent: 5, requestsSeen: null });
        m.ledger.origins[1]!.requestsSent--;
      },
      rule: 'conservation',
      state: 'fail',
      detail: /requests were sent, [\d,]+ of them to one of the origins/,
    },
    {
      damage: m => m.ledger.accepted!++,
      rule: 'ledger',
      state: 'fail',
      detail: /opened 100 .* accepted 101/,
    },
    {
      damage: m => {
        m.ledger.accepted!++;
        m.ledger.opened++;
      },
      rule: 'ledger',
      state: 'fail',
      detail: /opened 101, accepted 101, needed 1 to 100: the client does not reuse/,
    },
    {
      damage: m => {
        m.ledger.accepted = 0;
        m.ledger.opened = 0;
      },
      rule: 'ledger',
      state: 'fail',
      detail: /opened 0/,
    },
    {
      damage: m => {
        Object.assign(m.ledger, { opened: 0, openedBy: 'unknown', openedElsewhere: 7, accepted: null });
      },
      rule: 'ledger',
      state: 'warn',
      detail: /^not checked: .* no connection to the server was observed, only 7 to other destinations/,
    },
    {
      damage: m => {
        Object.assign(m.ledger, { opened: 0, openedBy: 'unknown' });
      },
      rule: 'ledger',
      state: 'warn',
      detail: /^not checked: .*native code or another thread\); 100 were accepted, needed/,
    },
    {
      damage: m => {
        m.ledger.openedElsewhere = 7;
      },
      rule: 'ledger',
      state: 'warn',
      detail:
        /opened 100, accepted 100.*only connections to the server are checked, 7 more went to other destinations/,
    },
    {
      damage: m => {
        m.ledger.openedBy = 'kernel';
        m.ledger.opened--;
      },
      rule: 'ledger',
      state: 'fail',
      detail: /all programs on this machine opened 99 connections, the server accepted 100/,
    },
    {
      damage: m => {
        m.ledger.openedBy = 'kernel';
        m.ledger.opened = 150;
        m.ledger.accepted = 101;
      },
      rule: 'ledger',
      state: 'fail',
      detail: /opened 150 \(kernel\), accepted 101, needed 1 to 100: the client does not reuse/,
    },
    {
      damage: m => {
        m.ledger.openedBy = 'kernel';
        m.ledger.opened += 50;
      },
      rule: 'ledger',
      state: 'warn',
      detail: /opened 150 \(kernel\), accepted 100, needed 1 to 100: .*other programs opened some/,
    },
    {
      damage: eachSlice(slice => (slice.userMs! *= 1.07)),
      rule: 'littles-law',
      state: 'warn',
      detail: /off by 7/,
    },
    {
      damage: m => {
        m.steadyMs *= 2;
        eachSlice(slice => (slice.ended! *= 1.5))(m);
      },
      rule: 'littles-law',
      state: 'fail',
      detail: /off by 2/,
    },
    {
      // So much can be requests that crossed the windows' edges, such as those of all users in a stall of the server.
      damage: m => {
        m.steadyMs *= 2;
        eachSlice(slice => (slice.ended! *= 1.5))(m);
        m.response.maxUs = 100_000;
      },
      rule: 'littles-law',
      state: 'warn',
      detail: /off by 2/,
    },
    {
      damage: eachSlice(slice => (slice.ended = 0)),
      rule: 'littles-law',
      state: 'warn',
      detail: /no request/,
    },
    {
      damage: m => (m.response.p999Us = 101_000),
      rule: 'slice-length',
      state: 'warn',
      detail: /^p99\.9 is 101 ms, longer than the 100 ms .*timing\.sliceMs of at least 202/,
    },
    {
      damage: m => (m.censored = { count: 20, leastUs: 10_000_000 }),
      rule: 'slice-length',
      state: 'warn',
      detail: /^20 of .* had no response when their slice ended, after 10,000 ms or more.*lower bounds/,
    },
    {
      damage: m => (m.generator.cpuRatio = 0.91),
      rule: 'bottleneck',
      state: 'warn',
      detail: /^client-bound: the figures reflect the client library's own cost .*event loop/,
    },
    {
      damage: m => (m.target!.cpuRatio = 0.91),
      rule: 'bottleneck',
      state: 'warn',
      detail: /^server-bound: /,
    },
    {
      damage: m => (m.target!.throttling = { ...HALF_CPU, throttledPeriods: 15, throttledMs: 812.5 }),
      rule: 'throttling',
      state: 'warn',
      detail: /waits of up to 100 ms .*\(server with 0\.5 CPUs: in 15 of 40 periods, 813 ms in all\)$/,
    },
    { damage: m => (m.kernel.listenDrops = 3), rule: 'listen-drops', state: 'warn', detail: /dropped 3/ },
    { damage: m => (m.kernel.retransmits = 900), rule: 'retransmits', state: 'warn', detail: /900 segments/ },
    {
      damage: m => Object.assign(m.kernel, { retransmits: 900, needlessRetransmits: 600 }),
      rule: 'retransmits',
      state: 'warn',
      detail: /^300 segments.* 600 more that had arrived/,
    },
    {
      damage: m => (m.kernel.synRetransmits = 1),
      rule: 'retransmits',
      state: 'warn',
      detail: /1 connection requests/,
    },
    { damage: m => (m.isSteady = false), rule: 'steadiness', state: 'warn', detail: /1,500 ms/ },
    {
      damage: m => (m.ledger.answered -= 3),
      rule: 'conservation',
      state: 'fail',
      detail: /are 3 fewer/,
    },
    {
      damage: ({ slices: [silent, next] }) => {
        next!.ended! += silent!.ended!;
        Object.assign(silent!, { completed: 0, ended: 0, userMs: null });
      },
      rule: 'block-spread',
      state: 'warn',
      detail: /no request was answered in 1 of the \d+ slices/,
    },
    {
      damage: ({ slices }) => {
        slices[0]!.userMs! /= 2;
        slices[1]!.userMs! *= 1.5;
      },
      rule: 'block-spread',
      state: 'warn',
      detail: /vary by/,
    },
  ];

  for (const { damage, rule, state, detail } of rows) {
    test(`${rule} ${state}s: ${detail.source}`, () => {
      const trial = persistent();
      damage(trial.measurement);
      const findings = auditTrial(trial).filter(finding => finding.state !== 'pass');
      assert.deepEqual(
        findings.map(finding => [finding.rule, finding.state, finding.arm, finding.trial]),
        [[rule, state, 'persistent', trial.trial.id]],
      );
      assert.match(findings[0]!.detail, detail);
      assert.equal(isTrialValid(trial), state !== 'fail');
    });
  }

  const loopRows: { waited: number; state: string; detail: RegExp }[] = [
    {
      waited: 0.33,
      state: 'warn',
      detail:
        /^client-bound because it lacked a core: its process was never idle, but waited for a core 33\.0 % of the time.*65\.0 % of a core/,
    },
    { waited: 0.02, state: 'pass', detail: /event loop 99\.0 % busy/ },
  ];
  for (const { waited, state, detail } of loopRows) {
    test(`bottleneck: ${state} where a loop is busy at 65 % of a core, and waits ${waited} of the time`, () => {
      const trial = persistent();
      Object.assign(trial.measurement.generator, {
        cpuRatio: 0.65,
        eventLoopRatio: 0.99,
        runDelayRatio: waited,
      });
      const found = auditTrial(trial).find(({ rule }) => rule === 'bottleneck')!;
      assert.equal(found.state, state);
      assert.match(found.detail, detail);
    });
  }

  /** The same trial as if it had been over TLS, by 100 connections with full handshakes. */
  function overTls(protocol: 'http1' | 'h2'): CompletedTrial {
    const found = persistent();
    Object.assign(found.trial.target, { tls: '1.3', protocol: 'h2' });
    Object.assign(found.trial.client, { protocol });
    found.trial.client.pool.tlsSessions = 'none';
    const { ledger } = found.measurement;
    ledger.handshakesFull = ledger.accepted;
    ledger.clientHandshakesFull = ledger.opened;
    ledger.acceptedHttp2 = protocol === 'h2' ? ledger.accepted : 0;
    return found;
  }

  const tlsRows: { protocol: 'http1' | 'h2'; damage: (m: Measured) => void; detail: RegExp }[] = [
    {
      protocol: 'http1',
      damage: m => m.ledger.handshakesFull!--,
      detail: /client counted 100 full.*server 99 full/,
    },
    {
      protocol: 'http1',
      damage: m => m.ledger.clientHandshakesResumed++,
      detail: /client counted 100 full and 1 resumed, the server 100 full and 0 resumed/,
    },
    {
      protocol: 'http1',
      damage: ({ ledger }) => {
        ledger.handshakesFull! -= 2;
        ledger.clientHandshakesFull -= 2;
        ledger.handshakesResumed! += 2;
        ledger.clientHandshakesResumed += 2;
      },
      detail: /98 full and 2 resumed, although the client is set to resume none/,
    },
    {
      protocol: 'http1',
      damage: m => (m.ledger.acceptedHttp2 = 1),
      detail: /1 of 100 .* expected: none, .* HTTP\/1\.1/,
    },
    {
      protocol: 'h2',
      damage: m => (m.ledger.acceptedHttp2 = 99),
      detail: /99 of 100 .* expected: all, .* HTTP\/2/,
    },
  ];

  for (const { protocol, damage, detail } of tlsRows) {
    test(`ledger fails: ${detail.source}`, () => {
      const trial = overTls(protocol);
      const found = () => auditTrial(trial).find(({ rule }) => rule === 'ledger')!;
      assert.equal(found().state, 'pass');
      damage(trial.measurement);
      assert.equal(found().state, 'fail');
      assert.match(found().detail, detail);
    });
  }

  test('retransmits of segments that had all arrived are no caveat', () => {
    const trial = persistent();
    Object.assign(trial.measurement.kernel, { retransmits: 900, needlessRetransmits: 900 });
    const found = auditTrial(trial).find(({ rule }) => rule === 'retransmits')!;
    assert.equal(found.state, 'pass');
    assert.match(found.detail, /^0 segments .* 900 more/);
  });

  test('the ledger tells the protocol and the handshakes that it has checked', () => {
    const { detail } = auditTrial(overTls('h2')).find(({ rule }) => rule === 'ledger')!;
    assert.match(detail, /accepted 100, needed 1 to 100; HTTP\/2, TLS handshakes: 100 full and 0 resumed$/);
  });

  test('handshakes that only one end counts are not compared, but their protocol is', () => {
    const trial = overTls('h2');
    Object.assign(trial.measurement.ledger, { openedBy: 'kernel', clientHandshakesFull: 0 });
    assert.equal(isTrialValid(trial), true);
    trial.measurement.ledger.acceptedHttp2 = 0;
    assert.equal(isTrialValid(trial), false);
  });

  const linkRows: { damage: (link: LinkReading) => void; detail: RegExp }[] = [
    {
      damage: link => (link.relay.cpuRatio = 0.91),
      detail: /^the relay is saturated \(.*relay used 91\.0 % of a core/,
    },
    {
      damage: link => (link.relay.runDelayRatio = 0.26),
      detail: /^the relay did not get a core .*26\.0 % of/,
    },
    { damage: link => (link.latenessP50Us = 1_001), detail: /^the relay was late.*1\.0 ms at p50/ },
    { damage: link => (link.latenessP99Us = 9_100), detail: /^the relay was late.*9\.1 ms at p99/ },
  ];

  for (const { damage, detail } of linkRows) {
    test(`link fails: ${detail.source}`, () => {
      const trial = structuredClone(sampleRun({ scenario: 'behind-a-link' }).trials.at(-1)!);
      assert.ok(trial.state === 'completed' && trial.measurement.link !== null);
      assert.equal(isTrialValid(trial), true);
      damage(trial.measurement.link);
      assert.deepEqual(
        auditTrial(trial).flatMap(({ rule, state }) => (state === 'pass' ? [] : [[rule, state]])),
        [['link', 'fail']],
      );
      assert.match(auditTrial(trial).find(({ rule }) => rule === 'link')!.detail, detail);
    });
  }

  test('a relay that is late where every request failed delays no response', () => {
    const [trial] = structuredClone(sampleRun({ scenario: 'behind-a-link' }).trials);
    assert.ok(trial?.state === 'completed' && trial.measurement.link !== null);
    trial.measurement.response.count = trial.measurement.response.p99Us = 0;
    trial.measurement.link.latenessP99Us = 9_000;
    assert.equal(auditTrial(trial).find(({ rule }) => rule === 'link')?.state, 'pass');
  });

  test('a relay that was late with one of few pieces is a caveat: its 99th percentile is that piece', () => {
    const [trial] = structuredClone(sampleRun({ scenario: 'behind-a-link' }).trials);
    assert.ok(trial?.state === 'completed' && trial.measurement.link !== null);
    trial.measurement.link.latenessP99Us = 9_000;
    trial.measurement.link.latenessCount = 80;
    assert.equal(auditTrial(trial).find(({ rule }) => rule === 'link')?.state, 'warn');
  });

  for (const { latenessP99Us, state } of [
    { latenessP99Us: 2_000, state: 'pass' },
    { latenessP99Us: 2_100, state: 'warn' },
    { latenessP99Us: 4_999, state: 'warn' },
    { latenessP99Us: 5_100, state: 'fail' },
  ]) {
    test(`a relay ${latenessP99Us} us late at p99 beside responses of 100 ms: ${state}`, () => {
      const [trial] = structuredClone(sampleRun({ scenario: 'behind-a-link' }).trials);
      assert.ok(trial?.state === 'completed' && trial.measurement.link !== null);
      trial.measurement.response.p99Us = 100_000;
      trial.measurement.link.latenessP99Us = latenessP99Us;
      assert.equal(auditTrial(trial).find(({ rule }) => rule === 'link')?.state, state);
    });
  }

  const STEP = { skewMs: -1, errorMs: 0.5, rampMs: 50 };

  /** Shares of two machines, of which the second was late in some slices. */
  function sharedBy(lateSlices: number, worst: typeof STEP | null = STEP): CompletedTrial {
    const trial = persistent();
    const share = {
      generators: 1,
      shareRatio: 0.5,
      requestsSent: 1,
      opened: 1,
      completed: 1,
      response: trial.measurement.response,
      cpuRatio: 0.1,
      offsetMs: 3_000,
      errorMs: 0.2,
      slices: 100,
    };
    trial.measurement.machines = [
      { ...share, name: 'gen1', worst: { ...STEP, skewMs: 0 }, lateSlices: 0 },
      { ...share, name: 'gen2', worst, lateSlices },
    ];
    return trial;
  }

  const machineRows: [why: string, trial: CompletedTrial, state: Finding['state'], detail: RegExp][] = [
    [
      'all in step',
      sharedBy(0),
      'pass',
      /^all windows opened within a tenth .*gen2: 1\.00 ms early with a clock known to 0\.50 ms, 3\.0 % of a ramp of 50 ms$/,
    ],
    [
      'late in a few slices',
      sharedBy(5, { ...STEP, skewMs: 6 }),
      'warn',
      /gen2 in 5 of 100 slices.*6\.00 ms late/,
    ],
    [
      'late in more',
      sharedBy(6, { ...STEP, skewMs: 6 }),
      'fail',
      /^its windows opened more than a tenth .*: gen2 in 6 of 100/,
    ],
    ['none of its slices measured', sharedBy(0, null), 'pass', /farthest was gen1/],
  ];
  for (const [why, trial, state, detail] of machineRows) {
    test(`machines, ${why}: ${state}`, () => {
      const found = auditTrial(trial).find(({ rule }) => rule === 'machines')!;
      assert.equal(found.state, state);
      assert.match(found.detail, detail);
      assert.equal(isTrialValid(trial), state !== 'fail');
    });
  }

  test('one machine by itself has none to keep step with', () => {
    const trial = sharedBy(50);
    trial.measurement.machines!.shift();
    assert.equal(
      auditTrial(trial).find(({ rule }) => rule === 'machines'),
      undefined,
    );
  });

  test('a process that was stopped makes its trial invalid, and is named', () => {
    const [trial] = structuredClone(sampleRun({ scenario: 'behind-a-link' }).trials);
    assert.ok(trial?.state === 'completed' && trial.measurement.link !== null);
    trial.measurement.generator.stops = 1;
    trial.measurement.link.relay.stops = 2;
    const found = auditTrial(trial).find(({ rule }) => rule === 'stopped');
    assert.match(
      `${found?.state}: ${found?.detail}`,
      /^fail: stopped .*: the client once, the relay 2 times, by /,
    );
    assert.equal(isTrialValid(trial), false);
  });

  test('a relay that naps is not judged by its event loop', () => {
    const [trial] = structuredClone(sampleRun({ scenario: 'behind-a-link' }).trials);
    assert.ok(trial?.state === 'completed' && trial.measurement.link !== null);
    trial.measurement.link.relay.eventLoopRatio = 1;
    assert.equal(isTrialValid(trial), true);
  });

  test('an untouched trial passes every rule, and a failed one is not valid', () => {
    assert.ok(auditTrial(persistent()).every(({ state }) => state === 'pass'));
    const failed = sampleRun({ trouble: 'failed-trial' }).trials.at(-1)!;
    assert.equal(isTrialValid(failed), false);
  });

  test('failed and unfinished requests are allowed a connection each, more or less', () => {
    for (const by of [-2, 2]) {
      const trial = persistent();
      const { ledger } = trial.measurement;
      ledger.needed = { least: 100, most: 100 };
      ledger.failed = 1;
      ledger.unfinished = 1;
      ledger.answered -= 2;
      ledger.opened += by;
      assert.equal(isTrialValid(trial), true, `by ${by}`);
      ledger.opened += Math.sign(by);
      assert.equal(isTrialValid(trial), false, `by ${by} and one`);
    }
  });

  const kernelRows: {
    why: string;
    counts: Partial<Measured['ledger']>;
    state: Finding['state'];
    detail: RegExp;
  }[] = [
    {
      why: 'the kernel agrees with the client',
      counts: { acceptedBy: 'kernel' },
      state: 'pass',
      detail: /^connections opened 100, accepted 100 \(kernel\), needed 1 to 100$/,
    },
    {
      why: 'others had connections accepted too',
      counts: { acceptedBy: 'kernel', accepted: 3_204 },
      state: 'warn',
      detail: /accepted 3,204 \(kernel\), .*: the kernel counts the connections of all programs.*upstream/,
    },
    {
      why: 'the kernel has counted fewer than there were',
      counts: { acceptedBy: 'kernel', accepted: 99 },
      state: 'fail',
      detail: /^the client opened 100 connections, but by the kernel's count this machine accepted only 99$/,
    },
    {
      why: 'no kernel to ask',
      counts: { acceptedBy: 'kernel', accepted: null },
      state: 'pass',
      detail: /^connections opened 100, accepted unknown, needed/,
    },
    {
      why: 'the server is elsewhere, and two counts of this end agree',
      counts: { acceptedBy: 'kernelOpens' },
      state: 'pass',
      detail: /^connections opened 100, 100 \(kernel\), needed/,
    },
    {
      why: 'a client says that it opened more than the kernel knows of',
      counts: { acceptedBy: 'kernelOpens', accepted: 60 },
      state: 'fail',
      detail: /^the client opened 100 connections, but by the kernel's count this machine opened only 60$/,
    },
    {
      why: 'the client does not count, and the target agrees with the kernel',
      counts: { openedBy: 'kernel' },
      state: 'pass',
      detail: /^connections opened 100 \(kernel\), accepted 100, needed/,
    },
    {
      why: 'the client does not count, and others opened connections too: the target decides',
      counts: { openedBy: 'kernel', opened: 140 },
      state: 'warn',
      detail: /^connections opened 140 \(kernel\), accepted 100, .*all programs/,
    },
    {
      why: 'the target has accepted more than anybody opened',
      counts: { openedBy: 'kernel', opened: 90 },
      state: 'fail',
      detail: /^all programs on this machine opened 90 connections, the server accepted 100$/,
    },
    {
      why: 'the client does not count, and the server accepted too many',
      counts: { openedBy: 'kernel', opened: 120, accepted: 120 },
      state: 'fail',
      detail: /needed 1 to 100: the client does not reuse them/,
    },
    {
      why: 'only the kernel counts, and it has too many: others may be among them',
      counts: { openedBy: 'kernel', acceptedBy: 'kernel', opened: 120, accepted: 130 },
      state: 'warn',
      detail: /opened 120 \(kernel\), accepted 130 \(kernel\), needed 1 to 100: .*all programs/,
    },
    {
      why: 'only the kernel counts, and it has too few',
      counts: { openedBy: 'kernel', acceptedBy: 'kernel', opened: 0, accepted: 0 },
      state: 'fail',
      detail: /opened 0 \(kernel\)/,
    },
    {
      why: 'only the kernel counts, and the server is elsewhere: one count, not two',
      counts: { openedBy: 'kernel', acceptedBy: 'kernelOpens' },
      state: 'pass',
      detail: /^connections opened 100 \(kernel\), accepted unknown, needed/,
    },
  ];

  for (const { why, counts, state, detail } of kernelRows) {
    test(`ledger, where the kernel counts: ${why}: ${state}`, () => {
      const trial = persistent();
      Object.assign(trial.measurement.ledger, counts);
      const found = auditTrial(trial).find(({ rule }) => rule === 'ledger')!;
      assert.equal(found.state, state);
      assert.match(found.detail, detail);
    });
  }

  test('a CPU limit that stopped nothing is reported, and one that there is not is no audit', () => {
    const trial = persistent();
    const find = () => auditTrial(trial).find(({ rule }) => rule === 'throttling');
    assert.equal(find(), undefined);
    trial.measurement.generator.throttling = { ...HALF_CPU, cpus: 1 };
    const { state, detail } = find()!;
    assert.deepEqual(
      [state, detail],
      ['pass', 'throttled by a CPU limit: client with 1 CPU: in 0 of 40 periods, 0 ms in all'],
    );
  });

  test("someone else's server: what is not known is said to be, and fails nothing", () => {
    const trial = persistent();
    trial.trial.target = { ...trial.trial.target, url: 'http://10.0.0.1/' };
    trial.measurement.target = null;
    Object.assign(trial.measurement.ledger, { requestsSeen: null, acceptedBy: 'kernelOpens' });
    trial.measurement.kernel.listenDrops = 3;
    const details = new Map(auditTrial(trial).map(({ rule, state, detail }) => [rule, `${state} ${detail}`]));
    assert.match(details.get('conservation')!, /^pass .*the number that reached the server is unknown$/);
    assert.match(details.get('bottleneck')!, /^pass .*server unknown$/);
    assert.match(details.get('contention')!, /^pass .*server unknown of the time$/);
    assert.match(details.get('listen-drops')!, /^pass .*on another machine/);
    trial.measurement.ledger.needed = { least: 1, most: 50 };
    const ledger = auditTrial(trial).find(({ rule }) => rule === 'ledger')!;
    assert.match(
      `${ledger.state} ${ledger.detail}`,
      /^fail .*client and server do not reuse them as the scenario declares/,
    );
  });

  const faultRows: {
    why: string;
    /** Injected: error statuses, resets, missing answers. */
    injected: [number, number, number];
    failures: Measured['ledger']['failures'];
    unfinished?: number;
    state: Finding['state'];
    detail: RegExp;
  }[] = [
    {
      why: 'each was counted',
      injected: [3, 2, 1],
      failures: { badStatus: 3, reset: 1, staleSocket: 1, timeoutTotal: 1 },
      state: 'pass',
      detail:
        /^error statuses 3 of 3 injected, lost connections 2 of 2 injected, missing answers 1 of 1 injected$/,
    },
    {
      why: 'none was met',
      injected: [0, 0, 0],
      failures: {},
      state: 'pass',
      detail: /^no failure was injected, and none counted$/,
    },
    {
      why: 'a client hides resets',
      injected: [3, 2, 0],
      failures: { badStatus: 3 },
      state: 'fail',
      detail: /lost connections 0 of 2 injected: the client counted fewer lost connections than it met$/,
    },
    {
      why: 'a missing answer is hidden',
      injected: [0, 0, 2],
      failures: {},
      unfinished: 1,
      state: 'fail',
      detail: /missing answers 1 of 2 injected: the client counted fewer missing answers/,
    },
    {
      why: 'a request that was given up may have met a fault',
      injected: [3, 2, 0],
      failures: { badStatus: 3, reset: 1 },
      unfinished: 1,
      state: 'warn',
      detail:
        /lost connections 1 of 2 injected, missing answers 1 of 0 injected: some failures were not injected$/,
    },
    {
      why: 'a missing answer that was injected explains no other',
      injected: [0, 2, 1],
      failures: { reset: 1 },
      unfinished: 1,
      state: 'fail',
      detail: /fewer lost connections/,
    },
    {
      why: 'real failures beside the injected ones',
      injected: [3, 2, 0],
      failures: { badStatus: 3, reset: 4, refused: 5 },
      state: 'warn',
      detail: /lost connections 4 of 2 injected; also connection refused 5: some failures were not injected$/,
    },
  ];
  for (const { why, injected, failures, unfinished = 0, state, detail } of faultRows) {
    test(`faults ${state}: ${why}`, () => {
      const trial = persistent();
      trial.trial.target.faults = Faults.parse(
        ['status', 'reset', 'noAnswer'].map(kind => ({ kind, ratio: 0.01 })),
      );
      Object.assign(trial.measurement.ledger, { faults: injected, failures, unfinished });
      const found = auditTrial(trial).find(({ rule }) => rule === 'faults')!;
      assert.equal(found.state, state);
      assert.match(found.detail, detail);
    });
  }

  test('what such a client sent to one of several origins is not known, so only the sum is held against what they saw', () => {
    const trial = persistent();
    setOrigins(trial.measurement, { requestsSeen: 0 });
    const found = () => auditTrial(trial).find(({ rule }) => rule === 'conservation')!.state;
    assert.equal(found(), 'fail');
    attempted(trial.measurement, { sent: 60, answered: 50 }, 55);
    assert.equal(found(), 'pass');
  });

  test('a client that repeats requests, or answers from memory, is held against what it sent', () => {
    for (const [sent, answered, seen] of [
      [60, 50, 52],
      [60, 50, 60],
      [1_000_000, 999_990, 999_999],
    ] as const) {
      const trial = persistent();
      attempted(trial.measurement, { sent, answered }, seen);
      const found = auditTrial(trial).find(({ rule }) => rule === 'conservation')!;
      assert.equal(found.state, 'pass', found.detail);
      assert.match(found.detail, /; [\d,]+ attempts; the server saw/);
    }
  });

  test('a run of an older version, which does not know its failures, has no audit of faults', () => {
    const trial = persistent();
    trial.trial.target.faults = Faults.parse([{ kind: 'reset', ratio: 0.01 }]);
    trial.measurement.ledger.failures = null;
    assert.ok(auditTrial(trial).every(({ rule }) => rule !== 'faults'));
  });

  test('every rule is checked, on each trial or on each arm, where there is what it checks', () => {
    const rulesOf = (scenario: 'short-vs-persistent' | 'same-load' | 'behind-a-link') => {
      const { findings } = sampleRun({ scenario }).run.cells[0]!;
      return [...new Set(findings.map(({ rule }) => rule))];
    };
    assert.deepEqual(
      rulesOf('short-vs-persistent'),
      AUDITS.filter(
        rule =>
          ![
            'answers',
            'faults',
            'schedule',
            'throttling',
            'link',
            'closing',
            'machines',
            'imported',
          ].includes(rule),
      ),
    );
    assert.deepEqual(
      rulesOf('same-load'),
      AUDITS.filter(
        rule =>
          ![
            'answers',
            'faults',
            'block-spread',
            'throttling',
            'link',
            'closing',
            'machines',
            'imported',
          ].includes(rule),
      ),
    );
    assert.deepEqual(
      rulesOf('behind-a-link'),
      AUDITS.filter(
        rule =>
          !['answers', 'faults', 'schedule', 'throttling', 'closing', 'machines', 'imported'].includes(rule),
      ),
    );
    assert.deepEqual(
      auditCell(trials, scenario).map(({ rule, arm, trial }) => [rule, arm, trial]),
      [
        ['changes', 'short', undefined],
        ['own-stalls', 'short', undefined],
        ['replicate-spread', 'short', undefined],
        ['changes', 'persistent', undefined],
        ['own-stalls', 'persistent', undefined],
        ['replicate-spread', 'persistent', undefined],
      ],
    );
  });

  test('of an imported trial, only what a report of another load generator tells is checked', () => {
    const trial = persistent();
    trial.trial.imported = 'artillery';
    assert.deepEqual(
      auditTrial(trial).map(({ rule, state }) => [rule, state]),
      [
        ['conservation', 'pass'],
        ['ledger', 'pass'],
        ['slice-length', 'pass'],
        ['contention', 'pass'],
        ['imported', 'warn'],
        ['listen-drops', 'pass'],
        ['retransmits', 'pass'],
      ],
    );
    trial.measurement.kernel.activeOpens = 0;
    assert.ok(auditTrial(trial).every(({ rule }) => rule !== 'listen-drops' && rule !== 'retransmits'));
    assert.deepEqual(auditCell([trial], scenario), []);
  });

  test('a spread of one slice, or of one replicate, is not checked', () => {
    const trial = persistent();
    trial.measurement.slices.splice(1);
    assert.ok(auditTrial(trial).every(({ rule }) => rule !== 'block-spread'));
    assert.ok(auditCell([trial], scenario).every(({ rule }) => rule !== 'replicate-spread'));
  });

  test('a client that fails to close is named, and its figures stand', () => {
    const trial = persistent();
    trial.measurement.closing = 'close() of its module failed after 3 ms: gone';
    const found = auditTrial(trial).find(({ rule }) => rule === 'closing')!;
    assert.deepEqual(
      [found.state, found.arm, found.detail],
      ['warn', 'persistent', trial.measurement.closing],
    );
    assert.ok(isTrialValid(trial));
  });

  /** Of two requests, what each trial of a client counted: `[completed, failed]` of the second. */
  const answerRows: {
    why: string;
    counts: [completed: number | null, failed: number | null][];
    expect?: Expectation[];
    found: string | undefined;
  }[] = [
    {
      why: 'a request that always fails',
      counts: [
        [0, 9],
        [0, 11],
      ],
      found: 'fail: no good answer to gone, of which all 20 failed (1.0 % of all requests)',
    },
    {
      why: 'one good answer in any replicate',
      counts: [
        [0, 9],
        [1, 9],
      ],
      found: 'pass: each of the 2 requests had good answers',
    },
    {
      why: 'one that was never drawn',
      counts: [[0, 0]],
      found: 'pass: each of the 2 requests had good answers',
    },
    { why: 'a load tool that does not tell them apart', counts: [[null, null]], found: undefined },
    {
      why: 'failures that are expected',
      counts: [[0, 20]],
      expect: [{ metric: 'successRatio', of: 'short', atMost: 0.99 }],
      found: 'pass: as expected, no good answer to gone, of which all 20 failed (2.0 % of all requests)',
    },
    { why: 'a single request', counts: [], found: undefined },
  ];
  for (const { why, counts, expect = [], found } of answerRows) {
    test(`answers: ${why}`, () => {
      const cell = structuredClone(trials)
        .filter(({ trial }) => trial.arm === 'short')
        .slice(0, Math.max(1, counts.length));
      for (const [index, [completed, failed]] of counts.entries()) {
        const result = cell[index]!;
        assert.ok(result.state === 'completed');
        const shared = { sent: 1, censored: null, response: null };
        Object.assign(result.measurement, { completed: 980, failed: 20 });
        result.measurement.requests = [
          { ...shared, name: 'list', completed: 980, failed: 0 },
          { ...shared, name: 'gone', completed, failed },
        ];
      }
      const [finding] = auditCell(cell, { expect, baseline: 'short' }).filter(
        ({ rule }) => rule === 'answers',
      );
      assert.equal(finding && `${finding.state}: ${finding.detail}`, found);
    });
  }

  test('answers: a trial that was cut short says nothing', () => {
    const trial = persistent();
    trial.isPartial = true;
    trial.measurement.requests = [
      { name: 'gone', sent: 1, completed: 0, failed: 1, censored: null, response: null },
    ];
    assert.ok(auditCell([trial], scenario).every(({ rule }) => rule !== 'answers'));
  });

  const stallRows: { hits: Record<string, number>; states: Finding['state'][]; why: string }[] = [
    { hits: {}, states: ['pass', 'pass'], why: 'no arm has slow slices' },
    { hits: { persistent: 4 }, states: ['pass', 'warn'], why: 'one arm stops in every fourth slice' },
    { hits: { persistent: 4, short: 4 }, states: ['pass', 'pass'], why: 'the machine hits both' },
    { hits: { short: 20 }, states: ['pass', 'pass'], why: 'one slow slice may be chance' },
  ];
  for (const { hits, states, why } of stallRows) {
    test(`own-stalls: ${why}`, () => {
      const cell = structuredClone(trials);
      let index = 0;
      for (const result of cell) {
        const every = hits[result.trial.arm];
        if (result.state !== 'completed' || every === undefined) continue;
        for (const slice of result.measurement.slices) {
          index++;
          if (index % every === 0) slice.meanUs *= 4;
        }
      }
      const found = auditCell(cell, scenario).filter(({ rule }) => rule === 'own-stalls');
      assert.deepEqual(
        found.map(({ state }) => state),
        states,
      );
      if (states.includes('warn')) {
        assert.match(
          found[1]!.detail,
          /^the client itself stalls: 6 of 24 slices have .*, compared with 0 of 24 slices of the other clients; the mean .* above/,
        );
      }
    });
  }

  test('own-stalls: with one arm, or few slices, there is nothing to check', () => {
    const alone = trials.filter(({ trial }) => trial.arm === 'short');
    const few = structuredClone(trials);
    for (const result of few) if (result.state === 'completed') result.measurement.slices.splice(1);
    for (const cell of [alone, few]) {
      assert.ok(auditCell(cell, scenario).every(({ rule }) => rule !== 'own-stalls'));
    }
  });

  const rateRows: { factors: number[]; state: Finding['state']; detail: RegExp; why: string }[] = [
    { factors: [1, 1.01, 0.99, 1], state: 'pass', detail: /within/, why: 'replicates agree' },
    { factors: [1, 0.74, 1.01, 0.99], state: 'warn', detail: /two modes, 1 of 4 /, why: 'one slow process' },
    {
      factors: [0.75, 0.74, 1.01, 0.99],
      state: 'warn',
      detail: /two modes, 2 of 4 /,
      why: 'half of them slow',
    },
    {
      factors: [1, 0, 1.01, 0.99],
      state: 'warn',
      detail: /^replicates disagree: no request was answered in 1 of 4$/,
      why: 'one of which nothing came',
    },
    {
      factors: [0.8, 0.9, 1, 1.1],
      state: 'warn',
      detail: /^replicates disagree: requests\/s: the 4 replicates lie within 37\.5 % of the slowest$/,
      why: 'no gap, but far apart',
    },
    {
      factors: [0.3, 0.5, 0.8, 1.2],
      state: 'warn',
      detail: /^replicates disagree: requests\/s: the highest of 4 replicates is 4\.0 times the lowest$/,
      why: 'no gap, and by more than a per cent says',
    },
  ];

  for (const { factors, state, detail, why } of rateRows) {
    test(`replicate-spread: ${why}`, () => {
      const cell = trials
        .filter(({ trial }) => trial.arm === 'persistent')
        .map(trial => structuredClone(trial));
      cell.forEach((trial, index) => {
        if (trial.state !== 'completed') return;
        for (const slice of trial.measurement.slices) slice.completed = Math.round(2_000 * factors[index]!);
      });
      const found = auditCell(cell, scenario).find(({ rule }) => rule === 'replicate-spread')!;
      assert.equal(found.state, state);
      assert.match(found.detail, detail);
    });
  }
});
