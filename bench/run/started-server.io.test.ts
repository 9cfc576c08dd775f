// started-server.io.test.ts: a server is started by its command, found, read and ended; one that cannot be is explained.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Target, withUnknowns } from '../../scenarios/model/target.ts';
import { ChildError } from './child.ts';
import { measureCell } from './run.ts';
import { type CommandTarget, startServer } from './started-server.ts';
import { usageOf } from './targets.ts';
import { childrenWith } from './testing/processes.ts';
import { completed, makeTinyCell } from './testing/tiny-cell.ts';

const folder = mkdtempSync(join(tmpdir(), 'conntax-started-'));
after(() => rmSync(folder, { recursive: true }));

/** `status` is that of /health; the port is the given one, and is printed. */
writeFileSync(
  join(folder, 'server.mjs'),
  `import http from 'node:http';
  const server = http.createServer(({ url }, response) => {
    if (url === '/end') process.exit(7);
    response.statusCode = url === '/health' ? Number(process.env.STATUS ?? 200) : 200;
    response.end('hello');
  });
  console.log('connected to postgres at localhost:5432');
  server.listen(Number(process.env.PORT ?? process.env.HTTP_PORT), process.env.HOST, () =>
    console.log('listening on http://localhost:' + server.address().port));`,
);
const SERVER = `'${process.execPath}' server.mjs`;

function targetOf(stated: Partial<Target>): CommandTarget {
  const raw = { command: SERVER, cwd: folder, readyTimeoutMs: 20_000, ...stated };
  return Target.parse(withUnknowns(raw)) as CommandTarget;
}

function startIt(stated: Partial<Target>, signal = new AbortController().signal) {
  return startServer(targetOf(stated), { cpu: null, secrets: ['hunter2'], signal });
}

async function bodyOf(origin: string): Promise<string> {
  return (await fetch(`${origin}/`)).text();
}

describe('a server answers where it was started', () => {
  const sound: [why: string, stated: Partial<Target>][] = [
    ['on the port that it was given', {}],
    ['in a variable of another name', { portEnv: 'HTTP_PORT', command: `unset PORT; ${SERVER}` }],
    ['on the port that it prints, among those of others', { portFrom: 'output' }],
    ['on IPv6 alone', { env: { HOST: '::1' } }],
    ['by a script that starts it', { command: `sh -c "${SERVER}; :"` }],
    ['once its path for that does', { ready: '/health' }],
  ];
  for (const [why, stated] of sound) {
    test(why, async () => {
      const server = await startIt(stated);
      try {
        assert.equal(await bodyOf(server.endpoint.origin), 'hello');
        const usage = usageOf(await server.read());
        assert.ok(usage !== null && usage.cpuUs > 0 && usage.rssBytes > 0, JSON.stringify(usage));
      } finally {
        await server.kill();
      }
      await assert.rejects(bodyOf(server.endpoint.origin));
      assert.deepEqual(childrenWith('server.mjs'), []);
    });
  }
});

describe('one that cannot be measured is explained, and nothing of it is left', () => {
  const short = { readyTimeoutMs: 1_500 };
  const faulty: [why: string, stated: Partial<Target>, message: RegExp, output: RegExp][] = [
    [
      'it ends',
      { command: 'echo token hunter2, no such module >&2; exit 1' },
      /^the server of `echo .*` ended \(exit status 1\) before it answered; expected: a command that keeps running in the foreground, and listens on the port in the environment variable PORT$/,
      /^token \[redacted\], no such module$/,
    ],
    [
      'it never listens',
      { ...short, command: 'echo waiting; sleep 600; :' },
      /was not ready within 1\.5 s: .*ECONNREFUSED.*expected: a server that listens on the port in the environment variable PORT, and answers \/$/,
      /^waiting$/,
    ],
    [
      'it is not ready',
      { readyTimeoutMs: 6_000, ready: '/health', env: { STATUS: '500' } },
      /was not ready within 6 s: \/health answered with status 500 .*with a status below 400$/,
      /listening on/,
    ],
    [
      'it prints ports of others only',
      { ...short, portFrom: 'output', command: 'echo postgres at localhost:5432; sleep 600; :' },
      /printed no port that it listens on within 1\.5 s; expected: a line such as http:\/\/127\.0\.0\.1:3000/,
      /5432/,
    ],
  ];
  for (const [why, stated, message, output] of faulty) {
    test(why, async () => {
      await assert.rejects(startIt(stated), (error: unknown) => {
        assert.ok(error instanceof ChildError, String(error));
        assert.match(error.message, message);
        assert.match(error.stderr, output);
        return true;
      });
      assert.deepEqual([...childrenWith('server.mjs'), ...childrenWith('sleep 600')], []);
    });
  }

  test('nor after an interruption', async () => {
    const interrupt = new AbortController();
    const starting = startIt({ command: 'sleep 600; :' }, interrupt.signal);
    setImmediate(() => interrupt.abort());
    await assert.rejects(starting, /interrupted/);
    assert.deepEqual(childrenWith('sleep 600'), []);
  });
});

test('in a run, its CPU time is in every slice; a crash is a failed trial with the end of its output', async () => {
  const target = targetOf({});
  const cell = makeTinyCell({ target });
  const { arms } = await measureCell({ ...cell.options, server: undefined });
  const trials = completed(cell.results());
  assert.equal(trials.length, 2, JSON.stringify(cell.results()));
  for (const { measurement } of trials) {
    assert.ok(measurement.slices.every(({ targetCpuUs }) => targetCpuUs !== null && targetCpuUs > 0));
    assert.ok(measurement.target!.cpuUsPerRequest > 0 && measurement.target!.eventLoopRatio === null);
    assert.equal(measurement.ledger.acceptedBy, 'kernel');
  }
  assert.ok(arms.every(({ targetCpuUsPerRequest }) => targetCpuUsPerRequest! > 0));

  const crashing = makeTinyCell({ target, request: { path: '/end' } });
  await measureCell({ ...crashing.options, server: undefined });
  const errors = crashing.results().flatMap(result => (result.state === 'failed' ? [result.error] : []));
  assert.ok(
    errors.some(({ code }) => code === 'target-died'),
    JSON.stringify(crashing.results()),
  );
  assert.match(errors[0]!.message, /ended unexpectedly \(exit status 7\)/);
  assert.match(errors[0]!.detail!, /listening on/);
  assert.deepEqual(childrenWith('server.mjs'), []);
});
