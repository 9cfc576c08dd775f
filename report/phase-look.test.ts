// In: the colours of the phases. Out: proof that anyone can tell them apart, on paper and in the dark.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHASES } from '../results/phases.ts';
import { PHASE_COLOURS, PHASE_COLOURS_DARK } from './phase-look.ts';
import { contrastOf, differenceOf, visions } from './testing/colour-vision.ts';

const LEAST_DIFFERENCE = 20;
const LEAST_CONTRAST = 3;

test('black and white are as far apart as can be, red and green are not to everyone', () => {
  assert.equal(Math.round(contrastOf('#ffffff', '#000000')), 21);
  assert.equal(Math.round(differenceOf('#ffffff', '#000000', 'tritanopia')), 100);
  const [red, green] = ['#c0392b', '#6b7a00'] as const;
  assert.ok(differenceOf(red, green, 'deuteranopia') < differenceOf(red, green, 'normal') / 3);
});

for (const [theme, colours, ground] of [
  ['light', PHASE_COLOURS, '#ffffff'],
  ['dark', PHASE_COLOURS_DARK, '#14181d'],
] as const) {
  for (const vision of visions) {
    test(`${theme}, ${vision}: any two phases can be told apart`, () => {
      for (const [index, one] of PHASES.entries()) {
        for (const other of PHASES.slice(index + 1)) {
          const difference = differenceOf(colours[one], colours[other], vision);
          assert.ok(difference >= LEAST_DIFFERENCE, `${one} and ${other}: ${difference.toFixed(1)}`);
        }
      }
    });
  }

  test(`${theme}: every phase stands out from the ground`, () => {
    for (const phase of PHASES) {
      const contrast = contrastOf(colours[phase], ground);
      assert.ok(contrast >= LEAST_CONTRAST, `${phase}: ${contrast.toFixed(2)}`);
    }
  });
}
