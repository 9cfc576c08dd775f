// Which load tools refuse a HEAD request: those that would wait for the body of its answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../scenarios/model/client.ts';
import { Request } from '../../scenarios/model/request.ts';
import { Target } from '../../scenarios/model/target.ts';
import autocannon from './autocannon.ts';
import hey from './hey.ts';
import wrk from './wrk.ts';

for (const [transport, tool, isRefused] of [
  ['autocannon', autocannon, true],
  ['wrk', wrk, true],
  ['hey', hey, false],
] as const) {
  test(`${transport} ${isRefused ? 'refuses' : 'sends'} a HEAD request`, () => {
    const requests = [Request.parse({ method: 'HEAD' })];
    const refusals = tool.refusals?.(Client.parse({ transport }), Target.parse({}), requests) ?? [];
    assert.equal(
      refusals.some(({ message }) => message.includes('HEAD')),
      isRefused,
    );
  });
}
