// What a server answered before the run is held against what the scenario states of it, and only that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ForeignServer } from '../bench/core/foreign-server.ts';
import { Target, withUnknowns } from '../scenarios/model/target.ts';
import { FOUND_SERVER } from './testing/found-server.ts';
import { foreignRemarks } from './foreign-remarks.ts';

const rows: [
  why: string,
  found: Partial<ForeignServer>,
  stated: Partial<Target>,
  told: RegExp | undefined,
][] = [
  ['all is well', {}, {}, undefined],
  ['nothing about a good status', { status: 204 }, {}, undefined],
  ['a bad status', { status: 404 }, {}, /answered 404.*failed request/],
  [
    'it closes, and nobody has said so',
    { connectionHeader: 'close' },
    {},
    /connectionClose: true states that/,
  ],
  ['it closes, among other words', { connectionHeader: 'TE, Close' }, {}, /Connection: close/],
  ['another word', { connectionHeader: 'close-notify' }, {}, undefined],
  ['it closes, as stated', { connectionHeader: 'close' }, { connectionClose: true }, undefined],
  [
    'HTTP/1.0 closes, unless it says otherwise',
    { httpVersion: '1.0', connectionHeader: null },
    {},
    /over HTTP\/1\.0 without Connection: keep-alive, so every request needs a new connection/,
  ],
  ['HTTP/1.0 that keeps', { httpVersion: '1.0', connectionHeader: 'Keep-Alive' }, {}, undefined],
  [
    'HTTP/1.0, as stated',
    { httpVersion: '1.0', connectionHeader: null },
    { connectionClose: true },
    undefined,
  ],
  [
    'no length of the answer',
    { framing: 'close', connectionHeader: null },
    {},
    /names no length.*connectionClose: true/,
  ],
  ['nothing of older runs', { framing: null }, {}, undefined],
  ['an interim answer', { interimStatuses: [103] }, {}, /interim answer \(103\)/],
  ['a status that is expected', { status: 404 }, { expectStatus: [404] }, undefined],
  ['a good status that is not', { status: 200 }, { expectStatus: ['4xx'] }, /answered 200/],
  ['it does not close, though it is said to', {}, { connectionClose: true }, /without Connection: close/],
  ['no hint, as stated', {}, { keepAliveHint: false }, undefined],
  ['no hint, though it is said to', {}, { keepAliveHint: true }, /without a Keep-Alive header/],
  ['a hint, of which nothing is said', { keepAliveHeader: 'timeout=5' }, {}, undefined],
  [
    'a hint, which is denied',
    { keepAliveHeader: 'timeout=5' },
    { keepAliveHint: false },
    /timeout=5.*denies/,
  ],
  [
    'a hint beyond what is stated',
    { keepAliveHeader: 'max=100, timeout=90' },
    { keepAliveHint: true, keepAliveTimeoutMs: 75_000 },
    /announces Keep-Alive: max=100, timeout=90, but .* 75000/,
  ],
  [
    'a hint within it',
    { keepAliveHeader: 'timeout=60' },
    { keepAliveHint: true, keepAliveTimeoutMs: 75_000 },
    undefined,
  ],
];

for (const [why, found, stated, told] of rows) {
  test(`remarks: ${why}`, () => {
    const target = Target.parse(withUnknowns({ url: FOUND_SERVER.url, ...stated }));
    const remarks = foreignRemarks({ ...FOUND_SERVER, ...found }, target);
    assert.equal(remarks.length, told === undefined ? 0 : 1, remarks.join('; '));
    if (told !== undefined) assert.match(remarks[0]!, told);
    assert.ok(remarks.every(remark => remark.startsWith(FOUND_SERVER.url)));
  });
}
