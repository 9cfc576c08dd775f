// wrk as a load tool: one process per slice, with its exact counts and latencies.

import { isIP } from 'node:net';
import type { ForeignServer } from '../../results/model/run.ts';
import type { Outcome } from '../../results/model/trial.ts';
import { boundsOf, LCG } from '../../results/random.ts';
import { sumOf } from '../../results/stats.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { hostOf, usesTls } from '../../scenarios/model/facts.ts';
import type { Request } from '../../scenarios/model/request.ts';
import type { Target } from '../../scenarios/model/target.ts';
import { refuse } from '../clients/refusals.ts';
import type { EngineModule, Obstacle, PreparedRequest, PreparedRequests, Refusal } from '../contracts.ts';
import {
  ExternalEngine,
  type ExternalTool,
  type Place,
  type ToolDuration,
  type ToolExchange,
  type ToolReport,
  type ToolTimes,
} from './external.ts';
import { missingProgram, openUnnamed, STDIN_FILE } from './program.ts';
import {
  bodyRefusals,
  countingRefusals,
  engineCannot,
  faultRefusals,
  requestRefusals,
  toolReachRefusals,
} from './refusals.ts';

/** In the order in which the script prints them. */
const COUNT_NAMES = [
  'durationUs',
  /** Responses, including those with a bad status. */
  'requests',
  /** Bytes received, including response headers. */
  'bytes',
  'connectErrors',
  'readErrors',
  'writeErrors',
  'statusErrors',
  /** Responses that took longer than the longest latency wrk keeps. */
  'timeouts',
  /** CPU time of the process until it had stopped sending; printed in seconds. */
  'cpuUs',
] as const;

type WrkCounts = Record<(typeof COUNT_NAMES)[number], number>;

interface WrkOutput {
  counts: WrkCounts;
  /** Latencies in µs, each with its number, ascending. */
  latencies: readonly (readonly [us: number, count: number])[];
}

/** wrk calls `done` at its end: it prints a line of counts, then each latency with its frequency. */
const WRK_SCRIPT = `
done = function(summary, latency)
  local cpu, errors = os.clock(), summary.errors
  io.write(string.format("counts %d %d %d %d %d %d %d %d %.6f\\n", summary.duration, summary.requests, summary.bytes,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout, cpu))
  for i = 1, #latency do
    local us, count = latency(i)
    io.write(string.format("latency %d %d\\n", us, count))
  end
  if printSent then printSent() end
  io.write("end\\n")
end
`;

/** @throws Error when the output does not match the script, or contradicts itself */
export function readWrkOutput(output: string, connections: number): WrkOutput {
  const [, line] = /^counts ([\d. ]+)$/m.exec(output) ?? [];
  if (line === undefined || !output.endsWith('end\n')) {
    throw new Error(`the output of wrk does not match its script: ${output.slice(-500)}`);
  }
  const values = line.split(' ').map(Number);
  const counts = Object.fromEntries(COUNT_NAMES.map((name, index) => [name, values[index]])) as WrkCounts;
  const { durationUs, requests, timeouts } = counts;
  const printed = [...output.matchAll(/^latency (\d+) (\d+)$/gm)].map(
    ([, us, count]) => [Number(us), Number(count)] as const,
  );
  const latencies = uncorrected(printed, expectedIntervalUs(durationUs, requests, connections));
  const kept = sumOf(latencies, ([, count]) => count);
  if (kept !== requests - timeouts) {
    throw new Error(
      `wrk counted ${requests} responses, ${timeouts} of them too late to keep, but reported ${kept} latencies`,
    );
  }
  return { counts: { ...counts, cpuUs: counts.cpuUs * 1e6 }, latencies };
}

/** wrk's estimate of the time between two requests of a connection, µs; 0: wrk corrects nothing. */
function expectedIntervalUs(durationUs: number, requests: number, connections: number): number {
  const perConnection = Math.floor(requests / connections);
  return perConnection === 0 ? 0 : Math.floor(durationUs / perConnection);
}

/**
 * Removes wrk's correction for coordinated omission. For each latency of n µs, at least twice the interval, wrk adds
 * samples of n - interval, n - 2 x interval and so on, while these exceed the interval. In a closed loop, whose users do
 * wait, these samples never occurred. The interval is known, so they can be removed exactly, from the longest latency
 * down: samples added to a latency come from longer ones only.
 */
export function uncorrected(
  corrected: readonly (readonly [us: number, count: number])[],
  intervalUs: number,
): [us: number, count: number][] {
  const longestUs = corrected.at(-1)?.[0] ?? 0;
  const measured = new Map<number, number>();
  for (const [us, count] of corrected.toReversed()) {
    let added = 0;
    if (intervalUs > 0 && us > intervalUs) {
      for (let longer = us + intervalUs; longer <= longestUs; longer += intervalUs) {
        added += measured.get(longer) ?? 0;
      }
    }
    if (count > added) measured.set(us, count - added);
  }
  return [...measured].reverse();
}

