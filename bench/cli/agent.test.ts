// `conntax agent` at a terminal says what it is, instead of waiting for messages that nobody types.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../results/errors.ts';
import { agentCommand } from './agent.ts';
import type { Context } from './context.ts';

test('an agent at a terminal says who starts it, and how', async t => {
  const stated = Object.getOwnPropertyDescriptor(process.stdin, 'isTTY');
  t.after(() => {
    if (stated === undefined) Reflect.deleteProperty(process.stdin, 'isTTY');
    else Object.defineProperty(process.stdin, 'isTTY', stated);
  });
  Object.defineProperty(process.stdin, 'isTTY', { value: true, configurable: true });
  await assert.rejects(agentCommand({ version: '0.0.0' } as Context), (error: unknown) => {
    assert.ok(error instanceof UsageError);
    assert.match(error.message, /started by a run .* is a terminal; expected: conntax run … --machine/);
    return true;
  });
});
