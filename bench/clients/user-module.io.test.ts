// A module of the user's becomes a transport; what is wrong with it is said, and what it does wrong is counted as such.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { suite, type TestContext, test } from 'node:test';
import type { Outcome } from '../../results/model/trial.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import { type ClientAnswer, type ClientDefinition, newExchange, type OwnClient } from '../contracts.ts';
import { RESILIENCE_SETTINGS } from '../resending.ts';
import { openSubject } from './testing/subject.ts';
import { createModule, loadUserModule } from './user-module.ts';

async function writeModule(t: TestContext, text: string, name = 'mine.ts'): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'conntax-module-'));
  t.after(() => rm(dir, { recursive: true }));
  await writeFile(join(dir, name), text);
  return join(dir, name);
}

suite('loading', () => {
  const faults: [what: string, text: string, message: RegExp][] = [
    ['a syntax error', 'export default {', /^cannot be loaded: /],
    ['a throw', 'throw new Error("not today");', /^cannot be loaded: not today \(at \S+mine\.ts:1\)$/],
    [
      'a package that is not there',
      "import 'no-such-package-here';",
      /^cannot be loaded: .*no-such-package-here/,
    ],
    ['nothing exported by default', 'export const a = 1;', /^has no default export$/],
    ['a function', 'export default () => ({});', /no function open\(\)/],
    ['null', 'export default null;', /no function open\(\)/],
    ['no open', 'export default { send() {} };', /no function open\(\)/],
    ['odd honours', 'export default { open() {}, honours: "body" };', /honours that are not a list/],
    ['odd caveats', 'export default { open() {}, caveats: [1] };', /caveats that are not a list/],
    [
      'a getter that throws',
      'export default { get open() { throw new Error("not now"); } };',
      /^cannot be loaded: not now/,
    ],
    [
      'a default export that is a trap',
      'export default new Proxy({}, { get() { throw { toString() { throw 1; } }; } });',
      /^cannot be loaded: a value of type object without a text/,
    ],
    ['odd refuse', 'export default { open() {}, refuse: "all" };', /refuse is not a function/],
  ];
  for (const [what, text, message] of faults) {
    test(`${what} is reported with what is expected`, async t => {
      const loading = await loadUserModule(await writeModule(t, text));
      assert.ok(!loading.isLoaded);
      assert.match(loading.message, message);
      assert.ok(loading.hint.length > 5);
    });
  }

  test('so is a file that is not there, and a folder', async t => {
    const path = await writeModule(t, '');
    for (const [wrong, message] of [
      [`${path}x`, /^cannot be opened: .*ENOENT/],
      [join(path, '..'), /^is not a file$/],
    ] as const) {
      const loading = await loadUserModule(wrong);
      assert.ok(!loading.isLoaded);
      assert.match(loading.message, message);
    }
  });

  test('a plain object will do, in JavaScript too', async t => {
    const text = 'export default { honours: ["api"], open: () => ({ send() {}, close() {} }) };';
    const loading = await loadUserModule(await writeModule(t, text, 'mine.mjs'));
    assert.ok(loading.isLoaded);
    assert.deepEqual(
      [...loading.module.honours].sort(),
      ['api', 'body', 'options', 'timeouts.totalMs', ...RESILIENCE_SETTINGS].sort(),
    );
  });
});

const nowhere: Endpoint = { origin: 'http://127.0.0.1:9', path: '/a?b' };
const good: OwnClient = { send: async () => ({ status: 200, bytes: 3 }), close: () => {} };

function openWith(t: TestContext, definition: Partial<ClientDefinition>, endpoint = nowhere, stated = {}) {
  const module = createModule({ open: () => good, ...definition }, '/tmp/mine.ts');
  return openSubject(t, { name: 'mine', module, settings: { transport: './mine.ts' } }, endpoint, stated);
}

