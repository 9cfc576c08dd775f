// A drawing is made shorter without a change of its look, and whatever its texts contain.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { slimSvg } from './chart-svg.ts';

describe('A drawing without what it repeats: a table', () => {
  const rows: [why: string, before: string, after: string][] = [
    [
      'what all parts of a group share is said by the group',
      '<g class="mark-rule"><line x2="1" stroke="red" opacity="1"/><line x2="2" stroke="red" opacity="1"/></g>',
      '<g stroke="red"><path d="M0,0h1M0,0h2"/></g>',
    ],
    [
      'what they do not share stays',
      '<g><line x2="1" stroke="red"/><line x2="2" stroke="blue"/></g>',
      '<path d="M0,0h1" stroke="red"/><path d="M0,0h2" stroke="blue"/>',
    ],
    [
      'the opacity of a part is not inherited',
      '<g><path d="M0,0h1" opacity="0.5"/></g>',
      '<path d="M0,0h1" opacity="0.5"/>',
    ],
    [
      'discs are circles',
      '<g><path aria-label="a: 1 &lt; 2" transform="translate(1.23456,2)" d="M4.47,0A4.47,4.47,0,1,1,-4.47,0A4.47,4.47,0,1,1,4.47,0" fill="red"/></g>',
      '<g fill="red"><circle cx="1.2" cy="2" r="4.5"><title>a: 1 &lt; 2</title></circle></g>',
    ],
    [
      'groups that say nothing are left out',
      '<g role="graphics-symbol" aria-label="X-axis"><g transform="translate(0,0)"><g fill="red"><g><circle/></g><circle/></g></g></g>',
      '<g fill="red"><circle/><circle/></g>',
    ],
    [
      'neighbours that look the same are grouped',
      '<g><circle r="1" fill="a"/><circle r="2" fill="a"/><circle r="3" fill="a"/><circle r="4" fill="b"/></g>',
      '<g fill="a"><circle r="1"/><circle r="2"/><circle r="3"/></g><circle r="4" fill="b"/>',
    ],
    [
      'lines that say nothing are one path, others one each',
      '<g><line transform="translate(1,2)" x2="3" y2="0"/><line transform="translate(1,2.25)" x2="0" y2="-3"/><line aria-label="a" transform="translate(5,6)" x2="3" y2="4"/></g>',
      '<path d="M1,2h3M1,2.3v-3"/><path d="M5,6l3,4"><title>a</title></path>',
    ],
    [
      'corners are relative to the ones before, without the errors of rounding adding up',
      '<g><path d="M0.04,1L1.08,1L1.08,3.5L2.12,1.26Z"/></g>',
      '<path d="M0,1h1.1v2.5l1-2.2z"/>',
    ],
    ['other paths stay', '<g><path d="M0,0C1.26,1,2,2,3,3L4,4"/></g>', '<path d="M0,0C1.3,1,2,2,3,3L4,4"/>'],
    [
      'a text on one line has a place, one on several is moved',
      '<g><text transform="translate(1,2)">a</text><text transform="translate(1,2) rotate(-90)">b</text></g><text transform="translate(1,2)"><tspan>c</tspan></text>',
      '<text x="1" y="2">a</text><text transform="translate(1,2) rotate(-90)">b</text><text transform="translate(1,2)"><tspan>c</tspan></text>',
    ],
    ['nor do empty ones stay', '<g transform="translate(1,2)"></g>', ''],
    ['frames of groups are not seen', '<g><path class="background" d="M0,0h2v2h-2Z"/></g>', ''],
    [
      'texts keep what looks like an attribute',
      '<g><text font-size="11px" x="0.333333"> class="a" fill="b" 0.123456</text></g>',
      '<text x="0.3"> class="a" fill="b" 0.123456</text>',
    ],
  ];
  for (const [why, before, after] of rows) test(why, () => assert.equal(slimSvg(before), after));
});
