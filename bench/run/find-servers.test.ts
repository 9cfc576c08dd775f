// A server that refuses all that it is asked before the run gets no load, unless failures are what a scenario is about.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FOUND_SERVER } from '../../results/testing/sample-run.ts';
import { Scenario, type ScenarioInput } from '../../scenarios/model/scenario.ts';
import { requireWelcome } from './find-servers.ts';

const url = 'http://127.0.0.1:3000/health';

function check(statuses: readonly number[], input: Partial<ScenarioInput> = {}, mustBeGood = false): void {
  const scenario = Scenario.parse({
    name: 'one',
    question: 'Is it welcome?',
    target: { url },
    clients: { ours: {} },
    baseline: 'ours',
    ...input,
  });
  const answers = statuses.map(status => ({
    name: undefined,
    asked: url,
    facts: { ...FOUND_SERVER, url, status },
  }));
  const [first] = answers;
  const servers = [{ answers, facts: first!.facts, reach: {}, request: undefined as never }] as const;
  requireWelcome(scenario, { servers: [...servers] }, mustBeGood);
}

const refused: [status: number, hint: RegExp][] = [
  [401, /status 401 \(Unauthorized\).*none was sent.*request\.headers\.authorization with credentials/],
  [403, /credentials/],
  [404, /\(Not Found\).*another path, or target\.expectStatus with 404/],
  [405, /another method \(request\.method\)/],
  [418, /another request, or/],
];
for (const [status, message] of refused) {
  test(`a server that responds with ${status} gets no load`, () => {
    assert.throws(() => check([status]), { exitCode: 2, message });
  });
}

const welcome: [why: string, statuses: readonly number[], input?: Partial<ScenarioInput>][] = [
  ['it answers', [200]],
  ['it is in trouble, which may pass', [503]],
  ['one of its requests is answered', [404, 200]],
  ['the status is expected', [404], { target: { url, expectStatus: [404] } }],
  ['the scenario expects failures', [401], { expect: [{ metric: 'successRatio', of: 'ours', atMost: 0.1 }] }],
  [
    "a user's module may send credentials of its own",
    [401],
    { clients: { ours: { transport: './mine.mjs', modulePath: '/mine.mjs' } } },
  ],
];
for (const [why, statuses, input] of welcome) {
  test(`load is sent where ${why}`, () => check(statuses, input));
}

test('a bad request may be for want of a content type, where there is a body without one', () => {
  const none = /headers\.content-type .*such as application\/json \(none was sent\)/;
  for (const status of [400, 415, 422])
    assert.throws(() => check([status], { request: { method: 'POST', body: '{}' } }), { message: none });
  const request = { method: 'POST', body: '{}', headers: { 'Content-Type': 'text/plain' } } as const;
  for (const body of [{}, { request }])
    assert.throws(() => check([400], body), { message: /Expected: another request, or/ });
});

test('where the response has to be good, a server in trouble gets no load, nor one that responds otherwise than expected', () => {
  assert.throws(() => check([503], {}, true), { message: /Expected: a server that works, or/ });
  assert.throws(() => check([200], { target: { url, expectStatus: ['4xx'] } }, true), { exitCode: 2 });
  check([204], {}, true);
});
