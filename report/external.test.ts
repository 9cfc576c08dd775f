// A report on someone else's server says what counted each figure, and has no figure for what is unknown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArmSummary } from '../results/model/run.ts';
import { buildReport } from './build.ts';
import { viewCell } from './cell-view.ts';
import type { CellReport } from './model.ts';
import { charts } from './testing/plugins.ts';
import { sampleRuns } from './testing/sample-runs.ts';
import { describeSetting } from './words/answer.ts';
import { countCaveats, describeCounting, knownAccepted } from './words/caveats.ts';
import { doubtRemarks } from './words/headline.ts';
import { NO_FIGURE } from './words/numbers.ts';

function reportOf(changes: Partial<ArmSummary> = {}): CellReport & { runCaveats: readonly string[] } {
  const { run, trials } = structuredClone(sampleRuns["someone else's server"]!);
  for (const arm of run.cells[0]!.arms) Object.assign(arm, changes);
  const { cells, caveats } = buildReport({ run, trials, charts });
  return { ...cells[0]!, runCaveats: caveats };
}

/** The texts of a column, by its key. */
function column({ main }: CellReport, key: string): string[] {
  const index = main.columns.findIndex(column => column.key === key);
  assert.ok(index >= 0, key);
  return main.rows.map(row => row[index]!.text);
}

test('the CPU of the target is no figure, never 0, and a note says why', () => {
  const report = reportOf();
  assert.deepEqual(column(report, 'targetCpuUsPerRequest'), [NO_FIGURE, NO_FIGURE]);
  assert.ok(report.main.notes.some(note => /its CPU use is unknown/.test(note)));
});

