// In: runs over loopback, behind links, or both. Out: proof that each is told what its network lacks, and only that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { runCaveats } from './caveats.ts';

const LOOPBACK = /^Clients and target ran on one machine over loopback: a real network adds/;
const EMULATED = /^Clients and target ran on one machine, and the network between them is emulated/;
const EMULATED_TOO =
  /^Clients and target ran on one machine in behind-a-link, too, and the network .* is emulated/;

const { run: plain } = sampleRun();
const { run: linked } = sampleRun({ scenario: 'behind-a-link' });

const runs: [why: string, cells: typeof plain.cells, told: RegExp[]][] = [
  ['loopback', plain.cells, [LOOPBACK]],
  ['a link', linked.cells, [EMULATED]],
  ['both', [...plain.cells, ...linked.cells], [LOOPBACK, EMULATED_TOO]],
  ['nothing measured', [], [LOOPBACK]],
];
for (const [why, cells, told] of runs) {
  test(`what the network lacks: ${why}`, () => {
    const caveats = runCaveats({ ...plain, cells }).filter(caveat => /one machine/.test(caveat));
    assert.equal(caveats.length, told.length);
    for (const [index, pattern] of told.entries()) assert.match(caveats[index]!, pattern);
  });
}
