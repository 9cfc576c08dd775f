// Prints figures of conntax beside those of independent witnesses, on standard output, and exits with 1 where one is wrong and
// nothing says so. Arguments: rows to run, by a part of their names; none: all of them, which takes about 10 minutes. The
// figures are worth something on an idle machine only.
import { announce, createTable } from './study.ts';
import { type Line, loggingClient, POOL, type Row, type Verdict, verdictOf } from './truth/conntax-run.ts';
import {
  behindLink,
  blindGate,
  byCycles,
  byLog,
  byServiceTime,
  capacity,
  connectionsOnly,
  manually,
  nothingGood,
  pauses,
  slowTail,
  unanswered,
  unlikeErrors,
} from './truth/rows.ts';
import { isAlone, runAlone } from './truth/witnesses.ts';

const FAST_WITH_TAIL = { meanMs: 5, slowPerMille: 2, slowMs: 300 };
const SLOW_TAIL = { meanMs: 50, slowPerMille: 20, slowMs: 300 };
const STOPPING = { stopMs: 300, everyMs: 2_000 };
/** Of an open load in one window, so that what is late at an edge is a small part. */
const ONE_SLICE = { sliceMs: 8_000 };
const AT_200 = {
  load: { model: 'open', ratePerSec: 200, arrivals: 'constant' },
  perSec: 200,
  isScheduled: true,
} as const;

const ROWS: readonly Row[] = [
  byCycles('undici', { pool: POOL }),
  byCycles('node-http', { transport: 'node-http', pool: { maxConnections: 20 } }),
  byServiceTime('fetch', { transport: 'fetch', pool: {} }),
  byCycles('autocannon', { transport: 'autocannon' }),
  byCycles('wrk', { transport: 'wrk' }, { sliceMs: 2_000 }),
  byCycles('hey', { transport: 'hey' }, { sliceMs: 2_000 }),
  byCycles('undici over TLS', { pool: POOL }, { order: { isTls: true } }),
  byLog('closed, short', SLOW_TAIL, { isShort: true }),
  byLog('closed, short, over TLS', { ...SLOW_TAIL, isTls: true }, { isShort: true }),
  connectionsOnly('undici, short', { requestsPerConnection: 1 }),
  connectionsOnly('undici, short, over TLS', { requestsPerConnection: 1 }, { isTls: true }),
  connectionsOnly('wire, short', { transport: 'wire', requestsPerConnection: 1 }),
  byCycles('wire', { transport: 'wire', pool: { maxConnections: 20, idleTimeoutMs: 60_000 } }),
  byServiceTime(
    'undici over HTTP/2',
    { protocol: 'h2', pool: { maxConnections: 1, idleTimeoutMs: 60_000 } },
    { isTls: true },
  ),
  behindLink(40, 200),
  byLog('closed, log, constant', {}),
  byLog('closed, 5 ms and 2 in 1,000 take 300 ms', FAST_WITH_TAIL),
  byLog('closed, 5 ms and 10 in 1,000 take 300 ms', { ...FAST_WITH_TAIL, slowPerMille: 10 }),
  byLog('closed, 5 ms and 2 in 1,000 take 1 s', { ...FAST_WITH_TAIL, slowMs: 1_000 }),
  byLog('closed, 5 ms and 2 in 1,000 take 5 s', { ...FAST_WITH_TAIL, slowMs: 5_000 }),
  byLog('closed, server stops 300 ms every 2 s', { meanMs: 5, ...STOPPING }),
  byLog('closed, lognormal 1', { meanMs: 20, sigma: 1 }),
  byLog('closed, lognormal 1.5', { meanMs: 20, sigma: 1.5 }),
  byLog('open, 5 ms and 2 in 1,000 take 300 ms', FAST_WITH_TAIL, {
    load: { model: 'open', ratePerSec: 500 },
    perSec: 500,
  }),
  byLog('open, constant', {}, { ...AT_200, timing: ONE_SLICE }),
  byLog(
    'open, constant, server stops 300 ms every 2 s',
    // The witness knows the schedule to half a millisecond.
    { meanMs: 50, ...STOPPING },
    { ...AT_200, timing: ONE_SLICE },
  ),
  byLog(
    'open, constant, client stops 150 ms every 1 s',
    {},
    {
      ...AT_200,
      client: { pauseMs: 150, everyMs: 1_000 },
      timing: ONE_SLICE,
    },
  ),
  byLog('burst', {}, { load: { model: 'burst', size: 20, everyMs: 200, maxInFlight: 500 }, perSec: 100 }),
  capacity,
  manually('hey'),
  manually('wrk'),
  unanswered(2),
  unanswered(10),
  nothingGood('503', { status: 503 }),
  nothingGood('reset at accept', { breaks: 'reset' }),
  nothingGood('garbage', { breaks: 'garbage' }),
  nothingGood('a module that throws', {}, log => loggingClient({ log, throws: true })),
  blindGate,
  unlikeErrors,
  slowTail,
  pauses,
];

/** A row that could not be measured does not stop the others; it counts as WRONG. */
async function linesOf({ measure }: Row): Promise<Line[]> {
  try {
    return await measure();
  } catch (error) {
    console.error(error);
    return [
      { figure: 'not measured', conntax: Number.NaN, witness: Number.NaN, by: '', within: 0, marks: [] },
    ];
  }
}

function differenceOf({ conntax, witness }: Line): string {
  return conntax === witness ? '0' : `${((conntax / witness - 1) * 100).toFixed(2)} %`;
}

async function run(names: readonly string[]): Promise<number> {
  const rows = ROWS.filter(({ name }) => names.length === 0 || names.some(part => name.includes(part)));
  await announce('Truth: figures of conntax beside those of independent witnesses');
  if (!isAlone) console.log('The kernel is not a witness here: that takes root, `unshare` and `ip`.\n');
  const table = createTable(['row', 'figure', 'conntax', 'witness', '', 'difference', 'verdict']);
  const counts: Record<Verdict, number> = { right: 0, marked: 0, WRONG: 0 };
  for (const [index, row] of rows.entries()) {
    const startedMs = performance.now();
    for (const line of await linesOf(row)) {
      const { figure, conntax, witness, by, marks } = line;
      const verdict = verdictOf(line);
      counts[verdict]++;
      const said = verdict === 'marked' ? `marked: ${marks.join(', ')}` : verdict;
      const cells = [figure, conntax.toPrecision(5), witness.toPrecision(5), by, differenceOf(line), said];
      table.push([row.name, ...cells]);
      console.error(`  ${cells.join(' | ')}`);
    }
    const sec = ((performance.now() - startedMs) / 1_000).toFixed(0);
    console.error(`${index + 1} of ${rows.length}: ${row.name}, ${sec} s`);
  }
  console.log(table.toString());
  const { right, marked, WRONG } = counts;
  console.log(`${right + marked + WRONG} figures: ${right} right, ${marked} marked, ${WRONG} WRONG`);
  return WRONG > 0 || rows.length === 0 ? 1 : 0;
}

process.exitCode = runAlone() ?? (await run(process.argv.slice(2)));