/** wrk reserves 8 bytes for each microsecond up to this. */
const LONGEST_SEC = 20;
/** The fractional parts of its multiples are spread evenly, for any number of them. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

/** Any bytes as a Lua string: three-digit escapes only. */
function quoteForLua(bytes: Buffer): string {
  return `"${Array.from(bytes, byte => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
}

function lua(text: string): string {
  return quoteForLua(Buffer.from(text, 'latin1'));
}

/** Sets the requests where only wrk reads them: other users of the machine see the arguments of a program. */
function requestScript(requests: PreparedRequests, seed: number): string {
  return requests.length === 1 ? singleScript(requests[0]) : severalScript(requests, seed);
}

function singleScript({ method, path, headers, body }: PreparedRequest): string {
  return [
    `wrk.method = ${lua(method)}`,
    `wrk.path = ${lua(path)}`,
    ...Object.entries(headers).map(([name, value]) => `wrk.headers[${lua(name)}] = ${lua(value)}`),
    ...(body === undefined ? [] : [`wrk.body = ${quoteForLua(body)}`]),
    '',
  ].join('\n');
}

/** The sequence is that of RequestDraw, draw for draw: numbers in Lua are doubles, which hold these products exactly. */
function severalScript(requests: PreparedRequests, seed: number): string {
  const { multiplier, increment, range } = LCG;
  const listed = requests.map(({ method, path, headers, body }) => {
    const fields = Object.entries(headers).map(([name, value]) => `[${lua(name)}] = ${lua(value)}`);
    return `  { ${lua(method)}, ${lua(path)}, { ${fields.join(', ')} }, ${body === undefined ? 'nil' : quoteForLua(body)} },`;
  });
  return `
local stated = {
${listed.join('\n')}
}
local bounds = { ${boundsOf(requests.map(({ weight }) => weight)).join(', ')} }
local texts, state, isChecked = {}, ${seed >>> 0}, false
sent = {}

function init(args)
  for i, one in ipairs(stated) do
    local headers = one[3]
    for name, value in pairs(wrk.headers) do headers[name] = value end
    texts[i], sent[i] = wrk.format(one[1], one[2], headers, one[4]), 0
  end
end

function request()
  -- wrk looks at one request before it begins, which it does not send.
  if not isChecked then
    isChecked = true
    return texts[1]
  end
  state = (${multiplier} * state + ${increment}) % ${range}
  local i = 1
  while state >= bounds[i] do i = i + 1 end
  sent[i] = sent[i] + 1
  return texts[i]
end

function setup(thread)
  sender = thread
end

function printSent()
  for i, count in ipairs(sender:get("sent")) do io.write(string.format("sent %d %d\\n", i, count)) end
end
`;
}

function args(
  { requestsPerConnection }: Client,
  users: number,
  { sendSec }: ToolDuration,
  { url, host }: Place,
): string[] {
  // wrk accepts a header only with a space after its colon.
  const headers = [
    ...(requestsPerConnection === 1 ? ['Connection: close'] : []),
    ...(host === undefined ? [] : [`Host: ${host}`]),
  ];
  return [
    ...['--threads', '1', '--connections', String(users), '--duration', `${sendSec}s`],
    ...['--timeout', `${LONGEST_SEC}s`, '--script', STDIN_FILE],
    ...headers.flatMap(header => ['--header', header]),
    url,
  ];
}

/** How often each of several requests was sent, as their script prints it. */
function readSent(output: string, requestCount: number): Pick<ToolReport, 'sentByRequest'> {
  if (requestCount === 1) return {};
  const sent = [...output.matchAll(/^sent \d+ (\d+)$/gm)].map(([, count]) => Number(count));
  if (sent.length !== requestCount) {
    throw new Error(`wrk was given ${requestCount} requests, but reported ${sent.length}`);
  }
  return { sentByRequest: sent };
}

function read(output: string, users: number, _times: ToolTimes, requestCount: number): ToolReport {
  const { counts, latencies } = readWrkOutput(output, users);
  const { durationUs, requests, bytes, statusErrors, timeouts, cpuUs } = counts;
  const durationMs = durationUs / 1_000;
  // At the end each connection has a request in flight, on average half done, which is not counted; at the start none had.
  const openMs = Math.min(durationMs, meanUs(latencies) / 2 / 1_000);
  const failures: [count: number, outcome: Outcome, error: string][] = [
    [timeouts, 'timeoutTotal', `longer than the ${LONGEST_SEC} s that wrk keeps latencies for`],
    [counts.connectErrors, 'other', 'wrk: error on connect'],
    [counts.readErrors, 'other', 'wrk: error on read'],
    [counts.writeErrors, 'other', 'wrk: error on write'],
  ];

  function* exchanges(): Generator<ToolExchange> {
    const exchange: ToolExchange = {
      startMs: 0,
      writtenMs: Number.NaN,
      headersMs: Number.NaN,
      endMs: 0,
      bodyBytes: requests === 0 ? 0 : bytes / requests,
      status: 0,
      outcome: 'ok',
      error: undefined,
    };
    let index = 0;
    // wrk reports neither when requests ended nor which had a bad status: both are spread evenly.
    const place = (ms: number): ToolExchange => {
      index++;
      exchange.endMs = openMs + ((index * GOLDEN_RATIO) % 1) * (durationMs - openMs);
      exchange.startMs = exchange.endMs - ms;
      return exchange;
    };
    // wrk counts only statuses of 400 and above as errors: see refusals.
    const share = statusErrors / (requests - timeouts);
    for (const [us, count] of latencies) {
      for (let i = 0; i < count; i++) {
        const isBad = Math.floor((index + 1) * share) > Math.floor(index * share);
        exchange.outcome = isBad ? 'badStatus' : 'ok';
        exchange.error = isBad ? 'wrk: status 400 or above' : undefined;
        yield place(us / 1_000);
      }
    }
    exchange.bodyBytes = 0;
    for (const [count, outcome, error] of failures) {
      Object.assign(exchange, { outcome, error });
      for (let i = 0; i < count; i++) yield place(0);
    }
  }

  return {
    openMs,
    closeMs: durationMs,
    exchanges: exchanges(),
    unfinished: users,
    cpuUs,
    ...readSent(output, requestCount),
  };
}

function meanUs(latencies: WrkOutput['latencies']): number {
  const total = sumOf(latencies, ([, count]) => count);
  return total === 0 ? 0 : sumOf(latencies, ([us, count]) => us * count) / total;
}

const wrk: ExternalTool = {
  program: 'wrk',
  args,
  openInput: (requests, seed) => openUnnamed(requestScript(requests, seed) + WRK_SCRIPT),
  reportsStarts: false,
  dropsInFlight: true,
  read,
  poolSize: users => users,
  // wrk opens a test connection before it begins.
  unusedPerStart: 1,
};

/** Whether the server's name is an address, which no TLS handshake sends. */
function isAddressed({ url = '', serverName }: Target): boolean {
  return serverName === undefined && isIP(hostOf(url)) !== 0;
}

function refusals(client: Client, target: Target, requests: readonly Request[] = []): Refusal[] {
  const { expectStatus } = target;
  return [
    ...bodyRefusals('wrk', client),
    ...countingRefusals('wrk', client),
    ...toolReachRefusals(target),
    ...requestRefusals({ tool: 'wrk', canSendHead: false }, requests),
    ...faultRefusals(
      'wrk',
      target,
      'it drops its requests in flight at the end of each slice, failed ones too',
    ),
    ...refuse(
      {
        when: target.framing === 'close',
        path: 'transport',
        message: 'wrk counts a response that ends with the connection twice, the second time as an error',
        hint: "transport: hey or autocannon, or target.framing 'length' or 'chunked'",
      },
      {
        when: client.requestsPerConnection === 1 && usesTls(target),
        path: 'requestsPerConnection',
        message:
          'wrk times a request from when its connection is ready, so its latencies exclude every handshake',
        hint: "'unlimited', or target.tls: 'none', or transport: hey",
      },
      {
        when: target.url?.startsWith('https:') === true && !isAddressed(target),
        path: 'transport',
        message: 'wrk is given the checked address, so it would not name the server in its TLS handshake',
        hint: 'transport: hey or autocannon, or a url with an address',
      },
      {
        when: !isJudgeable(expectStatus),
        path: 'transport',
        message: `wrk reports only the number of statuses of 400 or above, which cannot be compared with target.expectStatus: ${JSON.stringify(expectStatus)}`,
        hint: "expectStatus: ['2xx'] or ['2xx', '3xx'], or transport: hey or autocannon",
      },
    ),
  ];
}

/** wrk counts every status below 400 as success; a caveat reports that this includes redirects. */
function isJudgeable(expected: Target['expectStatus']): boolean {
  return expected.includes('2xx') && expected.every(entry => entry === '2xx' || entry === '3xx');
}

function refusesAnswers({ framing, interimStatuses }: ForeignServer): Obstacle | undefined {
  const hint =
    'transport: hey or autocannon, or ifInstalled: true, which skips the client if it cannot measure';
  if (interimStatuses.length > 0) {
    return {
      message: `wrk takes an interim response (${interimStatuses.join(', ')}) for the response, and fails`,
      hint,
    };
  }
  return framing === 'close'
    ? {
        message:
          'wrk counts a response that ends with the connection twice, the second time as an error, and this server sends responses without a length',
        hint,
      }
    : undefined;
}

const HONOURS = ['requestsPerConnection', 'body'] as const;

const engine: EngineModule = {
  kind: 'engine',
  countsConnections: false,
  leastSliceMs: 1_000,
  honours: HONOURS,
  cannot: engineCannot(HONOURS),
  caveats: [
    'wrk is started for each slice and opens new connections in each; the steady window is its whole run, ramp included, less half a mean latency; its requests are spread evenly over it, because their times are not reported.',
    'wrk times a request from when its connection is open; conntax removes the samples that it adds for coordinated omission.',
    'wrk does not report the statuses of its responses: 400 and above count as failed, and a redirect (3xx) always counts as successful.',
    'Requests in flight when wrk stops count as unfinished, one per connection; its bytes include response headers; it does not verify certificates.',
  ],
  missing: () => missingProgram('wrk'),
  refusals,
  refusesAnswers,
  open: options => new ExternalEngine(wrk, options),
};
export default engine;
