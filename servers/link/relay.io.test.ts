// The relay between real sockets: bytes, ends, resets, pressure and time pass through it as over a network.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { eventually } from '../../bench/run/testing/processes.ts';
import { Link } from '../../scenarios/model/target.ts';
import type { Scope } from '../testing/client.ts';
import { type OpenRelay, openRelay } from './relay.ts';

interface Ends {
  relay: OpenRelay;
  /** A new connection through the relay: the client's end. It may be half closed. */
  dial(): Socket;
  /** The target's end of the connection that was dialled first and not asked for yet. */
  accepted(): Promise<Socket>;
}

/** Opens both for the length of the test. The target's ends do nothing by themselves but to survive errors. */
async function openEnds(scope: Scope, stated: Record<string, unknown> = {}): Promise<Ends> {
  const arrived: Socket[] = [];
  const waiting: ((socket: Socket) => void)[] = [];
  const open = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
    return socket;
  };
  const target = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    keep(socket);
    const take = waiting.shift();
    if (take) take(socket);
    else arrived.push(socket);
  });
  await once(target.listen(0, '127.0.0.1'), 'listening');
  const upstreamPort = (target.address() as AddressInfo).port;
  const relay = await openRelay({ upstreamPort, link: Link.parse(stated), seed: 1 });
  scope.after(async () => {
    for (const socket of open) socket.destroy();
    await relay.close();
    target.close();
  });
  return {
    relay,
    dial: () => keep(connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })),
    accepted: () => {
      const socket = arrived.shift();
      return socket ? Promise.resolve(socket) : new Promise(resolve => waiting.push(resolve));
    },
  };
}

/** Reads until the peer ends its direction. */
async function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

/** Reads exactly this number of bytes; more would be an error. */
async function readBytes(socket: Socket, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let left = count;
  while (left > 0) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    chunks.push(chunk);
    left -= chunk.length;
  }
  assert.equal(left, 0);
  return Buffer.concat(chunks);
}

/** The code of the error by which the socket ends. */
async function readErrorCode(socket: Socket): Promise<string | undefined> {
  socket.resume();
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code;
}

const WAYS = ['client to target', 'target to client'] as const;

/** Both ends of a new connection, the sending one first. */
async function open(ends: Ends, way: (typeof WAYS)[number]): Promise<[sender: Socket, receiver: Socket]> {
  const client = ends.dial();
  const target = await ends.accepted();
  return way === 'client to target' ? [client, target] : [target, client];
}

suite('bytes', () => {
  test('arrive as they were sent, both ways at once, whatever the jitter and the rate', async t => {
    const chunk = fc.integer({ min: 1, max: 40_000 }).map(bytes => Buffer.alloc(bytes, `${bytes},`));
    const chunks = fc.array(chunk, { maxLength: 12 });
    const links = fc.constantFrom(
      { roundTripMs: 4, jitterMs: 6 },
      { roundTripMs: 1, jitterMs: 2, bytesPerSec: 50_000_000 },
      {},
    );
    await fc.assert(
      fc.asyncProperty(links, chunks, chunks, async (link, up, down) => {
        const ends = await openEnds(t, link);
        const [client, target] = await open(ends, 'client to target');
        const received = Promise.all([readToEnd(target), readToEnd(client)]);
        for (const bytes of up) client.write(bytes);
        for (const bytes of down) target.write(bytes);
        client.end();
        target.end();
        const [atTarget, atClient] = await received;
        assert.ok(atTarget.equals(Buffer.concat(up)));
        assert.ok(atClient.equals(Buffer.concat(down)));
        const { toTargetBytes, toClientBytes, connections, refused } = ends.relay.read();
        assert.deepEqual(
          { toTargetBytes, toClientBytes, connections, refused },
          { toTargetBytes: atTarget.length, toClientBytes: atClient.length, connections: 1, refused: 0 },
        );
        await ends.relay.close();
      }),
      { numRuns: 25 },
    );
  });

  test('every chunk is timed', async t => {
    const ends = await openEnds(t, { roundTripMs: 2 });
    const [client, target] = await open(ends, 'client to target');
    for (let i = 0; i < 10; i++) {
      client.write('ping');
      target.write(await readBytes(target, 4));
      await readBytes(client, 4);
    }
    assert.equal(
      ends.relay.read().latenessCounts.reduce((sum, count) => sum + count, 0),
      20,
    );
  });
});