test('the note and the caption say what counted the connections', () => {
  const report = reportOf();
  const note = report.main.notes.find(text => text.includes('accepted'));
  assert.match(
    note ?? '',
    /opened: counted by the client; accepted: counted by the kernel for all programs on this machine; needed/,
  );
  const { caption } = report.figures.find(({ name }) => name === 'ledger')!;
  assert.match(
    caption,
    /Circles: connections opened \(counted by the client\)\. Crosses: connections accepted \(counted by the kernel for all programs/,
  );
  assert.ok(report.caveats.some(caveat => /by the kernel for all programs.*proxy/.test(caveat)));
});

test('what external servers were sent beside the load is said, so that an access log can be reconciled', () => {
  const { run, trials } = structuredClone(sampleRuns["someone else's server"]!);
  const factOf = (asked: typeof run.asked): string | undefined =>
    buildReport({ run: { ...run, ...(asked === undefined ? {} : { asked }) }, trials, charts: [] })
      .facts.flatMap(({ facts }) => facts)
      .find(({ label }) => label === 'Requests to external servers')?.value;
  const sent = run.cells[0]!.arms.reduce((sum, { requestsSent }) => sum + requestsSent, 0);
  assert.equal(
    factOf({ beforeRun: 1, betweenReplicates: 8 }),
    `${sent.toLocaleString('en-US')} by the clients, warm-up included; 9 more to ask what the servers do (1 before the run, 8 between replicates), which are in no other figure`,
  );
  assert.equal(factOf(undefined), undefined, 'a run of an older version');
});

test('what was found and what was stated are conditions; a bad status is a caveat', () => {
  const { conditions, caveats } = reportOf();
  const values = new Map(conditions.map(({ label, value }) => [label, value]));
  assert.match(values.get('Target')!, /^external server at https:\/\/localhost:8443\/path\?a=b$/);
  assert.match(
    values.get('Connection policy of the target')!,
    /^declared by the scenario: at most 100 requests per connection; not declared: whether responses carry .*, how long/,
  );
  assert.equal(
    values.get('Found before the run'),
    'status 404 over HTTP/1.1, TLSv1.3 (HTTP/2 is offered), Server: nginx/1.26.3, at 127.0.0.1 (loopback)',
  );
  assert.ok(caveats.some(caveat => /status 404/.test(caveat)));
  assert.ok(caveats.some(caveat => /is an external server.*its CPU use, its handshakes/.test(caveat)));
});

test('of several requests, each answer is in the conditions, and what only one of them shows in the caveats', () => {
  const { run, trials } = structuredClone(sampleRuns["someone else's server"]!);
  const [cell] = run.cells;
  const found = { ...cell!.server!, status: 200, connectionHeader: 'close' };
  cell!.otherAnswers = [{ asked: 'POST https://localhost:8443/orders', found }];
  const { words, caveats, cells } = buildReport({ run, trials, charts: [] });
  const text = JSON.stringify([words, caveats, cells]);
  assert.match(text, /Found before the run by POST https:\/\/localhost:8443\/orders/);
  assert.match(
    text,
    /By its answer to POST https:\/\/localhost:8443\/orders: it answers with Connection: close, so every request needs a new connection/,
  );
});

test('a certificate that was not verified, and a Unix socket, are said in conditions and caveats', () => {
  const { run, trials } = structuredClone(sampleRuns["someone else's server"]!);
  const [cell] = run.cells;
  cell!.server = { ...cell!.server!, address: '/run/app.sock', isUnverified: true };
  Object.assign(cell!.scenario.target, { insecure: true, socketPath: '/run/app.sock' });
  const { cells } = buildReport({ run, trials, charts });
  const { conditions, caveats } = cells[0]!;
  const values = new Map(conditions.map(({ label, value }) => [label, value]));
  assert.match(values.get('Target')!, /by the Unix socket \/run\/app\.sock, its certificate NOT verified/);
  assert.match(describeSetting(viewCell(cell!, trials, ['short', 'persistent'])), /, a Unix socket$/);
  assert.match(
    values.get('Found before the run')!,
    /certificate NOT verified, at \/run\/app\.sock \(Unix socket\)/,
  );
  assert.ok(caveats.some(caveat => /was not verified: target\.insecure accepts any/.test(caveat)));
  assert.ok(caveats.some(caveat => /reached by a Unix socket: .*is unknown/.test(caveat)));
});

test('a server behind a proxy: whose connections are counted, and whose are not', () => {
  const { run, trials } = structuredClone(sampleRuns["someone else's server"]!);
  const [cell] = run.cells;
  const proxy = 'http://proxy.test:3128';
  cell!.server = { ...cell!.server!, address: '10.0.0.9', isLoopback: false, proxy };
  Object.assign(cell!.scenario.target, { proxy: { env: 'PROXY_URL' } });
  const { cells } = buildReport({ run, trials, charts });
  const { conditions, caveats } = cells[0]!;
  const values = new Map(conditions.map(({ label, value }) => [label, value]));
  assert.match(values.get('Target')!, /through the HTTP proxy in the variable PROXY_URL/);
  assert.match(
    values.get('Found before the run')!,
    /through the proxy http:\/\/proxy\.test:3128 at 10\.0\.0\.9, another machine/,
  );
  assert.ok(
    caveats.some(caveat => /^Connections are those to the HTTP proxy .*is not counted\.$/.test(caveat)),
  );
  assert.ok(caveats.some(caveat => /The proxy runs on another machine/.test(caveat)));
  assert.ok(caveats.every(caveat => !/The server runs on another machine/.test(caveat)));
});

test('several servers: each with its share, what was found there, and its remarks', () => {
  const { run, trials } = structuredClone(sampleRuns["someone else's server"]!);
  const [cell] = run.cells;
  const first = { ...cell!.server!, status: 200 };
  const [a, b] = ['https://a.test/one', 'https://b.test/two'];
  cell!.server = { ...first, url: a };
  cell!.otherServers = [{ ...first, url: b, status: 404, address: '10.0.0.9', isLoopback: false }];
  const { target } = cell!.scenario;
  delete target.url;
  target.urls = [{ url: a, weight: 3 }, b];
  const { cells } = buildReport({ run, trials, charts });
  const { conditions, caveats, main } = cells[0]!;
  const values = new Map(conditions.map(({ label, value }) => [label, value]));
  assert.equal(
    values.get('Target'),
    'external servers at https://a.test/one (75 % of the requests) and https://b.test/two (25 %)',
  );
  assert.match(values.get(`Found before the run at ${a}`)!, /^status 200 .*\(loopback\)$/);
  assert.match(values.get(`Found before the run at ${b}`)!, /^status 404 .*another machine$/);
  assert.ok(caveats.some(caveat => caveat.startsWith(`${b} responded with status 404`)));
  assert.ok(caveats.some(caveat => caveat.startsWith(`${a} and ${b} are external servers: `)));
  assert.ok(caveats.some(caveat => caveat.startsWith(`Not on this machine: ${b}. `)));
  assert.ok(main.notes.some(note => /servers are external, so their CPU use is unknown/.test(note)));
});

test('a server elsewhere whose machine is read: nothing says that its CPU or what it accepted is unknown', () => {
  const { run, trials } = structuredClone(sampleRuns["someone else's server"]!);
  const [cell] = run.cells;
  cell!.server = { ...cell!.server!, address: '10.0.0.1', isLoopback: false };
  for (const arm of cell!.arms) {
    arm.acceptedBy = 'serverKernel';
    arm.targetCpuUsPerRequest = 30;
  }
  const [report] = buildReport({ run, trials, charts }).cells;
  const said = [...report!.caveats, ...report!.main.notes].join('\n');
  assert.match(said, /its handshakes and the requests that reached it are unknown/);
  assert.doesNotMatch(said, /CPU use|accepted is unknown|accepted: unknown/);
});

test('a server elsewhere: what it accepted is not known, and nothing is said of loopback', () => {
  const { run, trials } = structuredClone(sampleRuns["someone else's server"]!);
  const [cell] = run.cells;
  cell!.server = { ...cell!.server!, address: '10.0.0.1', isLoopback: false };
  for (const arm of cell!.arms) arm.acceptedBy = 'kernelOpens';
  const { cells, caveats } = buildReport({ run, trials, charts });
  const report = cells[0]!;
  assert.deepEqual(column(report, 'acceptedCount'), [NO_FIGURE, NO_FIGURE]);
  assert.ok(report.main.notes.some(note => /accepted: unknown for a server on another machine/.test(note)));
  assert.ok(report.caveats.some(caveat => /The server runs on another machine/.test(caveat)));
  assert.ok(caveats.every(caveat => !/over loopback/.test(caveat)));
  const figures = report.figures.find(({ name }) => name === 'ledger')!;
  assert.ok(!JSON.stringify(figures.spec).includes('"kind":"accepted"'), 'no cross');
});

test('where nothing was counted, the report says so', () => {
  const report = reportOf({ accepted: null });
  assert.deepEqual(column(report, 'acceptedCount'), [NO_FIGURE, NO_FIGURE]);
  assert.ok(report.main.notes.some(note => /not counted on this system: short, persistent/.test(note)));
});

const arms = [
  { name: 'own', summary: { openedBy: 'client', acceptedBy: 'target', accepted: 3 } },
  { name: 'tool', summary: { openedBy: 'kernel', acceptedBy: 'target', accepted: 3 } },
  { name: 'failed', summary: null },
] as unknown as Parameters<typeof describeCounting>[0]['arms'];

test('arms that are counted by different means are named', () => {
  assert.equal(
    describeCounting({ arms }),
    'opened: counted by the client (own) or counted by the kernel for all programs on this machine (tool); accepted: counted by the server',
  );
  assert.deepEqual(countCaveats({ arms }), [
    "The client of tool does not count its connections. The number opened is the kernel's count for all programs on this machine.",
  ]);
  assert.deepEqual(countCaveats({ arms: arms.slice(0, 1) }), []);
  assert.equal(
    describeCounting({ arms: arms.slice(0, 1) }),
    'opened: counted by the client; accepted: counted by the server',
  );
  assert.equal(knownAccepted({ accepted: 5, acceptedBy: 'kernelOpens' } as ArmSummary), null);
});

test('an incomplete ledger is a remark, which leaves the reasons to the caveats', () => {
  const { run, trials } = structuredClone(sampleRuns["someone else's server"]!);
  const cell = run.cells[0]!;
  Object.assign(cell.arms[0]!, { openedBy: 'unknown' });
  Object.assign(cell.arms[1]!, { openedElsewhere: 3 });
  const remarks = doubtRemarks(viewCell(cell, trials, ['short', 'persistent']));
  assert.ok(
    remarks.includes('The ledger of short, persistent was not checked in full; the caveats say why.'),
  );
});