suite('opening', () => {
  test('open is given the endpoint, the settings and the options', async t => {
    const seen: unknown[] = [];
    const open = (context: unknown) => {
      seen.push(context);
      return good;
    };
    const stated = { options: { a: [1] }, pool: { maxConnections: 7 } } as const;
    const { ask } = openWith(t, { open, honours: ['pool.maxConnections'] }, nowhere, stated);
    await ask();
    const { api: _, protocol, requestsPerConnection, pool, timeouts, body } = Client.parse(stated);
    assert.deepEqual(seen, [
      {
        url: 'http://127.0.0.1:9/a?b',
        origin: 'http://127.0.0.1:9',
        path: '/a?b',
        settings: { protocol, requestsPerConnection, pool, timeouts, body },
        options: { a: [1] },
      },
    ]);
  });

  test('it may take its time: what is sent meanwhile waits', async t => {
    const { promise, resolve } = Promise.withResolvers<OwnClient>();
    const { ask, transport } = openWith(t, { open: () => promise });
    const asked = ask();
    resolve(good);
    await transport.ready;
    assert.deepEqual([(await asked).outcome, (await ask()).bodyBytes], ['ok', 3]);
  });

  const bad: [what: string, open: () => unknown, message: RegExp][] = [
    [
      'throws',
      () => {
        throw new Error('no token');
      },
      /^MeasureError: open\(\) of \/tmp\/mine\.ts failed: no token \(at \/.*user-module\.io\.test\.ts:\d+\)$/,
    ],
    ['rejects', async () => Promise.reject(new Error('no token')), /failed: no token \(at /],
    ['returns nothing', () => undefined, /open\(\) of \/tmp\/mine\.ts must return \{ send, close \}/],
    ['lacks close', () => ({ send() {} }), /must return/],
    ['has stats that are no function', () => ({ ...good, stats: 3 }), /must return/],
  ];
  for (const [what, open, message] of bad) {
    test(`an open that ${what} is known before anything is sent`, async t => {
      const { transport, ask } = openWith(t, { open: open as ClientDefinition['open'] });
      await assert.rejects(transport.ready!, error => {
        assert.match(String(error), message);
        return true;
      });
      assert.equal((await ask()).outcome, 'other');
    });
  }
});

suite('answers and errors', () => {
  const answers: [answer: unknown, outcome: Outcome, error: RegExp | undefined][] = [
    [{ status: 200, bytes: 5 }, 'ok', undefined],
    [{ status: 304, bytes: 0 }, 'ok', undefined],
    [{ status: 503, bytes: 5 }, 'ok', undefined],
    [undefined, 'other', /\{ status, bytes \}/],
    [{ status: '200', bytes: 5 }, 'other', /\{ status, bytes \}/],
    [{ status: 200 }, 'other', /\{ status, bytes \}/],
    [{ status: 200, bytes: Number.NaN }, 'other', /\{ status, bytes \}/],
  ];
  for (const [answer, outcome, error] of answers) {
    test(`${JSON.stringify(answer)} is ${outcome}`, async t => {
      const send = async () => answer as ClientAnswer;
      const ended = await openWith(t, { open: () => ({ ...good, send }) }).ask();
      assert.equal(ended.outcome, outcome);
      if (error === undefined) assert.equal(ended.error, undefined);
      else assert.match(ended.error!, error);
    });
  }

  const failed = (members: object) => Object.assign(new Error('it failed'), members);
  const errors: [error: unknown, outcome: Outcome][] = [
    [failed({}), 'other'],
    ['words', 'other'],
    [undefined, 'other'],
    [failed({ code: 'ECONNREFUSED' }), 'refused'],
    [new Error('outer', { cause: failed({ code: 'ECONNRESET' }) }), 'reset'],
    [failed({ outcome: 'staleSocket' }), 'staleSocket'],
    [failed({ outcome: 'ok', code: 'EPIPE' }), 'reset'],
    [failed({ outcome: 'toString' }), 'other'],
    [failed({ status: 500 }), 'badStatus'],
    [failed({ response: { statusCode: 404 } }), 'badStatus'],
    [failed({ response: { status: 200 } }), 'other'],
    [failed({ code: 'ETIMEDOUT', syscall: 'connect' }), 'timeoutConnect'],
    [failed({ code: 'ETIMEDOUT' }), 'timeoutTotal'],
    [failed({ code: 'ECONNABORTED' }), 'timeoutTotal'],
    [new DOMException('too long', 'TimeoutError'), 'timeoutTotal'],
    [new Error('outer', { cause: new DOMException('too long', 'TimeoutError') }), 'timeoutTotal'],
    [failed({ code: 'ECONNRESET', name: 'TimeoutError' }), 'reset'],
    [failed({ code: 'ETIMEDOUT', syscall: 'read' }), 'reset'],
    [failed({ code: 'ERR_STREAM_PREMATURE_CLOSE' }), 'reset'],
    [Object.assign(new Error('stream has been aborted'), { code: 'ERR_BAD_RESPONSE' }), 'reset'],
    [failed({ code: 'ERR_BAD_RESPONSE' }), 'other'],
  ];
  for (const [error, outcome] of errors) {
    test(`thrown: ${String(error)} ${JSON.stringify(error)} is ${outcome}, now or later`, async t => {
      const sends: OwnClient['send'][] = [
        async () => Promise.reject(error),
        () => {
          throw error;
        },
      ];
      for (const send of sends) {
        const ended = await openWith(t, { open: () => ({ ...good, send }) }).ask();
        assert.equal(ended.outcome, outcome);
        assert.ok(ended.error !== undefined && ended.error !== '');
      }
    });
  }

  test('a request that is given up has its signal aborted, if it has asked for one', async t => {
    const signals: AbortSignal[] = [];
    const send: OwnClient['send'] = request => {
      signals.push(request.signal);
      assert.equal(request.signal, signals.at(-1), 'one signal a request');
      return new Promise(() => {});
    };
    const { sendToAbandon, transport } = openWith(t, { open: () => ({ ...good, send }) });
    await transport.ready;
    const [first, second] = [sendToAbandon(), sendToAbandon()];
    first.abandon!();
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, false],
    );
    second.abandon!();
  });

  test('a signal that is asked for too late is aborted already', async t => {
    let isAborted: (() => boolean) | undefined;
    const send: OwnClient['send'] = request => {
      isAborted = () => request.signal.aborted;
      return new Promise(() => {});
    };
    const { sendToAbandon, transport } = openWith(t, { open: () => ({ ...good, send }) });
    await transport.ready;
    sendToAbandon().abandon!();
    assert.equal(isAborted?.(), true);
  });
});

