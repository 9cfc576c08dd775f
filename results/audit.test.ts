// In: a trial that passes, damaged in one way at a time. Out: proof that the rule for it, and only it, says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../bench/core/run-types.ts';
import { AUDITS } from '../bench/core/run-types.ts';
import type { CompletedTrial, LinkReading } from '../bench/core/types.ts';
import { auditCell, auditTrial, isTrialValid } from './audit.ts';
import { sampleRun } from './testing/sample-run.ts';

type Measured = CompletedTrial['measurement'];

const { trials } = sampleRun();

function persistent(): CompletedTrial {
  const found = structuredClone(trials).find(({ trial }) => trial.arm === 'persistent');
  assert.ok(found?.state === 'completed');
  return found;
}

const rows: {
  damage: (m: Measured) => void;
  rule: Finding['rule'];
  state: Finding['state'];
  detail: RegExp;
}[] = [
  { damage: m => m.ledger.unfinished++, rule: 'conservation', state: 'fail', detail: /make 1 more/ },
  { damage: m => m.ledger.requestsSeen!--, rule: 'conservation', state: 'fail', detail: /the target saw/ },
  { damage: m => m.ledger.requestsSeen!++, rule: 'conservation', state: 'fail', detail: /the target saw/ },
  { damage: m => m.ledger.accepted++, rule: 'ledger', state: 'fail', detail: /opened 100 .* accepted 101/ },
  {
    damage: m => {
      m.ledger.accepted++;
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
  { damage: m => (m.response.meanUs *= 1.07), rule: 'littles-law', state: 'warn', detail: /off by/ },
  { damage: m => (m.completed = 0), rule: 'littles-law', state: 'warn', detail: /no request/ },
  {
    damage: m => (m.generator.cpuRatio = 0.91),
    rule: 'bottleneck',
    state: 'warn',
    detail: /^client-bound: the client library's own cost is what you see.*event loop/,
  },
  { damage: m => (m.target!.cpuRatio = 0.91), rule: 'bottleneck', state: 'warn', detail: /^target-bound: / },
  { damage: m => (m.kernel.listenDrops = 3), rule: 'listen-drops', state: 'warn', detail: /dropped 3/ },
  { damage: m => (m.kernel.retransmits = 900), rule: 'retransmits', state: 'warn', detail: /900 segments/ },
  {
    damage: m => (m.kernel.synRetransmits = 1),
    rule: 'retransmits',
    state: 'warn',
    detail: /1 connection requests/,
  },
  { damage: m => (m.isSteady = false), rule: 'steadiness', state: 'warn', detail: /1,500 ms/ },
  { damage: m => (m.slices[0]!.completed *= 3), rule: 'block-spread', state: 'warn', detail: /vary by/ },
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

const linkRows: { damage: (link: LinkReading) => void; detail: RegExp }[] = [
  {
    damage: link => (link.relay.cpuRatio = 0.91),
    detail: /^the relay is saturated \(.*relay 91\.0 % of a core/,
  },
  { damage: link => (link.relay.runDelayRatio = 0.26), detail: /^the relay did not get a core .*26\.0 % of/ },
  { damage: link => (link.latenessP50Us = 1_001), detail: /^the relay was late.*1\.0 ms at p50/ },
  { damage: link => (link.latenessP99Us = 2_100), detail: /^the relay was late.*2\.1 ms at p99/ },
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

test('every rule is checked, on each trial or on each arm, where there is what it checks', () => {
  const rulesOf = (scenario: 'short-vs-persistent' | 'behind-a-link') => {
    const { findings } = sampleRun({ scenario }).run.cells[0]!;
    return [...new Set(findings.map(({ rule }) => rule))];
  };
  assert.deepEqual(
    rulesOf('short-vs-persistent'),
    AUDITS.filter(rule => rule !== 'link'),
  );
  assert.deepEqual(rulesOf('behind-a-link'), [...AUDITS]);
  assert.deepEqual(
    auditCell(trials).map(({ rule, arm, trial }) => [rule, arm, trial]),
    [
      ['replicate-spread', 'short', undefined],
      ['replicate-spread', 'persistent', undefined],
    ],
  );
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
    factors: [0.8, 0.9, 1, 1.1],
    state: 'warn',
    detail: /^replicates disagree: requests/,
    why: 'no gap, but far apart',
  },
];

for (const { factors, state, detail, why } of rateRows) {
  test(`replicate-spread: ${why}`, () => {
    const cell = trials
      .filter(({ trial }) => trial.arm === 'persistent')
      .map(trial => structuredClone(trial));
    cell.forEach((trial, index) => {
      if (trial.state === 'completed') trial.measurement.completed = Math.round(12_000 * factors[index]!);
    });
    const found = auditCell(cell).find(({ rule }) => rule === 'replicate-spread')!;
    assert.equal(found.state, state);
    assert.match(found.detail, detail);
  });
}
