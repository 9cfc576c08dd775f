// The pure parts of the campaign: what is drawn, what is judged, what is counted.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { countFindings, formatCounts, isClean, judgeEnd, judgeFiles } from './cases.ts';
import { drawLosses, VICTIMS as LOST } from './machines.ts';
import { ACTS, drawBlows, MOMENTS, VICTIMS } from './signals.ts';

test('the same seed draws the same blows; 200 strike every victim, at every moment, in every way', () => {
  const blows = drawBlows(1, 200);
  assert.deepEqual(drawBlows(1, 200), blows);
  assert.notDeepEqual(drawBlows(2, 200), blows);
  assert.deepEqual(drawBlows(1, 10), blows.slice(0, 10), 'a shorter campaign is the start of a longer one');
  for (const victim of VICTIMS)
    assert.ok(
      blows.some(blow => blow.victim === victim),
      victim,
    );
  for (const act of ACTS)
    assert.ok(
      blows.some(blow => blow.act === act),
      act,
    );
  for (const moment of MOMENTS)
    assert.ok(
      blows.some(blow => blow.moment === moment),
      moment,
    );
  assert.ok(blows.some(({ isLogged }) => isLogged));
});

test('20 losses of machines strike every part of a run over machines, most of them for good, some without room on disk', () => {
  const losses = drawLosses(1, 20);
  assert.deepEqual(drawLosses(1, 5), losses.slice(0, 5), 'a shorter campaign is the start of a longer one');
  assert.deepEqual(new Set(losses.map(({ victim }) => victim)), new Set(LOST));
  assert.deepEqual(new Set(losses.map(({ act }) => act)), new Set(['SIGKILL', 'stop']));
  for (const { victim, machine, isCounted } of losses) {
    if (victim === 'target')
      assert.deepEqual([machine, isCounted], [2, false], 'it is on the machine of the server');
  }
  for (const trait of ['isFull', 'isCounted', 'allowsFewer'] as const) {
    assert.ok(losses.some(loss => loss[trait]) && losses.some(loss => !loss[trait]), trait);
  }
});

const ENDS: [why: string, end: Partial<Parameters<typeof judgeEnd>[0]>, defects: string[]][] = [
  ['all is well', { status: 0 }, []],
  ['a status that is not right', { status: 13 }, ['wrongStatus']],
  ['a stack', { status: 0, stderr: 'Error: x\n    at f (file:///a.ts:1:2)\n' }, ['stacks']],
  ['an internal error', { status: 0, stderr: 'internal error (please report it): x' }, ['stacks']],
  ['a sentence with "at"', { status: 0, stdout: '  at most 3 requests' }, []],
];
for (const [why, end, defects] of ENDS) {
  test(`an end: ${why}`, () => {
    const findings = judgeEnd({ status: 0, stdout: '', stderr: '', ...end }, [0, 3]);
    assert.deepEqual(
      findings.map(({ defect }) => defect),
      defects,
    );
  });
}

const FILES: [why: string, files: Record<string, string>, details: RegExp[]][] = [
  ['whole lines', { 'trials.ndjson': '{}\n{}\n' }, []],
  ['a torn line', { 'trials.ndjson': '{}\n{"a' }, [/last line/]],
  ['a line that is not JSON', { 'trials.ndjson': '{}\n{"a\n' }, [/line 2 .*not JSON/]],
  ['a part', { 'trials.ndjson': '', 'run.json.1.part': '' }, [/part was left/]],
  ['a run.json that cannot be read', { 'run.json': '{}' }, [/cannot be read/]],
];
for (const [why, files, details] of FILES) {
  test(`files: ${why}`, async t => {
    const results = await mkdtemp(join(tmpdir(), 'conntax-verdict-'));
    t.after(() => rm(results, { recursive: true, force: true }));
    const dir = join(results, 'runs', '20260101-000000-abcd');
    await mkdir(dir, { recursive: true });
    for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
    const findings = judgeFiles(results, { isTearable: false });
    assert.equal(findings.length, details.length, JSON.stringify(findings));
    for (const [index, detail] of details.entries()) assert.match(findings[index]!.detail, detail);
  });
}

test('counts: every kind is there, and one of any is not clean', () => {
  const clean = countFindings(new Map([['a', []]]));
  assert.deepEqual([clean.tried, clean['orphans'], isClean(clean)], [1, 0, true]);
  const found = countFindings(
    new Map([
      ['a', [{ defect: 'orphans', detail: 'two' }]],
      ['b', []],
    ]),
  );
  assert.deepEqual([found.tried, found['orphans'], isClean(found)], [2, 1, false]);
  assert.deepEqual(found.examples, ['a: orphans: two']);
  assert.match(formatCounts(new Map([['part', found]])), /part .*│ 2 .*orphans 1, halfWritten 0/);
});
