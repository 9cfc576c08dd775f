// A drawing is made shorter without a change of its look, and whatever its texts contain.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { slimSvg } from './slim-svg.ts';

describe('A drawing without what it repeats: a table', () => {
  const rows: [why: string, before: string, after: string][] = [
    [
      'what all parts of a group share is said by the group',
      '<g class="mark-rule"><line x2="1" stroke="red" opacity="1"/><line x2="2" stroke="red" opacity="1"/></g>',
      '<g stroke="red"><line x2="1"/><line x2="2"/></g>',
    ],
    [
      'what they do not share stays',
      '<g><line x2="1" stroke="red"/><line x2="2" stroke="blue"/></g>',
      '<line x2="1" stroke="red"/><line x2="2" stroke="blue"/>',
    ],
    [
      'the opacity of a part is not inherited',
      '<g><path d="M0,0h1" opacity="0.5"/></g>',
      '<path d="M0,0h1" opacity="0.5"/>',
    ],
    [
      'discs are circles',
      '<g><path aria-label="a: 1 &lt; 2" transform="translate(1.23456,2)" d="M4.47,0A4.47,4.47,0,1,1,-4.47,0A4.47,4.47,0,1,1,4.47,0" fill="red"/></g>',
      '<g fill="red"><circle cx="1.23" cy="2" r="4.47"><title>a: 1 &lt; 2</title></circle></g>',
    ],
    [
      'groups that say nothing are left out',
      '<g role="graphics-symbol" aria-label="X-axis"><g transform="translate(0,0)"><g fill="red"><g><line/></g><line/></g></g></g>',
      '<g fill="red"><line/><line/></g>',
    ],
    ['nor do empty ones stay', '<g transform="translate(1,2)"></g>', ''],
    ['frames of groups are not seen', '<g><path class="background" d="M0,0h2v2h-2Z"/></g>', ''],
    [
      'texts keep what looks like an attribute',
      '<g><text font-size="11px" x="0.333333"> class="a" fill="b" 0.123456</text></g>',
      '<text x="0.33"> class="a" fill="b" 0.123456</text>',
    ],
  ];
  for (const [why, before, after] of rows) test(why, () => assert.equal(slimSvg(before), after));
});
