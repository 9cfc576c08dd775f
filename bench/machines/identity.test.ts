// Machines with other code are refused, each with what it has; other hardware and patches of Node are not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleHost } from '../../results/testing/sample-run.ts';
import type { Identity } from './channel.ts';
import { refuseOtherCode } from './identity.ts';

const own: Identity = {
  protocol: 14,
  conntax: '1.2.3',
  codeDigest: 'abc',
  git: null,
  libraries: { undici: '8.12.4' },
  host: sampleHost,
  bootId: 'boot',
  network: 'net',
};

const rows: [why: string, identity: Partial<Identity>, refusal: RegExp | null][] = [
  ['the same', {}, null],
  ['other hardware', { host: { ...sampleHost, cpuModel: 'another', cpuCount: 64 } }, null],
  ['a patch of Node', { host: { ...sampleHost, node: '26.10.9' } }, null],
  [
    'another release of Node',
    { host: { ...sampleHost, node: '26.11.0' } },
    /gen1 has Node 26\.11\.0, and the run has 26\.10\.0/,
  ],
  [
    'another protocol',
    { protocol: 3, codeDigest: 'x' },
    /gen1 has conntax with protocol version 3, and the run has 14/,
  ],
  [
    'other code of the same version',
    { codeDigest: 'x', git: { commit: '0123456789abcdef', isDirty: true } },
    /gen1 has conntax 1\.2\.3 \(code x, commit 0123456789 and changes\), and the run has 1\.2\.3 \(code abc\)/,
  ],
  [
    'another library',
    { libraries: { undici: '7.0.0' } },
    /gen1 has undici 7\.0\.0, and the run has 8\.12\.4/,
  ],
  ['a library that it lacks', { libraries: {} }, /undici unknown/],
];
for (const [why, identity, refusal] of rows) {
  test(`a machine with ${why} is ${refusal === null ? 'taken' : 'refused'}`, () => {
    const refusals = refuseOtherCode(own, [{ name: 'gen1', identity: { ...own, ...identity } }]);
    assert.equal(refusals.length, refusal === null ? 0 : 1);
    if (refusal !== null) assert.match(refusals[0]!, refusal);
  });
}
