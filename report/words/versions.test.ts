// Two versions of a client or a server: what each is, and the figures of each, where versions are compared.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CellResult } from '../../results/model/run.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { buildReport } from '../build.ts';
import terminal from '../formats/terminal.ts';

const SHAS = { short: 'undici 7.30.2', persistent: 'undici 8.13.1' };

function briefOf(change: (cell: CellResult) => Partial<CellResult>, cellCount = 2): string {
  const { run, trials } = structuredClone(sampleRun());
  const [cell] = run.cells;
  const names = ['first', 'second'].slice(0, cellCount);
  const cells = names.map(name => ({ ...cell!, cell: name, ...change(cell!) }));
  const all = names.flatMap(name =>
    trials.map(result => ({ ...result, trial: { ...result.trial, cell: name } }) as typeof result),
  );
  const report = buildReport({ run: { ...run, cells }, trials: all, charts: [] });
  return String(terminal.render(report, { isBrief: true, columns: 100, hasColour: false })).replaceAll(
    /\s+/g,
    ' ',
  );
}

for (const [side, change] of [
  ['client', () => ({ code: SHAS })],
  ['server', () => ({ targetCode: SHAS })],
] as const) {
  test(`of two versions of a ${side}, the end says which they are, and the rate and the mean of each`, () => {
    const said = briefOf(change);
    assert.match(said, /Versions: short is undici 7\.30\.2, persistent is undici 8\.13\.1\./);
    assert.equal(
      [...said.matchAll(/ short [\d,]+ requests\/s, mean [\d.]+ ms; persistent [\d,]+ requests\/s, mean /g)]
        .length,
      2,
      said,
    );
    assert.match(briefOf(change, 1), /Versions: short is undici 7\.30\.2/);
  });
}

test('where none are compared, nothing of it is said', () => {
  assert.doesNotMatch(
    briefOf(() => ({})),
    /Versions|mean \d/,
  );
});
