// Flows: what a user does, in order, until its turn is over; and what is no flow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countRequests, parseFlow, RequestList, runFlow, type Step } from './flow.ts';

test('steps are parsed, and equal requests are one', () => {
  const requests = new RequestList();
  const flow = [
    { request: { path: '/a' } },
    { think: 0.5 },
    { loop: [{ request: { path: '/b' } }, { request: { path: '/a' } }], count: 3 },
  ];
  assert.deepEqual(parseFlow(flow, 'flow', requests), [
    { type: 'request', request: 0 },
    { type: 'think', ms: 500 },
    {
      type: 'loop',
      count: 3,
      steps: [
        { type: 'request', request: 1 },
        { type: 'request', request: 0 },
      ],
    },
  ] satisfies Step[]);
  assert.deepEqual(countRequests(parseFlow(flow, 'flow', requests)), [4, 3]);
  assert.deepEqual(requests.settings([4, 3]), {
    requests: [
      { path: '/a', weight: 4 },
      { path: '/b', weight: 3 },
    ],
  });
});

test('a mistake is named by its place', () => {
  const cases: [unknown, RegExp][] = [
    [undefined, /^flow: there is nothing to do/],
    [[{ get: { url: '/' } }], /^flow\[0\]: unknown step "get"; expected: request/],
    [[{ think: '1s' }], /^flow\[0\]\.think: "1s" is not a number of seconds/],
    [[{ loop: [{ request: {} }] }], /^flow\[0\]\.count: undefined is not a whole number/],
    [[{ loop: [{ request: '/' }], count: 2 }], /^flow\[0\]\.loop\[0\]\.request: "\/" is not a request/],
    [[{ request: {}, think: 1 }], /^flow\[0\]: expected one of/],
    [
      [{ request: { path: '/users/{{ id }}' } }],
      /^flow\[0\]\.request: \{\{ id \}\} is a variable.*expected: a fixed value/,
    ],
  ];
  for (const [flow, message] of cases)
    assert.throws(() => parseFlow(flow, 'flow', new RequestList()), { message });
});

test('a user does its steps in order, and none when its turn is over', async () => {
  const steps = parseFlow(
    [{ request: {} }, { loop: [{ request: { path: '/b' } }, { think: 60 }], count: 2 }],
    'flow',
    new RequestList(),
  );
  const over = new AbortController();
  const sent: number[] = [];
  await runFlow(steps, {
    over: over.signal,
    send: async request => {
      sent.push(request);
      // Within the pause that follows.
      if (request === 1) setImmediate(() => over.abort());
    },
  });
  assert.deepEqual(sent, [0, 1]);
});