suite('its account', () => {
  async function remarksOf(t: TestContext, stats: OwnClient['stats']) {
    const target = await openTestTarget(t);
    const send = async () => {
      const response = await fetch(target.endpoint.origin, { headers: { connection: 'close' } });
      return { status: response.status, bytes: (await response.arrayBuffer()).byteLength };
    };
    const open = () => ({ ...good, send, ...(stats === undefined ? {} : { stats }) });
    const { askTimes, transport, connections } = openWith(t, { open }, target.endpoint);
    await askTimes(4, 1);
    assert.equal(connections.length, 4);
    assert.equal(transport.openConnections(), 0);
    await transport.close();
    return transport.remarks!();
  }

  test('without stats there is nothing to remark', async t => {
    assert.deepEqual(await remarksOf(t, undefined), []);
  });
  test('nor with the same as ours', async t => {
    assert.deepEqual(await remarksOf(t, () => ({ opened: 4, open: 0 })), []);
  });
  test('stats that are no numbers are remarked as such', async t => {
    const stats = (() => ({ opened: { toString: null }, open: 1 })) as unknown as OwnClient['stats'];
    assert.deepEqual(await remarksOf(t, stats), [
      'Its stats() did not return { opened, open }, two numbers.',
    ]);
  });
  test('another account is remarked', async t => {
    const [remark] = await remarksOf(t, () => ({ opened: 3, open: 1 }));
    assert.match(remark!, /client opened 3 connections, with 1 open at the end; conntax counted 4 and 0/);
  });
});

