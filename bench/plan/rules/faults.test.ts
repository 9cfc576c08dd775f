// Faults that the protocol, the requests, the behaviour or a client cannot do are refused at their place; the real plug-ins.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Faults } from '../../../scenarios/model/target.ts';
import type { BehaviourModule } from '../../../servers/behaviour.ts';
import { behaviours } from '../../../servers/behaviours/index.ts';
import { transports } from '../../clients/index.ts';
import type { ClientPlugin } from '../../contracts.ts';
import { loadPlugins } from '../read-scenarios.ts';
import { createValidator } from '../validate.ts';

type Stated = Record<string, unknown>;

const ALL = ['status', 'close', 'closeInBody', 'reset', 'noAnswer', 'slowBytes', 'connectionClose'].map(
  kind => ({ kind, ratio: 0.01 }),
);
const H2 = { protocol: 'h2', tls: '1.3' };

describe('Faults are possible or refused', async () => {
  const validate = createValidator({
    transports: await loadPlugins<ClientPlugin>(transports),
    behaviours: await loadPlugins<BehaviourModule>(behaviours),
  });

  function problemsOf({ target = {}, client = {}, ...scenario }: Record<string, Stated>) {
    const raw = { name: 'a', question: 'q', target, clients: { one: client }, baseline: 'one', ...scenario };
    const validation = validate(raw, 'a.ts');
    return validation.isValid ? [] : validation.problems;
  }

  test('shares add up to at most 1 at any time', () => {
    const at = (fromMs: number, toMs: number) => ({ kind: 'reset', ratio: 0.6, during: { fromMs, toMs } });
    assert.ok(Faults.safeParse([at(0, 10), at(10, 20)]).success);
    assert.ok(!Faults.safeParse([at(0, 10), at(9, 20)]).success);
    assert.ok(!Faults.safeParse([{ kind: 'reset', ratio: 0.6 }, at(9, 20)]).success);
  });

  test('the list has every kind', () => {
    assert.equal(Faults.parse(ALL).length, 7);
  });

  const sound: Record<string, Stated>[] = [
    { target: { faults: ALL } },
    { target: { faults: ALL, tls: '1.3' }, client: { requestsPerConnection: 1 } },
    { target: { faults: ALL, behaviour: { name: 'stream' } } },
    { target: { ...H2, faults: [ALL[0], ALL[4], ALL[5]] }, client: { protocol: 'h2' } },
    { target: { faults: [ALL[0], ALL[5]] }, client: { transport: 'wire', pool: { pipelining: 4 } } },
    { target: { faults: ALL }, client: { transport: 'autocannon' } },
    { target: { faults: [ALL[0]] }, client: { transport: 'fetch' } },
    { target: { faults: [{ ...ALL[0], during: { fromMs: 0, toMs: 9 } }] }, timing: { slicing: 'whole' } },
  ];
  for (const scenario of sound) {
    test(`sound: ${JSON.stringify(scenario)}`, () => assert.deepEqual(problemsOf(scenario), []));
  }

  const wrong: [scenario: Record<string, Stated>, paths: string[], says: RegExp][] = [
    [
      { target: { ...H2, faults: ALL } },
      [1, 2, 3, 6].map(index => `target.faults.${index}`),
      /^close ends the connection, which over HTTP\/2 carries other requests.*; another kind \(status, noAnswer, slowBytes\), or protocol: 'http1'$/,
    ],
    [
      { target: { faults: ALL, behaviour: { name: 'fixed', bytes: 0 } } },
      ['target.faults.2', 'target.faults.5'],
      /^closeInBody happens within the body, .*bytes of at least 1$/,
    ],
    [
      { target: { faults: ALL }, request: { method: 'HEAD' } },
      ['clients.one.requestsPerConnection', 'target.faults.2', 'target.faults.5'],
      /HEAD/,
    ],
    [
      { target: { faults: ALL, expectStatus: [404] } },
      ['target.expectStatus'],
      /^answers without a fault have status 200/,
    ],
    [
      { target: { faults: ALL }, client: { pool: { pipelining: 2 } } },
      ['clients.one.pool.pipelining'],
      /^target\.faults has close, and pipelined requests wait on the same connection/,
    ],
    [
      { target: { faults: [ALL[2]] }, client: { body: 'ignore' } },
      ['clients.one.body'],
      /^target\.faults has closeInBody, which a client that does not read/,
    ],
    [
      { target: { faults: [ALL[1], ALL[2]], framing: 'close' } },
      ['target.faults.1'],
      /^a body that ends with its connection looks whole wherever it is cut/,
    ],
    [
      { target: { faults: ALL, url: 'http://127.0.0.1/' } },
      ['target.faults'],
      /^only conntax's own server.*without a url$/,
    ],
    [
      { target: { faults: ALL, command: 'node server.js' } },
      ['target.faults'],
      /^only conntax's own server.*without a command$/,
    ],
    [{ target: { faults: [{ kind: 'close', ratio: 0 }] } }, ['target.faults.0.ratio'], /above 0/],
    [
      { target: { faults: [0.6, 0.5].map(ratio => ({ kind: 'close', ratio })) } },
      ['target.faults'],
      /ratios must add up to at most 1/,
    ],
    [
      { target: { faults: [{ ...ALL[0], during: { fromMs: 0, toMs: 9 } }] } },
      ['target.faults.0'],
      /^a fault during a part of the window needs a slice that is all of a replicate; timing.slicing: 'whole'/,
    ],
    [
      {
        target: { faults: [{ ...ALL[0], during: { fromMs: 500, toMs: 900 } }] },
        timing: { slicing: 'whole', measureMs: 500 },
      },
      ['target.faults.0'],
      /^a window of 500 ms is over before this fault begins; fromMs below 500/,
    ],
    [
      { target: { faults: [{ ...ALL[0], during: { fromMs: 9, toMs: 9 } }] } },
      ['target.faults.0.during.toMs'],
      /must be more than fromMs/,
    ],
    [
      { target: { faults: [{ kind: 'status', status: 421, ratio: 0.1 }] }, client: { transport: 'fetch' } },
      ['clients.one.api'],
      /on status 421.*fetch sends the request again/,
    ],
    [
      { target: { faults: [{ kind: 'status', status: 407, ratio: 0.1 }] }, client: { api: 'fetch' } },
      ['clients.one.api'],
      /on status 407.*fetch fails/,
    ],
  ];
  for (const [scenario, paths, says] of wrong) {
    test(`${JSON.stringify(scenario)}: ${paths.join(', ')}`, () => {
      const problems = problemsOf(scenario);
      assert.deepEqual(problems.map(({ path }) => path).sort(), [...paths].sort());
      assert.match(`${problems[0]!.message}; ${problems[0]!.hint}`, says);
    });
  }

  for (const [transport, why] of [
    ['wrk', /^wrk does not count each failure of kind close.*drops its requests/],
    ['hey', /^hey does not count each failure of kind close.*sends a request again/],
  ] as const) {
    test(`${transport} counts whole answers only`, () => {
      const [problem] = problemsOf({ target: { faults: ALL }, client: { transport } });
      assert.equal(problem!.path, 'clients.one.transport');
      assert.match(problem!.message, why);
      const counted = [ALL[0], ALL[5], ALL[6]];
      assert.deepEqual(
        problemsOf({ target: { faults: counted }, client: { transport } }).filter(({ message }) =>
          message.includes('faults'),
        ),
        [],
      );
    });
  }
});
