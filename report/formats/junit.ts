// Format for CI: JUnit XML with a test suite per cell and a test case per check.

import { create } from 'xmlbuilder2';
import { runDurationMs } from '../../results/run-clock.ts';
import { visibleLine } from '../../results/visible.ts';
import type { Check, Report } from '../model.ts';
import type { SideFile } from './format.ts';

/** A failed expectation is not the same as a cell that could not be measured reliably. */
const ELEMENTS = { fail: 'failure', broken: 'error' } as const;

const output: SideFile = {
  name: 'junit',
  fileName: 'junit.xml',
  render: ({ run, report }) => {
    const seconds = runDurationMs(run) / 1_000;
    const cellSeconds = new Map(run.cells.map(({ cell, elapsedMs }) => [cell, elapsedMs / 1_000]));
    return junitXml(report, { seconds, cellSeconds, hostname: run.host.hostname });
  },
};
export default output;

function junitXml(
  { title, startedAt, checks }: Report,
  {
    seconds,
    cellSeconds,
    hostname,
  }: { seconds: number; cellSeconds: ReadonlyMap<string, number>; hostname: string },
): string {
  const root = create({ version: '1.0', encoding: 'UTF-8' }).ele('testsuites', {
    name: plain(title),
    tests: checks.length,
    failures: countOf(checks, 'fail'),
    errors: countOf(checks, 'broken'),
    time: seconds,
  });
  const groups = [...Map.groupBy(checks, ({ group }) => group)];
  for (const [id, [group, own]] of groups.entries()) {
    const suite = root.ele('testsuite', {
      name: plain(group),
      id,
      package: 'conntax',
      timestamp: startedAt.slice(0, 19),
      hostname: plain(hostname),
      ...totals(own),
      time: cellSeconds.get(group) ?? 0,
    });
    suite.ele('properties');
    for (const check of own) addCase(suite, check);
    suite.ele('system-out');
    suite.ele('system-err');
  }
  return `${root.end({ prettyPrint: true })}\n`;
}

function addCase(suite: ReturnType<typeof create>, { group, name, state, detail }: Check): void {
  const element = suite.ele('testcase', { classname: `conntax.${plain(group)}`, name: plain(name), time: 0 });
  if (state === 'pass') return;
  if (state === 'unsure') element.ele('skipped', { message: plain(detail) });
  else element.ele(ELEMENTS[state], { message: plain(detail), type: state }).txt(plain(detail));
}

function totals(checks: readonly Check[]) {
  return {
    tests: checks.length,
    failures: countOf(checks, 'fail'),
    errors: countOf(checks, 'broken'),
    skipped: countOf(checks, 'unsure'),
  };
}

function countOf(checks: readonly Check[], state: Check['state']): number {
  return checks.filter(check => check.state === state).length;
}

/** XML permits neither control characters nor these two, not even escaped. */
function plain(text: string): string {
  return visibleLine(text).replace(/[\ufffe\uffff]/g, '\ufffd');
}
