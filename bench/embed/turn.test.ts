// A turn reports each request once, whenever and however it ends, and is over only when the last has ended.
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { OpenedConnection } from '../contracts.ts';
import { createFakeTransport } from '../load/testing/fake-transport.ts';
import { mockClock } from '../load/testing/load-bench.ts';
import { parseBlockMetric } from './names.ts';
import { EmbeddedTurn, type TurnOptions } from './turn.ts';

const OPENED: OpenedConnection = { connectMs: 2, tlsMs: Number.NaN, isResumed: false };

function openTurn(t: TestContext, stated: Partial<TurnOptions> = {}) {
  const clock = mockClock(t);
  const transport = createFakeTransport();
  const counts = new Map<string, number>();
  const times = new Map<string, number[]>();
  let connect: (connection: OpenedConnection) => void = () => {};
  const figureOf = (name: string): string => {
    const metric = parseBlockMetric(name);
    assert.deepEqual([metric?.arm, metric?.block], ['short', 3]);
    return metric!.figure;
  };
  const turn = new EmbeddedTurn({
    arm: 'short',
    block: 3,
    open: onConnection => {
      connect = onConnection;
      return transport;
    },
    sink: {
      counter: (name, value) => counts.set(figureOf(name), (counts.get(figureOf(name)) ?? 0) + value),
      histogram: (name, value) => times.set(figureOf(name), [...(times.get(figureOf(name)) ?? []), value]),
    },
    expectStatus: ['2xx'],
    warmUpMs: 100,
    drainMs: 50,
    totalMs: undefined,
    hasPhases: true,
    due: { requests: 12, ms: 3_000 },
    readsKernel: false,
    ...stated,
  });
  return { clock, transport, turn, counts, times, connect: () => connect(OPENED) };
}

suite('a turn', () => {
  test('figures are of what began after the warm-up, the ledger of everything', async t => {
    const { clock, transport, turn, counts, times, connect } = openTurn(t);
    const early = turn.send(0);
    connect();
    clock.advance(100);
    connect();
    const late = turn.send(1);
    clock.advance(7);
    for (const exchange of transport.inFlight) {
      exchange.status = 200;
      exchange.bodyBytes = 10;
      transport.answer(exchange);
    }
    assert.deepEqual(await Promise.all([early, late]), ['ok', 'ok']);
    clock.advance(93);
    turn.close();
    await turn.ended;
    const known = ['sent', 'answered', 'recorded.answered', 'recorded.bytes', 'opened'];
    assert.deepEqual(
      known.map(name => counts.get(name)),
      [2, 2, 1, 10, 2],
    );
    assert.deepEqual(
      [counts.get('recorded.status.200'), counts.get('windowMs'), counts.get('workers')],
      [1, 100, 1],
    );
    assert.deepEqual([times.get('responseUs'), times.get('connectUs')], [[7_000], [2_000]]);
  });

  test('it ends when it is over and the last user has left, with everything reported by then', async t => {
    const { transport, turn, counts } = openTurn(t);
    turn.enter();
    const sent = turn.send(0);
    turn.close();
    assert.equal(turn.over.aborted, true);
    assert.equal(counts.get('answered'), undefined);
    transport.answer(transport.inFlight[0]!, 'reset');
    assert.equal(await sent, 'reset');
    assert.equal(counts.get('workers'), undefined, 'its user may still ask for more');
    turn.leave();
    // Without waiting: Artillery may add up its metrics as soon as it hears of the last user.
    assert.deepEqual([counts.get('failed.reset'), counts.get('workers')], [1, 1]);
    await turn.ended;
  });

  test('what is in flight at the end of the drain is unfinished, and failed where it is in the figures', async t => {
    const { clock, transport, turn, counts, times } = openTurn(t);
    const early = turn.send(0);
    clock.advance(100);
    const late = turn.send(0);
    clock.advance(10);
    turn.close();
    clock.advance(49);
    assert.equal(transport.abandoned.length, 0);
    clock.advance(1);
    assert.deepEqual(await Promise.all([early, late]), ['noAnswer', 'noAnswer']);
    await turn.ended;
    assert.equal(transport.abandoned.length, 2);
    const known = ['sent', 'unfinished', 'recorded.failed.noAnswer', 'failed.noAnswer'];
    assert.deepEqual(
      known.map(name => counts.get(name)),
      [2, 2, 1, undefined],
    );
    assert.deepEqual(times.get('unansweredUs'), [60_000]);
  });

  test('a deadline abandons one request, and its record is not used again', async t => {
    const { clock, transport, turn, counts } = openTurn(t, { totalMs: 20 });
    const first = turn.send(0);
    const [record] = transport.inFlight;
    clock.advance(20);
    assert.equal(await first, 'timeoutTotal');
    void turn.send(0);
    assert.notEqual(transport.inFlight[0], record);
    transport.answer(transport.inFlight[0]!);
    // One of them has the record of the last; the transport refuses one that is in flight already.
    void turn.send(0);
    void turn.send(0);
    for (const exchange of transport.inFlight) transport.answer(exchange);
    turn.close();
    await turn.ended;
    assert.deepEqual([counts.get('failed.timeoutTotal'), counts.get('answered')], [1, 3]);
  });

  test('a status that is not expected is a failure', async t => {
    const { transport, turn, counts } = openTurn(t, { warmUpMs: 0 });
    const sent = turn.send(0);
    transport.inFlight[0]!.status = 404;
    transport.answer(transport.inFlight[0]!);
    assert.equal(await sent, 'badStatus');
    turn.report();
    assert.deepEqual([counts.get('failed.badStatus'), counts.get('recorded.status.404')], [1, 1]);
  });

  test('a report holds what came since the last', async t => {
    const { transport, turn, counts } = openTurn(t);
    void turn.send(0);
    turn.report();
    turn.report();
    assert.equal(counts.get('sent'), 1);
    turn.overlap();
    turn.report();
    assert.equal(counts.get('overlapping'), 1);
    transport.answer(transport.inFlight[0]!);
    turn.close();
    await turn.ended;
    assert.equal(counts.get('sent'), 1);
  });

  test('where nothing was sent, what was due is all that is reported', async t => {
    const { turn, counts } = openTurn(t);
    turn.close();
    await turn.ended;
    assert.deepEqual(
      [...counts],
      [
        ['due.workers', 1],
        ['due.requests', 12],
        ['due.ms', 3_000],
      ],
    );
  });
});
