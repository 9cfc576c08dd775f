// The machine is described as a run stores it, and processes are pinned only to cores that this one may use.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { Host, Run } from '../../results/model/run.ts';
import { describeGit, describeHost, parseCpuList, pinningTo } from './host.ts';

suite('parseCpuList', () => {
  const cases: [list: string, cpus: number[]][] = [
    ['0', [0]],
    ['0-3', [0, 1, 2, 3]],
    ['0-1,4', [0, 1, 4]],
    ['2,5-6,9', [2, 5, 6, 9]],
    ['10-11', [10, 11]],
    ['', []],
    ['none', []],
  ];
  for (const [list, cpus] of cases) {
    test(`"${list}" is [${cpus}]`, () => assert.deepEqual(parseCpuList(list), cpus));
  }
});

suite('describeHost', () => {
  test('is what a stored run holds, of this process', async () => {
    const host = await describeHost();
    assert.deepEqual(Host.parse(JSON.parse(JSON.stringify(host))), host);
    assert.equal(host.node, process.version);
    assert.ok(host.cpuCount >= 1 && host.memoryBytes > 0);
  });

  test('the packages that measure are there, each with its version', async () => {
    const { packages } = await describeHost();
    for (const name of ['undici', 'fastify', 'hdr-histogram-js']) {
      assert.match(packages[name] ?? '', /^\d+\.\d+\.\d+/, name);
    }
    assert.ok(!Object.values(packages).includes('unknown'), JSON.stringify(packages));
  });

  test('target and generators are pinned to two cores, or it says why not', async () => {
    const { pinning, pinningDetail } = await describeHost();
    if (pinning === null) assert.match(pinningDetail, /^not pinned: /);
    else {
      assert.notEqual(pinning.targetCpu, pinning.generatorCpu);
      assert.ok(pinningDetail.includes(`core ${pinning.targetCpu}`), pinningDetail);
    }
  });
});

for (const [why, cpus, siblings, generatorCpus, isShared] of [
  ['a physical core each', [0, 1], { 0: [0], 1: [1] }, [1], false],
  ['threads of a core side by side', [0, 1, 2, 3], { 0: [0, 1], 2: [2, 3], 3: [2, 3] }, [2, 3, 1], false],
  ['threads of a core far apart', [0, 1, 2, 3], { 0: [0, 2], 1: [1, 3], 3: [1, 3] }, [1, 3, 2], false],
  [
    'physical cores come first',
    [0, 1, 2, 3, 4, 5],
    { 0: [0, 1], 1: [0, 1], 2: [2, 3], 3: [2, 3], 4: [4, 5], 5: [4, 5] },
    [2, 4, 3, 5, 1],
    false,
  ],
  ['no other core', [0, 1], { 0: [0, 1] }, [1], true],
  ['not the first cores', [4, 5, 6], { 4: [4, 5] }, [6, 5], false],
  ['the kernel does not say', [0, 1, 2], {}, [1, 2], false],
] as const) {
  test(`pinning, ${why}: generators go to ${generatorCpus}`, () => {
    const known: Record<number, readonly number[]> = siblings;
    const { pinning, pinningDetail } = pinningTo(cpus, cpu => known[cpu] ?? []);
    assert.deepEqual(pinning, { targetCpu: cpus[0], generatorCpu: generatorCpus[0], generatorCpus });
    assert.equal(pinningDetail.includes('one physical core'), isShared);
  });
}

suite('describeGit', () => {
  function makeFolder(t: TestContext): string {
    const folder = mkdtempSync(join(tmpdir(), 'conntax-git-'));
    t.after(() => rmSync(folder, { recursive: true }));
    return folder;
  }

  test('a folder outside of any work tree is null', async t => {
    assert.equal(await describeGit(makeFolder(t)), null);
  });

  test('a work tree has a commit, and is dirty once something is not in it', async t => {
    const folder = makeFolder(t);
    const git = (...words: string[]): string =>
      execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', ...words], {
        encoding: 'utf8',
      });
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '--message', 'first');
    const commit = git('rev-parse', 'HEAD').trim();
    assert.deepEqual(await describeGit(folder), { commit, isDirty: false });
    writeFileSync(join(folder, 'new'), '');
    const dirty = await describeGit(folder);
    assert.deepEqual(Run.shape.git.parse(dirty), { commit, isDirty: true });
    git('remote', 'add', 'origin', 'https://me:secret@git.example.com/us/ours.git');
    const known = { commit, isDirty: true, repositoryUrl: 'https://git.example.com/us/ours' };
    assert.deepEqual(Run.shape.git.parse(await describeGit(folder)), known);
  });
});
