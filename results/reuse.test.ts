// Reuse is of the requests that had a connection.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Ledger, OUTCOMES } from './model/trial.ts';
import { reuseOf } from './reuse.ts';
import { sampleRun } from './testing/sample-run.ts';

const [trial] = sampleRun({ replicates: 1, blocks: 1 }).trials;
assert.ok(trial?.state === 'completed');
const { ledger: base } = trial.measurement;

type Given = Partial<Omit<Ledger, 'failed'>> & Pick<Ledger, 'opened' | 'answered'>;

/** Sent are those that were answered, failed or were cut short. */
function ledger({ failures = {}, unfinished = 0, ...given }: Given): Ledger {
  const failed = Object.values(failures ?? {}).reduce((sum, count) => sum + count, 0);
  const requestsSent = given.answered + failed + unfinished;
  return { ...base, requestsSent, failed, failures, unfinished, ...given };
}

describe('Share of requests on a connection that was open: a table', () => {
  const rows: [why: string, ledger: Ledger, least: number, most: number][] = [
    ['one each', ledger({ opened: 100, answered: 100 }), 0, 0],
    ['refused ones had none', ledger({ opened: 760, answered: 760, failures: { refused: 257 } }), 0, 0],
    ['four of five', ledger({ opened: 20, answered: 100, failures: { timeoutConnect: 60 } }), 0.8, 0.8],
    ['a bad status had one', ledger({ opened: 20, answered: 50, failures: { badStatus: 50 } }), 0.8, 0.8],
    ['a reset may have had one', ledger({ opened: 50, answered: 50, failures: { reset: 50 } }), 0, 0.5],
    ['one cut short, too', ledger({ opened: 50, answered: 80, unfinished: 20 }), 0.375, 0.5],
    [
      'of attempts, where there are others than requests',
      ledger({
        opened: 10,
        answered: 3,
        attempts: { sent: 100, answered: 50, failures: { refused: 30, badStatus: 10 } },
      }),
      1 - 10 / 60,
      1 - 10 / 70,
    ],
    [
      'of runs that do not tell how requests failed',
      { ...ledger({ opened: 50, answered: 50, failures: { refused: 50 } }), failures: null },
      0,
      0.5,
    ],
  ];
  for (const [why, one, least, most] of rows)
    test(why, () => assert.deepEqual(reuseOf([one])?.ratio, { least, most }));
});

test('unknown where no request had a connection, or connections cannot be observed', () => {
  assert.equal(reuseOf([]), null);
  assert.equal(reuseOf([ledger({ opened: 0, answered: 0, failures: { refused: 9 } })]), null);
  assert.equal(reuseOf([ledger({ opened: 0, answered: 9, openedBy: 'unknown' })]), null);
});

test('requests that are refused change nothing, and a client that opens one for each never seems to reuse', () => {
  const kinds = fc.dictionary(fc.constantFrom(...OUTCOMES.slice(1)), fc.nat(100));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), kinds, fc.nat(100), (answered, failures, refused) => {
      const without = ledger({ opened: answered, answered, failures: { ...failures, refused: 0 } });
      const reuse = reuseOf([without])!;
      assert.deepEqual(
        reuseOf([ledger({ opened: answered, answered, failures: { ...failures, refused } })]),
        reuse,
      );
      assert.ok(reuse.ratio.least <= reuse.ratio.most && reuse.ratio.most < 1);
      assert.equal(reuseOf([{ ...without, opened: reuse.connected.most }])!.ratio.most, 0);
    }),
  );
});
