// Files for other programs are valid, and agree with the report.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { validateXML } from 'xmllint-wasm';
import type { ExpectationResult } from '../../scenarios/model/scenario.ts';
import { buildReport } from '../build.ts';
import { HOSTILE_NAME, sampleRuns } from '../testing/sample-runs.ts';
import junit from './junit.ts';
import prometheus from './openmetrics.ts';

const schema = readFileSync(new URL('testing/junit.xsd', import.meta.url), 'utf8');

const expected = (state: ExpectationResult['state']): ExpectationResult => ({
  expectation: { metric: 'p99Us', of: 'persistent', atMost: 5_000 },
  state,
  first: { state, interval: { value: 8_300, low: 8_100, high: 8_500 }, replicates: 4 },
  confirmation: null,
  together: null,
});

function renderWith(name: string, expectations: ExpectationResult[] = []) {
  const sample = structuredClone(sampleRuns[name]!);
  for (const cell of sample.run.cells) cell.expectations = expectations;
  const of = { ...sample, report: buildReport({ ...sample, charts: [] }) };
  return { junit: async () => junit.render(of), prometheus: async () => prometheus.render(of) };
}

test('junit.xml of every kind of run keeps the schema', async () => {
  const expectations = (['pass', 'fail', 'unsure'] as const).map(expected);
  const files = Object.keys(sampleRuns).map(async name => ({
    fileName: `${name}.xml`,
    contents: await renderWith(name, expectations).junit(),
  }));
  // All at once, because each validation starts a new validator, which takes longer.
  const { valid, rawOutput } = await validateXML({ xml: await Promise.all(files), schema });
  assert.ok(valid, rawOutput);
  for (const name of Object.keys(sampleRuns)) assert.ok(rawOutput.includes(`${name}.xml validates`), name);
});

test('a test case an expectation, and one on whether there is anything to believe', async () => {
  const xml = await renderWith('an invalid trial', [
    expected('pass'),
    expected('fail'),
    expected('unsure'),
  ]).junit();
  assert.match(xml, /<testsuite [^>]*tests="4" failures="1" errors="1" skipped="1"/);
  assert.match(xml, /<error message="audit ledger of [^"]*accepted/);
  assert.match(
    xml,
    /<failure message="measured 8.3\d* ms \(8.1\d* ms to 8.5\d* ms\) over 4 replicates" type="fail">/,
  );
  assert.match(xml, /<testcase [^>]*name="p99 latency, persistent ≤ 5 ms"/);
});

/** Faults by the rules of the text format that promtool has, too; for where there is no promtool. */
function formatFaults(text: string): string[] {
  const types = new Map<string, string>();
  const seen = new Set<string>();
  return text.split('\n').flatMap(line => {
    const [, kind, family, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    const isAgain = seen.has(`${kind} ${family}`);
    if (kind !== undefined) {
      seen.add(`${kind} ${family}`);
      if (kind === 'TYPE') types.set(family!, rest!);
      return isAgain ? [`${line}: twice`] : [];
    }
    if (line === '') return [];
    const [, name, labels, value] =
      /^([a-z_0-9]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)+\}) (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [`${line}: no sample`];
    const isSecond = seen.has(name + labels!);
    seen.add(name + labels!);
    const base = types.has(name) ? name : name.replace(/_(?:sum|count)$/, '');
    const type = types.get(base);
    return [
      ...(type === undefined || !seen.has(`HELP ${base}`) ? [`${line}: without TYPE and HELP`] : []),
      ...(type !== 'summary' && labels!.includes('quantile="') ? [`${line}: a quantile of no summary`] : []),
      ...((type === 'counter') !== name.endsWith('_total') ? [`${line}: a counter ends in _total`] : []),
      ...(Number.isFinite(Number(value)) ? [] : [`${line}: no number`]),
      ...(isSecond ? [`${line}: twice`] : []),
    ];
  });
}

for (const name of Object.keys(sampleRuns)) {
  test(`metrics.prom of a run with ${name} is what Prometheus reads`, async () => {
    const text = await renderWith(name).prometheus();
    assert.deepEqual(formatFaults(text), []);
    assert.ok(text.endsWith('\n'));
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    if (checked.error === undefined) assert.deepEqual([checked.status, checked.stderr], [0, '']);
  });
}

test('a name from elsewhere stays text', async () => {
  const hostile = renderWith('a hostile name');
  assert.doesNotMatch(await hostile.junit(), /<script|<img/);
  const text = await hostile.prometheus();
  for (const line of text.split('\n')) assert.match(line, /^(?:conntax_|# (?:HELP|TYPE)|$)/, HOSTILE_NAME);
});

test('metrics.prom has counters, quantiles and the ledger of every arm', async () => {
  const text = await renderWith('two arms').prometheus();
  const [arm] = sampleRuns['two arms']!.run.cells[0]!.arms;
  const value = (pattern: RegExp): number => Number(pattern.exec(text)?.[1]);
  assert.equal(value(/conntax_requests_total\{[^}]*arm="short",outcome="ok"\} (\d+)/), arm!.completed);
  assert.equal(value(/conntax_connections_opened_total\{[^}]*arm="short"\} (\d+)/), arm!.opened);
  assert.equal(
    value(/conntax_response_time_seconds\{[^}]*arm="short",quantile="0.99"\} (\S+)/),
    arm!.p99Us / 1e6,
  );
  assert.equal(value(/conntax_connections_per_1k_requests\{[^}]*arm="short"\} (\S+)/), 1_000);
});

const GAUGES = {
  requestsPerSec: 'requests_per_second',
  capacityPerSec: 'capacity_requests_per_second',
} as const;
for (const [sample, figures] of [
  ['a capacity search', ['requestsPerSec', 'capacityPerSec']],
  ['two arms', ['requestsPerSec']],
  ['a search cut short', []],
] as const) {
  test(`metrics.prom of ${sample} has ${figures.join(' and ') || 'neither rate nor capacity'}, with the ends of the interval`, async () => {
    const text = await renderWith(sample).prometheus();
    for (const [figure, name] of Object.entries(GAUGES) as [keyof typeof GAUGES, string][]) {
      const told = sampleRuns[sample]!.run.cells[0]!.arms.flatMap(({ arm, [figure]: interval }) =>
        interval === null
          ? []
          : [
              [`${name}_high`, arm, interval.high],
              [`${name}_low`, arm, interval.low],
              [name, arm, interval.value],
            ],
      );
      const found = [
        ...text.matchAll(new RegExp(`^conntax_(${name}\\w*)\\{[^}]*arm="(.+?)"\\} (\\S+)$`, 'gm')),
      ];
      assert.deepEqual(found.map(([, gauge, arm, value]) => [gauge, arm, Number(value)]).sort(), told.sort());
      assert.equal(found.length > 0, (figures as readonly string[]).includes(figure), figure);
    }
  });
}
