// The table of phases adds up to the response time and names what is missing; its colours are distinguishable.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PHASES } from '../../results/phases.ts';
import { phasedTrial } from '../../results/testing/sample-run.ts';
import { armNames, type CellView, viewCell } from '../cell-view.ts';
import phasesChart from '../charts/phases.ts';
import { ARM_COLOURS } from '../charts/theme.ts';
import type { Table } from '../model.ts';
import { contrastOf, differenceOf, visions } from '../testing/colour-vision.ts';
import { sampleRuns } from '../testing/sample-runs.ts';
import { PHASE_COLOURS, PHASE_COLOURS_DARK, PHASE_NAMES, phaseTable } from './phases.ts';

describe('The colours of the phases are distinguishable with any colour vision, on light and dark backgrounds', () => {
  const MIN_DIFFERENCE = 20;
  const MIN_CONTRAST = 3;

  test('black and white are as far apart as can be, red and green are not to everyone', () => {
    assert.equal(Math.round(contrastOf('#ffffff', '#000000')), 21);
    assert.equal(Math.round(differenceOf('#ffffff', '#000000', 'tritanopia')), 100);
    const [red, green] = ['#c0392b', '#6b7a00'] as const;
    assert.ok(differenceOf(red, green, 'deuteranopia') < differenceOf(red, green, 'normal') / 3);
  });

  for (const [theme, colours, clients, ground] of [
    ['light', PHASE_COLOURS, ARM_COLOURS.light, '#ffffff'],
    ['dark', PHASE_COLOURS_DARK, ARM_COLOURS.dark, '#14181d'],
  ] as const) {
    test(`${theme}: no phase is taken for a client`, () => {
      for (const phase of PHASES) {
        const differences = clients.map(client => differenceOf(colours[phase], client, 'normal'));
        assert.ok(Math.min(...differences) >= MIN_DIFFERENCE, `${phase}: ${differences}`);
      }
    });

    for (const vision of visions) {
      test(`${theme}, ${vision}: any two phases can be distinguished`, () => {
        for (const [index, one] of PHASES.entries()) {
          for (const other of PHASES.slice(index + 1)) {
            const difference = differenceOf(colours[one], colours[other], vision);
            assert.ok(difference >= MIN_DIFFERENCE, `${one} and ${other}: ${difference.toFixed(1)}`);
          }
        }
      });
    }

    test(`${theme}: every phase stands out from the ground`, () => {
      for (const phase of PHASES) {
        const contrast = contrastOf(colours[phase], ground);
        assert.ok(contrast >= MIN_CONTRAST, `${phase}: ${contrast.toFixed(2)}`);
      }
    });
  }
});

describe('The table of phases adds up, and names what is missing', () => {
  function viewOf(name: string): CellView {
    const { run, trials } = sampleRuns[name]!;
    return viewCell(run.cells[0]!, trials, armNames(run));
  }

  function rowOf({ columns, rows }: Table, arm: string): Record<string, number | null> {
    const row = rows.find(cells => cells[0]!.value === arm)!;
    return Object.fromEntries(columns.map(({ key }, index) => [key, row[index]!.value as number | null]));
  }

  const PART_KEYS = Object.keys(PHASE_NAMES).map(phase => `${phase}Ms`);

  const UNMEASURED = ['no completed trial', 'a search cut short'];

  for (const name of Object.keys(sampleRuns).filter(name => !UNMEASURED.includes(name))) {
    test(`${name}: in both tables, the phases of an arm come to its mean response time`, () => {
      const view = viewOf(name);
      const table = phaseTable(view)!;
      const { rows } = phasesChart.table(view);
      for (const { name: arm, summary } of view.arms) {
        const row = rowOf(table, arm);
        const parts = PART_KEYS.map(key => row[key] ?? 0);
        const drawn = rows.filter(cells => cells[0]!.value === arm);
        const drawnMs = drawn.reduce((sum, cells) => sum + (cells[2]!.value as number), 0);
        const shares = drawn.reduce((sum, cells) => sum + (cells[3]!.value as number), 0);
        const meanMs = summary!.meanUs / 1000;
        for (const ms of [row['responseMs']!, parts.reduce((sum, part) => sum + part, 0), drawnMs]) {
          assert.ok(Math.abs(ms - meanMs) < 1e-9 * meanMs, `${ms}, not ${meanMs}`);
        }
        assert.ok(Math.abs(shares - 1) < 1e-9);
      }
    });
  }

  test('the time to open a connection is shown per request and per connection', () => {
    const row = rowOf(phaseTable(viewOf('every phase'))!, 'short');
    assert.equal(row['openedPerThousand'], 1000);
    for (const [key, ms] of Object.entries({ connectMeanMs: 21.6, tlsMeanMs: 22, connectP99Ms: 21.6 })) {
      assert.ok(Math.abs(row[key]! / ms - 1) < 0.001, `${key} is ${row[key]}`);
    }
    const none = rowOf(phaseTable(viewOf('every phase'))!, 'persistent');
    assert.deepEqual([none['connectMs'], none['connectMeanMs'], none['tlsP99Ms']], [0, null, null]);
  });

  test('an arm has a column only for what some arm has', () => {
    const keys = phaseTable(viewOf('two arms'))!.columns.map(({ key }) => key);
    for (const key of ['heldBackMs', 'tlsMs', 'unsplitMs', 'tlsMeanMs']) assert.ok(!keys.includes(key), key);
    for (const key of ['queueMs', 'connectMs', 'firstByteMs', 'bodyMs', 'waitP99Ms', 'connectP99Ms']) {
      assert.ok(keys.includes(key), key);
    }
  });

  /** What both the picture and the table say. */
  function assertSaid(view: CellView, said: RegExp, isSaid = true): void {
    assert.equal(said.test(phaseTable(view)!.notes.join('\n')), isSaid, `the table: ${said}`);
    assert.equal(said.test(phasesChart.caption(view)), isSaid, `the picture: ${said}`);
  }

  test('phases that were not recorded are said to be so, and nothing stands in for them', () => {
    const view = viewOf('phases off');
    assertSaid(view, /not recorded .*--no-phases/);
    assertSaid(view, /did not report/, false);
    const keys = phaseTable(view)!.columns.map(({ key }) => key);
    for (const key of ['queueMs', 'firstByteMs', 'bodyMs', 'waitP99Ms']) assert.ok(!keys.includes(key), key);
    assertSaid(viewOf('two arms'), /not recorded/, false);
  });

  test("a link's round trip is said to be moved, where a connection was opened", () => {
    assertSaid(viewOf('every phase'), /the 21\.0 ms of a round trip on the emulated link count as connect/);
    assertSaid(viewOf('two arms'), /round trip/, false);
  });

  test('a client that does not tell its phases, or its connections, is named', () => {
    assertSaid(viewOf('every phase'), /short, persistent did not report every phase/);
    const view = viewOf('two arms');
    const arms = view.arms.map(arm => ({ ...arm, trials: [phasedTrial({ requests: [{ waitUs: 9 }] })] }));
    assertSaid({ ...view, arms }, /short did not report how long it takes to open a connection/);
    assertSaid({ ...view, arms }, /every phase/, false);
  });
});
