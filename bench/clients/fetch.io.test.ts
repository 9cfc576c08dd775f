// What is the built-in fetch's own: what it refuses and why, as facts of this version of Node.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import { suite, test } from 'node:test';
import type { z } from 'zod';
import { Client } from '../../scenarios/model/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import { createCertificate } from '../../servers/app.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import { eventually } from '../run/testing/processes.ts';
import nodeFetch from './fetch.ts';
import { answerWith, openMisbehavingServer } from './testing/misbehaving-server.ts';
import { openSubject, type Stated, type Subject } from './testing/subject.ts';

const subject: Subject = { name: 'fetch', module: nodeFetch, settings: { transport: 'fetch' } };

suite('refusals', () => {
  const h2 = { protocol: 'h2', tls: '1.3' } as const;
  const cases: [stated: Stated, target: z.input<typeof Target>, paths: string[]][] = [
    [{}, {}, []],
    [{ requestsPerConnection: 1 }, {}, []],
    [{ requestsPerConnection: 2 }, {}, ['requestsPerConnection']],
    [{ body: 'dump' }, {}, ['body']],
    [{ body: 'ignore' }, {}, []],
    [{ protocol: 'h2', body: 'ignore' }, h2, ['body']],
    [{}, { tls: '1.3' }, []],
    [{}, h2, ['protocol']],
    [{ protocol: 'h2' }, h2, []],
    [{ protocol: 'h2' }, { tls: '1.3' }, ['protocol']],
    [{ protocol: 'h2', requestsPerConnection: 1 }, h2, ['requestsPerConnection']],
  ];
  for (const [stated, target, paths] of cases) {
    test(`${JSON.stringify(stated)} to ${JSON.stringify(target)}: ${paths.join(', ') || 'none'}`, () => {
      const refused = nodeFetch.refusals(Client.parse(stated), Target.parse(target));
      assert.deepEqual(
        refused.map(({ path }) => path),
        paths,
      );
    });
  }
});

suite('facts of this version', { concurrency: true }, () => {
  test('where HTTP/2 is offered it is spoken, and a new connection for each request cannot be had', async t => {
    const { keyPem: key, certPem: cert } = await createCertificate();
    const versions = new Set<string>();
    let accepted = 0;
    const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
      versions.add(request.httpVersion);
      response.end('ok');
    });
    server.on('secureConnection', () => accepted++);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => new Promise(resolve => server.close(resolve)));
    const { port } = server.address() as { port: number };
    const endpoint = { origin: `https://127.0.0.1:${port}`, path: '/', caPem: cert };
    const { askTimes, connections } = openSubject(t, subject, endpoint, { requestsPerConnection: 1 });
    const ended = await askTimes(6, 2);
    assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
    assert.deepEqual([...versions], ['2.0']);
    assert.ok(accepted < 6, `${accepted} accepted`);
    assert.equal(connections.length, accepted);
  });

  test('only with totalMs does it get a signal: else what is given up goes on by itself, as without conntax', async t => {
    for (const [timeouts, isEnded] of [
      [{}, false],
      [{ totalMs: 60_000 }, true],
    ] as const) {
      let release: () => void = () => {};
      const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
        if (ofAll === 1) release = () => socket.write(answerWith('late'));
        else socket.write(answerWith('ok'));
      });
      const { sendToAbandon, ask } = openSubject(t, subject, server.endpoint, { timeouts });
      const given = sendToAbandon();
      await eventually('the request has arrived', () => server.requests === 1);
      given.abandon!();
      assert.equal((await ask()).outcome, 'ok');
      if (isEnded) await eventually('its connection is closed', () => server.open === server.accepted - 1);
      else {
        release();
        await eventually('its answer has come', () => given.bodyBytes === 4);
      }
    }
  });

  test('its pool is not its own: what was kept alive by another arm of the process would be used again', async t => {
    const target = await openTestTarget(t);
    const before = openSubject(t, subject, target.endpoint);
    await before.ask();
    const { askTimes } = openSubject(t, subject, target.endpoint, { requestsPerConnection: 1 });
    await askTimes(3, 1);
    assert.ok(target.read().accepted < 4);
  });
});