for (const [what, broken, fault] of [
  [
    'a close that throws',
    { close: () => assert.fail('gone') },
    /^close\(\) of its module failed after \d+ ms: gone$/,
  ],
  [
    'a close that rejects',
    { close: () => Promise.reject(new Error('gone')) },
    /^close\(\) of its module failed after \d+ ms: gone$/,
  ],
  [
    'a close that never settles',
    { close: () => new Promise<void>(() => {}) },
    /^close\(\) of its module did not finish within 2000 ms$/,
  ],
  ['stats that throw', { stats: () => assert.fail('lost') }, /^Its stats\(\) failed: lost\.$/],
] as const) {
  test(`${what}: what was measured is kept, and its connections are closed`, async t => {
    const target = await openTestTarget(t);
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const send = async () => {
      const [response] = (await once(get(target.endpoint.origin, { agent }), 'response')) as [
        IncomingMessage,
      ];
      return { status: response.statusCode!, bytes: (await buffer(response)).length };
    };
    const { ask, transport } = openWith(t, { open: () => ({ ...good, send, ...broken }) }, target.endpoint);
    assert.equal((await ask()).outcome, 'ok');
    await transport.close();
    assert.match([...transport.remarks!(), transport.closing!() ?? ''].join(''), fault);
    assert.equal(transport.openConnections(), 0);
  });
}

for (const [what, refuse, message] of [
  ['throws', () => assert.fail('no such pool'), /^its refuse\(\) failed: no such pool$/],
  ['promises', async () => undefined, /^its refuse\(\) must return a text or nothing, not object$/],
] as const) {
  test(`a refuse() that ${what} is reported as an error of the module`, () => {
    const definition = { open: () => good, refuse } as unknown as ClientDefinition;
    const [refusal] = createModule(definition, '/tmp/mine.ts').refusals(Client.parse({}), Target.parse({}));
    assert.equal(refusal?.path, 'transport');
    assert.match(refusal.message, message);
  });
}

test('it refuses what the module refuses, and a body that is not read unless the module says so', () => {
  const refuse: ClientDefinition['refuse'] = ({ requestsPerConnection }) =>
    requestsPerConnection === 5 ? 'five is right out' : undefined;
  const cases: [stated: object, honours: ClientDefinition['honours'], refused: string[]][] = [
    [{}, [], []],
    [{ requestsPerConnection: 5 }, ['requestsPerConnection'], ['transport']],
    [{ requestsPerConnection: 4 }, ['requestsPerConnection'], []],
    [{ body: 'dump' }, [], ['body']],
    [{ body: 'dump' }, ['body'], []],
    [{ body: 'ignore' }, [], ['body']],
    [{ body: 'ignore' }, ['body'], []],
    [{ pool: { tlsSessions: 'none' } }, ['pool.tlsSessions'], ['pool.tlsSessions']],
  ];
  for (const [stated, honours, refused] of cases) {
    const module = createModule(
      { open: () => good, refuse, ...(honours ? { honours } : {}) },
      '/tmp/mine.ts',
    );
    const found = module.refusals(Client.parse(stated), Target.parse({}));
    assert.deepEqual(
      found.map(({ path }) => path),
      refused,
    );
  }
});

test('a record knows nothing of the exchange before', async t => {
  const answers: ClientAnswer[] = [
    { status: 500, bytes: 9 },
    { status: 200, bytes: 1 },
  ];
  const { ask } = openWith(t, { open: () => ({ ...good, send: async () => answers.shift()! }) });
  const record = newExchange();
  assert.equal((await ask(record)).status, 500);
  const { status, error, bodyBytes, abandon } = await ask(record);
  assert.deepEqual([status, error, bodyBytes, abandon], [200, undefined, 1, undefined]);
});