suite('what is in flight', () => {
  test('counts from a dial on until the last byte and end have arrived', async t => {
    const ends = await openEnds(t, { roundTripMs: 20 });
    const inFlight = (): number => ends.relay.read().inFlight;
    assert.equal(inFlight(), 0);
    const client = ends.dial();
    await eventually('the handshake is in flight', () => inFlight() > 0);
    const target = await ends.accepted();
    await eventually('nothing is, once it is made', () => inFlight() === 0);
    const received = readToEnd(target);
    client.end('question');
    await eventually('the question is', () => inFlight() > 0);
    assert.equal((await received).toString(), 'question');
    await eventually('it has arrived, and its end', () => inFlight() === 0);
  });
});

suite('ends', () => {
  for (const way of WAYS) {
    test(`one that is done sending can still be answered: ${way}`, async t => {
      const ends = await openEnds(t, { roundTripMs: 4 });
      const [asker, answerer] = await open(ends, way);
      asker.end('question');
      assert.equal((await readToEnd(answerer)).toString(), 'question');
      const closed = [once(asker, 'close'), once(answerer, 'close')];
      answerer.end('answer');
      assert.equal((await readToEnd(asker)).toString(), 'answer');
      await Promise.all(closed);
      await eventually('the relay has closed both', () => ends.relay.read().openConnections === 0);
    });

    test(`a reset comes through as one: ${way}`, async t => {
      const ends = await openEnds(t, { roundTripMs: 4 });
      const [breaker, other] = await open(ends, way);
      const received = readBytes(other, 4);
      breaker.write('last');
      await received;
      const code = readErrorCode(other);
      breaker.resetAndDestroy();
      assert.equal(await code, 'ECONNRESET');
      await eventually('the relay has closed both', () => ends.relay.read().openConnections === 0);
    });

    test(`what is sent to one that has gone is answered by a reset: ${way}`, async t => {
      const ends = await openEnds(t, { roundTripMs: 4 });
      const [other, leaver] = await open(ends, way);
      const ended = once(other, 'end');
      other.resume();
      leaver.destroy();
      await ended;
      const code = readErrorCode(other);
      const writing = setInterval(() => other.write('anyone there?'), 1);
      t.after(() => clearInterval(writing));
      assert.match((await code) ?? '', /ECONNRESET|EPIPE/);
    });
  }

  test('a target that refuses shows as a reset, after a round trip', async t => {
    const closed = createServer();
    await once(closed.listen(0, '127.0.0.1'), 'listening');
    const upstreamPort = (closed.address() as AddressInfo).port;
    await new Promise(resolve => closed.close(resolve));
    const link = Link.parse({ roundTripMs: 40 });
    const relay = await openRelay({ upstreamPort, link, seed: 1 });
    t.after(relay.close);
    const startMs = performance.now();
    const client = connect(relay.port, '127.0.0.1');
    client.write('anyone there?');
    assert.equal(await readErrorCode(client), 'ECONNRESET');
    assert.ok(performance.now() - startMs >= 40 - EARLY_MS);
    const { connections, refused } = relay.read();
    assert.deepEqual({ connections, refused }, { connections: 1, refused: 1 });
  });

  test('closing leaves no socket and no listener', async t => {
    const ends = await openEnds(t, { roundTripMs: 4 });
    const pairs = await Promise.all(WAYS.map(way => open(ends, way)));
    const half = ends.dial(); // still in its handshake
    await once(half, 'connect');
    const closed = [...pairs.flat(), half].map(socket => once(socket.resume(), 'close'));
    for (const socket of [...pairs.flat(), half]) socket.on('end', () => socket.end());
    await ends.relay.close();
    await Promise.all(closed);
    assert.equal(ends.relay.read().openConnections, 0);
    assert.equal(await readErrorCode(ends.dial()), 'ECONNREFUSED');
  });
});

suite('pressure', () => {
  const OFFERED_BYTES = 128 * 1024 * 1024;
  /** The relay's own 4 MiB, and what the kernel and the streams hold at four sockets. */
  const BOUND_BYTES = 64 * 1024 * 1024;
  const CHUNK = Buffer.alloc(1024 * 1024, 'x');

  for (const way of WAYS) {
    test(`one that does not read stops the other, and gets everything once it does: ${way}`, async t => {
      const ends = await openEnds(t, { roundTripMs: 2 });
      const [writer, reader] = await open(ends, way);
      reader.pause();
      let offeredBytes = 0;
      const offer = (): void => {
        while (offeredBytes < OFFERED_BYTES) {
          offeredBytes += CHUNK.length;
          if (!writer.write(CHUNK)) return;
        }
        writer.end();
      };
      writer.on('drain', offer);
      offer();
      let seenBytes = -1;
      let quietTurns = 0;
      await eventually('the writer stands still', () => {
        quietTurns = offeredBytes === seenBytes ? quietTurns + 1 : 0;
        seenBytes = offeredBytes;
        return quietTurns > 30;
      });
      assert.ok(offeredBytes < BOUND_BYTES, `${offeredBytes} were taken`);
      let readBytes = 0;
      reader.on('data', (chunk: Buffer) => {
        readBytes += chunk.length;
      });
      const ended = once(reader, 'end');
      reader.resume();
      await ended;
      assert.equal(readBytes, OFFERED_BYTES);
    });
  }
});

