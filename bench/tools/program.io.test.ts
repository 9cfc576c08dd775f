// A program that sends load ends when it is asked to, or is killed, and leaves nothing behind.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { childrenWith } from '../run/testing/processes.ts';
import { findProgram, missingProgram, type ToolOrder, ToolRun } from './program.ts';

describe('Programs that misbehave are stopped, bounded, watched, and never left behind', () => {
  const LONG_MS = 600_000;

  /** Runs a line of sh; the word is its name in the list of processes. */
  function runShell(word: string, line: string, order: Partial<ToolOrder> = {}): ToolRun {
    return new ToolRun({
      program: 'sh',
      args: ['-c', line, word],
      stopAfterMs: LONG_MS,
      killAfterMs: LONG_MS,
      ...order,
    });
  }

  /** Burns CPU until SIGINT, then prints that it got the signal and ends. */
  const OBEDIENT = "trap 'echo told; exit 0' INT; echo begun; while :; do :; done";

  test('a program that ends by itself has said all it had to say', async () => {
    const { output, before, after } = await runShell('by-itself', 'echo so; echo it; echo is >&2').result;
    assert.equal(output, 'so\nit\n');
    assert.ok(after.atMs >= before.atMs);
  });

  test('asked to end at its time, it is asked until it does; what it used until then is known', async () => {
    const { output, before, after } = await runShell('in-time', OBEDIENT, { stopAfterMs: 300 }).result;
    assert.match(output ?? '', /^begun\ntold\n$/);
    assert.ok(after.cpuUs > 1_000 && after.cpuUs <= (after.atMs - before.atMs) * 1_100, `${after.cpuUs} us`);
    assert.ok(after.rssBytes > 100_000);
    assert.ok(after.runDelayMs >= 0 && after.runDelayMs <= after.atMs - before.atMs);
    assert.deepEqual([before.cpuUs, before.rssBytes], [0, 0]);
    assert.deepEqual(childrenWith('in-time'), []);
  });

  test('stopped before it listens: nothing was done, and that is no fault', async () => {
    const run = runShell('too-early', 'exec sleep 600');
    run.stop();
    run.stop();
    assert.equal((await run.result).output, undefined);
    assert.deepEqual(childrenWith('too-early'), []);
  });

  test('one that does not end is killed, and the error of its trial says why', async () => {
    const run = runShell('stubborn', "trap '' INT; while :; do :; done", {
      stopAfterMs: 50,
      killAfterMs: 200,
    });
    await assert.rejects(run.result, /^MeasureError: sh did not end within 200 ms/);
    assert.deepEqual(childrenWith('stubborn'), []);
  });

  test('killed by hand it is gone at once, and its result a fault', async () => {
    const run = runShell('by-hand', OBEDIENT);
    const faulty = assert.rejects(run.result, /ended with SIGKILL/);
    await run.kill();
    assert.deepEqual(childrenWith('by-hand'), []);
    await faulty;
    await run.kill();
  });

  test('one that fails is reported with its own message', async () => {
    await assert.rejects(
      runShell('failing', 'echo printed; echo "no such host" >&2; exit 3').result,
      /sh ended with exit status 3: no such host/,
    );
  });

  test('one that is not installed is reported as such', async () => {
    const run = new ToolRun({
      program: 'no-such-tool',
      args: [],
      stopAfterMs: LONG_MS,
      killAfterMs: LONG_MS,
    });
    await assert.rejects(run.result, /no-such-tool/);
    await run.kill();
  });

  test('a program is found on PATH, or what would help is said', () => {
    assert.match(findProgram('sh') ?? '', /\/sh$/);
    assert.equal(findProgram('no-such-tool'), undefined);
    assert.equal(missingProgram('sh'), undefined);
    const { message, hint } = missingProgram('no-such-tool')!;
    assert.match(message, /no-such-tool is not installed/);
    assert.match(hint, /apt-get install no-such-tool.*ifInstalled: true/);
  });
});
