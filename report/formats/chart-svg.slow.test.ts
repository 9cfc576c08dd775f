// A chart as a file of its own: colours instead of variables, a line below it, none of the words that only a page shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { framed, INK } from '../charts/theme.ts';
import { pictureFile } from './chart-svg.ts';
import { LIGHT } from './page-style.ts';

const spec = framed({
  heightPx: 60,
  layer: [
    {
      data: { values: [{ at: 1, tip: 'said by a page' }] },
      mark: { type: 'point', filled: true, size: 80, color: INK },
      encoding: { x: { field: 'at', type: 'quantitative' }, description: { field: 'tip' } },
    },
  ],
});

test('a picture file stands alone, and says when and how it was measured', async () => {
  const options = { id: 'one', description: 'what it shows', footer: 'a < b, 2026' };
  const svg = await pictureFile(spec, { ...options, colours: LIGHT });
  assert.match(svg, /^<svg role="img" aria-label="what it shows"/);
  assert.doesNotMatch(svg, /var\(|<title>|said by a page/);
  assert.match(svg, /fill="#1b1f24"/);
  assert.match(svg, /<circle/);
  assert.match(svg, />a &lt; b, 2026<\/text><\/svg>\n$/);
  const [, heightPx, boxPx] = /height="(\d+)" viewBox="0 0 \d+ (\d+)"/.exec(svg)!;
  assert.equal(heightPx, boxPx);
  await assert.rejects(pictureFile(spec, { ...options, colours: '' }), /no colour --/);
});