/** The relay may take bytes to have come half a millisecond earlier, and write a tenth before they are due, each way. */
const EARLY_MS = 1.2;

suite('time', () => {
  async function exchangeMs(client: Socket): Promise<number> {
    const startMs = performance.now();
    client.write('ping');
    await readBytes(client, 4);
    return performance.now() - startMs;
  }

  test('the first exchange of a connection takes two round trips or more, the next ones at least one', async t => {
    const ends = await openEnds(t, { roundTripMs: 30 });
    for (let i = 0; i < 3; i++) {
      const client = ends.dial();
      void ends.accepted().then(target => target.pipe(target));
      const firstMs = await exchangeMs(client);
      assert.ok(firstMs >= 60 - 2 * EARLY_MS, `${firstMs}`);
      const nextMs = await exchangeMs(client);
      assert.ok(nextMs >= 30 - EARLY_MS, `${nextMs}`);
    }
  });

  test('a target that speaks first is heard after one round trip', async t => {
    const ends = await openEnds(t, { roundTripMs: 30 });
    const startMs = performance.now();
    const client = ends.dial();
    (await ends.accepted()).write('hello');
    await readBytes(client, 5);
    assert.ok(performance.now() - startMs >= 30 - EARLY_MS);
  });

  for (const way of WAYS) {
    test(`a rate is not exceeded: ${way}`, async t => {
      const ends = await openEnds(t, { bytesPerSec: 4_000_000 });
      const [sender, receiver] = await open(ends, way);
      const startMs = performance.now();
      sender.end(Buffer.alloc(600_000));
      assert.equal((await readToEnd(receiver)).length, 600_000);
      assert.ok(performance.now() - startMs >= 150 - EARLY_MS);
    });
  }
});

suite('a link that forgets idle connections', () => {
  const SILENT_MS = 60;

  /** A connection that carried a byte each way, and has then been idle for too long. */
  async function openForgotten(ends: Ends): Promise<[client: Socket, target: Socket]> {
    const [client, target] = await open(ends, 'client to target');
    client.write('a');
    target.write(await readBytes(target, 1));
    await readBytes(client, 1);
    await delay(2 * SILENT_MS);
    return [client, target];
  }

  /** What arrives at a socket from now on. */
  function noted(socket: Socket): string[] {
    const events: string[] = [];
    socket.on('data', (bytes: Buffer) => events.push(bytes.toString()));
    for (const name of ['end', 'error', 'close']) socket.on(name, () => events.push(name));
    return events;
  }

  const SENDINGS: [name: string, send: (socket: Socket) => void][] = [
    ['bytes', socket => socket.write('b')],
    ['an end', socket => socket.end()],
    ['a reset', socket => socket.resetAndDestroy()],
  ];
  for (const way of WAYS) {
    for (const [name, send] of SENDINGS) {
      test(`${name}, ${way}: the other side hears nothing, and the relay carries other connections on`, async t => {
        const ends = await openEnds(t, { silentAfterIdleMs: SILENT_MS });
        const [client, target] = await openForgotten(ends);
        const [sender, receiver] = way === 'client to target' ? [client, target] : [target, client];
        const heard = noted(receiver);
        send(sender);
        // Whatever would have come is there before what another connection does after it.
        const [otherClient, otherTarget] = await open(ends, 'client to target');
        otherClient.end('c');
        assert.equal((await readToEnd(otherTarget)).toString(), 'c');
        assert.deepEqual(heard, []);
      });
    }
  }

  test('a connection on which something passes in time stays known', async t => {
    const ends = await openEnds(t, { silentAfterIdleMs: 30_000 });
    const [client, target] = await openForgotten(ends);
    client.end('b');
    assert.equal((await readToEnd(target)).toString(), 'b');
  });
});
