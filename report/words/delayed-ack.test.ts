// Kept connections that are 40 ms slower than new ones are explained, and nothing else is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { withUnknowns } from '../../scenarios/model/target.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { delayedAckCaveats } from './delayed-ack.ts';

for (const [why, isOwn, shortUs, persistentUs, isSaid] of [
  ['45 against 3 ms', false, 3_000, 45_000, true],
  ['the same of our own server, which sends each response at once', true, 3_000, 45_000, false],
  ['30 ms more', false, 3_000, 33_000, false],
  ['60 ms more', false, 3_000, 63_000, false],
  ['less', false, 45_000, 3_000, false],
] as const) {
  test(`${why}: ${isSaid ? 'explained' : 'nothing'}`, () => {
    const { run, trials } = structuredClone(sampleRun({ replicates: 3 }));
    const [cell] = run.cells;
    if (!isOwn) Object.assign(cell!.scenario.target, withUnknowns({ url: 'http://127.0.0.1:1/' }));
    for (const summary of cell!.arms) summary.p50Us = summary.arm === 'short' ? shortUs : persistentUs;
    const said = delayedAckCaveats(viewCell(cell!, trials, armNames(run)));
    assert.equal(said.length, isSaid ? 1 : 0);
    if (isSaid)
      assert.match(
        said[0]!,
        /^Half of the responses of persistent take more than 45\.0 ms, of short more than 3\.00 ms\./,
      );
  });
}
