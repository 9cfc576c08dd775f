// A server or a client that changes within a replicate is named, and what stays the same, however it scatters, is not.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import type { CompletedTrial, Slice } from '../model/trial.ts';
import { createRandom } from '../random.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { findChange } from './changes.ts';
import { auditCell } from './index.ts';

const BLOCKS = 12;

/** A run of which the slices of some clients are changed from a block of the second replicate on. */
function changed(
  arms: readonly string[],
  change: (slice: Slice) => void,
  from = BLOCKS / 2,
  blocks = BLOCKS,
): CompletedTrial[] {
  const trials = sampleRun({ blocks }).trials.filter(trial => trial.state === 'completed');
  for (const { trial, measurement } of trials) {
    if (trial.replicate !== 1 || !arms.includes(trial.arm)) continue;
    for (const slice of measurement.slices) if (slice.block >= from) change(slice);
  }
  return trials;
}

function found(trials: readonly CompletedTrial[]): Record<string, string> {
  const findings = auditCell(trials, sampleRun().run.cells[0]!.scenario).filter(
    ({ rule }) => rule === 'changes',
  );
  return Object.fromEntries(findings.map(({ arm, state, detail }) => [arm!, `${state}: ${detail}`]));
}

const BOTH = ['short', 'persistent'];
const slower = (slice: Slice): void => {
  slice.meanUs *= 10;
};
const failing = (slice: Slice): void => {
  slice.failed = slice.completed;
  slice.completed = 0;
};
const opening = (slice: Slice): void => {
  slice.opened = slice.exchanges;
};

describe('What changes within a replicate', () => {
  suite('for all clients alike', () => {
    for (const [what, change, state, detail] of [
      [
        'answers that take ten times as long',
        slower,
        'warn',
        /the mean response time was 4\d\.?\d? ms instead of 4\.\d+ ms/,
      ],
      ['errors in place of answers', failing, 'fail', /100\.0 % of the requests failed instead of 0\.0 %/],
    ] as const) {
      test(`is the server: ${what}`, () => {
        const { short, persistent } = found(changed(BOTH, change));
        for (const text of [short!, persistent!])
          assert.match(
            text,
            new RegExp(
              `^${state}: the server or the machine changed in mid-run: in replicate 2, from block 7 of 12 on, .*; figures are a mixture of both$`,
            ),
          );
        assert.match(persistent!, detail);
      });
    }

    test('is the server where those that keep connections lose them, though others never kept any', () => {
      const trials = changed(BOTH, opening);
      for (const { trial, measurement } of trials)
        for (const slice of measurement.slices)
          if (trial.arm === 'short') slice.opened = slice.exchanges;
          else slice.opened ??= 0;
      const { short, persistent } = found(trials);
      assert.match(short!, /^pass: /);
      assert.match(
        persistent!,
        /^fail: the server, the machine or the client changed .*1\.00 connections were opened per request instead of 0\.00/,
      );
    });

    test('wherever it begins, but for the first and the last slices', () => {
      assert.match(found(changed(BOTH, slower, 5))['short']!, /^warn: .* from block 6 of 12 on/);
      assert.match(found(changed(BOTH, slower, 10))['short']!, /^pass: /);
    });
  });

  test('is the server, too, where one client scatters so much that it would not show it alone', () => {
    const trials = changed(BOTH, slower);
    for (const { trial, measurement } of trials)
      if (trial.arm === 'short')
        for (const slice of measurement.slices) slice.meanUs *= slice.block % 3 === 0 ? 6 : 1;
    for (const text of Object.values(found(trials)))
      assert.match(text, /^warn: the server or the machine changed .*, from block 7 of 12 on/);
  });

  test('for one client alone is its own, and a caveat', () => {
    const { short, persistent } = found(changed(['persistent'], slower));
    assert.match(
      persistent!,
      /^warn: this client changed in mid-run, others hardly did: in replicate 2, from block 7 /,
    );
    assert.match(short!, /^pass: /);
  });

  test('by less than three times, as other programs may do, is nothing', () => {
    const twice = (slice: Slice): void => {
      slice.meanUs *= 2.5;
    };
    assert.ok(Object.values(found(changed(BOTH, twice))).every(text => text.startsWith('pass')));
  });

  test('in few slices is found where it does not scatter: failures and connections, not times', () => {
    const few = (change: (slice: Slice) => void) => found(changed(BOTH, change, 3, 6))['short']!;
    assert.match(few(failing), /^fail: .* from block 4 of 6 on, 100\.0 % of the requests failed/);
    assert.match(few(slower), /^pass: /);
    const { trials } = sampleRun({ blocks: 3 });
    assert.ok(auditCell(trials, sampleRun().run.cells[0]!.scenario).every(({ rule }) => rule !== 'changes'));
  });
});

test('a few bursts do not hide a change, and a heavy tail is none', () => {
  const random = createRandom(1, 'changes');
  const at = (values: readonly number[]) => values.map((value, block) => ({ block, value }));
  const steps = Array.from({ length: 40 }, (_, block) => (block < 20 ? 1 : 3) + 0.2 * random());
  steps[5] = 4;
  steps[30] = 0;
  assert.equal(findChange(at(steps), { least: 1.1, leastSlices: 5 })?.block, 20);
  let alarms = 0;
  for (let run = 0; run < 5_000; run++) {
    // The logarithms of slice means that scatter by a factor of 1.8.
    const values = Array.from(
      { length: 12 },
      () => 0.6 * (random() + random() + random() + random() - 2) * Math.sqrt(3),
    );
    if (findChange(at(values), { least: Math.log(3), leastSlices: 5 }) !== null) alarms++;
  }
  assert.ok(alarms <= 15, `${alarms} of 5,000`);
});
