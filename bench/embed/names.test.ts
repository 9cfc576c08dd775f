// Names of phases and of metrics: what is written can be read, and nothing else is taken for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockMetric, factMetric, parseBlockMetric, parseFactMetric, parsePhaseName } from './names.ts';

test('the name of a phase says whose turn it is', () => {
  const cases: [string | undefined, object | undefined][] = [
    ['short #1', { arm: 'short', block: 1 }],
    ['arm=short block=12', { arm: 'short', block: 12 }],
    ['two-words #3', { arm: 'two-words', block: 3 }],
    ['short #1 ', undefined],
    ['short 1', undefined],
    ['warm-up', undefined],
    [undefined, undefined],
  ];
  for (const [name, turn] of cases) assert.deepEqual(parsePhaseName(name), turn, name ?? 'without a name');
});

test('a metric of a turn is read back; those of others are none', () => {
  const name = blockMetric('two-words', 3, 'failed.timeoutTotal');
  assert.deepEqual(parseBlockMetric(name), { arm: 'two-words', block: 3, figure: 'failed.timeoutTotal' });
  for (const other of ['vusers.created', 'conntax.short.one.sent', 'conntax.about.scenario {}'])
    assert.equal(parseBlockMetric(other), undefined, other);
});

test('a fact is read back, whatever is in it, and no client can have the name of one', () => {
  const fact = { question: 'a.b {"c"}\nd', clients: 2 };
  const { subject, text } = parseFactMetric(factMetric('client.about', fact)!)!;
  assert.deepEqual([subject, JSON.parse(text)], ['client.about', fact]);
  assert.equal(parseFactMetric(blockMetric('about', 1, 'sent')), undefined);
});

test('a fact that Artillery would cut is refused', () => {
  const longest = 1_024 - factMetric('scenario', '')!.length;
  assert.equal(factMetric('scenario', 'x'.repeat(longest))!.length, 1_024);
  assert.equal(factMetric('scenario', 'x'.repeat(longest + 1)), undefined);
});
