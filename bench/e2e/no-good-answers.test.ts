// An arm without one good answer has no figures: exit status 3, in every file, and no baseline; unless errors are expected.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import net, { type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { listenOnLoopback } from '../../servers/testing/servers.ts';
import { callCli } from '../testing/in-process.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const GOOD = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const BAD = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n';

/** Answers its first connection well, which is the question before the run, and fails all others. */
async function startServer(t: TestContext, fail: (socket: Socket) => void): Promise<string> {
  let isFirst = true;
  const server = net.createServer(socket => {
    if (isFirst) socket.once('data', () => socket.end(GOOD));
    else fail(socket);
    isFirst = false;
  });
  return `http://127.0.0.1:${await listenOnLoopback(t, server)}/`;
}

/** Users that ask again at once would take both cores. */
const SERVICE_MS = 5;

function refuse(socket: Socket): void {
  socket.on('data', () => setTimeout(() => socket.write(BAD), SERVICE_MS));
}

function scenario(name: string, more: Partial<ScenarioInput>): ScenarioInput {
  return { ...tinyScenario(), name, ...more };
}

test('every request fails, in every way', async t => {
  const workspace = await openWorkspace(t);
  const { dir } = workspace;
  const unavailable = await startServer(t, refuse);
  const reset = await startServer(t, socket => void setTimeout(() => socket.resetAndDestroy(), SERVICE_MS));
  const garbage = await startServer(t, socket =>
    socket.once('data', () => setTimeout(() => socket.end('not HTTP\r\n\r\n'), SERVICE_MS)),
  );
  await writeFile(
    join(dir, 'throws.ts'),
    `const later = () => new Promise(resolve => setTimeout(resolve, ${SERVICE_MS}));
export default { open: () => ({ send: async () => { await later(); throw new Error('no token'); }, close: async () => {} }) };
`,
  );
  const cells: [name: string, more: Partial<ScenarioInput>, cause: RegExp][] = [
    ['unavailable', { target: { url: unavailable } }, /× bad status, for example "status 503"/],
    ['reset', { target: { url: reset } }, /× (connection reset|reset on)/],
    ['garbage', { target: { url: garbage } }, /× other, for example ".*HTTP/],
    [
      'throws',
      { clients: { persistent: {}, mine: { transport: './throws.ts' } }, baseline: 'persistent' },
      /none of [\d,]+ requests of mine succeeded: [\d,]+ × other, for example ".*no token/,
    ],
  ];
  const files: string[] = [];
  for (const [name, more] of cells)
    files.push(await workspace.writeScenario(scenario(name, more), `${name}.json`));
  const { status, stdout, stderr } = await runHere(t, ['run', ...files, '--verbose'], { cwd: dir });
  assert.equal(status, 3, stderr + stdout);
  const { run, trials, dir: folder } = workspace.onlyRun();

  for (const [name, , cause] of cells) {
    await t.test(`${name}: its trials failed, and say why`, () => {
      const failed = trials.filter(({ trial, state }) => trial.cell === name && state === 'failed');
      assert.equal(failed.length, name === 'throws' ? 1 : 2);
      for (const trial of failed) {
        assert.ok(trial.state === 'failed');
        assert.equal(trial.error.code, 'no-good-answer', trial.error.message);
        assert.match(trial.error.message, cause);
      }
      assert.match(stdout.replaceAll(/\s+/g, ' '), cause);
    });
  }

  await t.test('run.json, junit.xml and the report agree', () => {
    assert.equal(run!.state, 'failed');
    assert.match(stdout, /^Nothing can be compared\n[\s\S]*✗ 3 of 4 not measured$/m);
    const junit = readFileSync(join(folder, 'junit.xml'), 'utf8');
    assert.match(junit, /errors="4"/);
  });

  await t.test('it can be no baseline', async () => {
    const saved = await callCli(['baseline', 'save'], { cwd: dir });
    assert.equal(saved.status, 3);
    assert.match(saved.stderr, /is failed: only a complete run can be a baseline/);
  });
});

test('errors that the scenario expects are its result: exit status 0', async t => {
  const workspace = await openWorkspace(t);
  const url = await startServer(t, refuse);
  const expect = ['short', 'persistent'].map(of => ({ metric: 'successRatio' as const, of, atMost: 0.05 }));
  const file = await workspace.writeScenario(scenario('expected', { target: { url }, expect }));
  const { status, stdout, stderr } = await runHere(t, ['run', file, '--verbose'], { cwd: workspace.dir });
  assert.equal(status, 0, stderr + stdout);
  assert.match(
    stdout,
    /^Nothing can be compared\n+Does it run\?.*\nNo request of short and persistent succeeded/,
  );
});
