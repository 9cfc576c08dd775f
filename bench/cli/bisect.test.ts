// Ranges as they are typed: versions of a package, and commits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../results/errors.ts';
import { parseCommits, parseVersions } from './bisect.ts';

const versions: [text: string, range: { name: string; from: string; to: string } | null][] = [
  ['undici@7.16.0..7.29.0', { name: 'undici', from: '7.16.0', to: '7.29.0' }],
  ['@scope/name@1..2.3', { name: '@scope/name', from: '1', to: '2.3' }],
  ['undici', null],
  ['undici@7.16.0', null],
  ['undici@7.16.0..', null],
  ['undici@7.16.0...7.29.0', null],
  ['undici@7.16.0-rc.1..7.29.0', null],
  ['undici@v7..v8', null],
  ['undici@^7..8', null],
  ['--global@1..2', null],
  ['@7..8', null],
  ['v1..v2', null],
  ['', null],
];
for (const [text, range] of versions) {
  test(`versions "${text}": ${range === null ? 'refused' : 'understood'}`, () => {
    if (range !== null) assert.deepEqual(parseVersions(text), range);
    else assert.throws(() => parseVersions(text), UsageError);
  });
}

const commits: [text: string, range: { from: string; to: string } | null][] = [
  ['v1.4.0..HEAD', { from: 'v1.4.0', to: 'HEAD' }],
  ['HEAD~20..feature/x', { from: 'HEAD~20', to: 'feature/x' }],
  ['v1.4.0', null],
  ['v1.4.0..', null],
  ['..HEAD', null],
  ['v1...v2', null],
];
for (const [text, range] of commits) {
  test(`commits "${text}": ${range === null ? 'refused' : 'understood'}`, () => {
    if (range !== null) assert.deepEqual(parseCommits(text), range);
    else assert.throws(() => parseCommits(text), UsageError);
  });
}
