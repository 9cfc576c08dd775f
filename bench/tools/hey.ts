// hey as a load tool: one process per slice, with every response it reports.
import type { Outcome } from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import type { Client } from '../../scenarios/model/client.ts';
import type { Request } from '../../scenarios/model/request.ts';
import { refuse } from '../clients/refusals.ts';
import type { EngineModule, PreparedRequests, Refusal } from '../contracts.ts';
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

/** Times in ms since hey was started. */
interface HeyAnswer {
  status: number;
  startMs: number;
  writtenMs: number;
  headersMs: number;
  endMs: number;
}

interface HeyOutput {
  answers: readonly HeyAnswer[];
  failures: readonly { message: string; count: number }[];
  /** Body bytes of all responses, by their Content-Length headers. */
  bodyBytes: number;
}

/** hey keeps no more answers than this. */
const MAX_ANSWERS = 1_000_000;

/**
 * hey's `-o csv` prints each response, rounded to 0.1 ms, but no failures. It also accepts a Go template:
 * this one prints both, unrounded.
 */
const HEY_TEMPLATE = `{{range $message, $count := .ErrorDist}}failure {{$count}} {{printf "%q" $message}}
{{end}}total {{.NumRes}} {{.SizeTotal}}
{{range $i, $seconds := .Lats}}{{index $.StatusCodes $i}} {{index $.Offsets $i}} {{$seconds}} {{index $.DelayLats $i}} {{index $.ResLats $i}}
{{end}}end
`;

/** @throws Error when the output does not match the template, or is incomplete */
export function readHeyOutput(output: string): HeyOutput {
  const [, allCount, bodyBytes] = /^total (\d+) (\d+)$/m.exec(output) ?? [];
  if (allCount === undefined || !output.trimEnd().endsWith('end')) {
    throw new Error(`the output of hey does not match its template: ${output.slice(-500)}`);
  }
  const failures = [...output.matchAll(/^failure (\d+) (".*")$/gm)].map(([, count, message]) => ({
    message: unquoted(message!),
    count: Number(count),
  }));
  const answers = [...output.matchAll(/^(\d+) (\S+) (\S+) (\S+) (\S+)$/gm)].map(([, ...texts]) => {
    const [status = 0, offset = 0, total = 0, delay = 0, reading = 0] = texts.map(Number);
    const endMs = (offset + total) * 1_000;
    const headersMs = endMs - reading * 1_000;
    return { status, startMs: offset * 1_000, writtenMs: headersMs - delay * 1_000, headersMs, endMs };
  });
  const reported = answers.length + sumOf(failures, ({ count }) => count);
  if (reported !== Number(allCount)) {
    const why = answers.length >= MAX_ANSWERS ? ', because it keeps no more; expected: shorter slices' : '';
    throw new Error(`hey sent ${allCount} requests but reported ${reported}${why}`);
  }
  return { answers, failures, bodyBytes: Number(bodyBytes) };
}

/** Parses a string written by Go's %q, which is JSON except for a few escapes; those stay as they are. */
function unquoted(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}

/** hey keeps at most this many idle connections, regardless of the number of users. */
const MAX_IDLE = 500;

const OUTCOMES: readonly (readonly [pattern: RegExp, outcome: Outcome])[] = [
  [/Client\.Timeout|context deadline exceeded/, 'noAnswer'],
  [/connection refused/, 'refused'],
  [/connection reset|broken pipe|EOF/, 'reset'],
  [/cannot assign requested address/, 'portExhausted'],
  [/too many open files/, 'descriptorLimit'],
];

function outcomeOf(message: string): Outcome {
  return OUTCOMES.find(([pattern]) => pattern.test(message))?.[1] ?? 'other';
}

function args(
  { requestsPerConnection }: Client,
  users: number,
  { sendSec, answerSec }: ToolDuration,
  { url, host }: Place,
  [{ method, headers, body }]: PreparedRequests,
): string[] {
  return [
    ...['-c', String(users), '-z', `${sendSec}s`, '-t', String(answerSec), '-o', HEY_TEMPLATE],
    ...['-disable-compression', '-disable-redirects'],
    ...(requestsPerConnection === 1 ? ['-disable-keepalive'] : []),
    ...(host === undefined ? [] : ['-host', host]),
    ...(method === 'GET' ? [] : ['-m', method]),
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(body === undefined ? [] : ['-D', STDIN_FILE]),
    url,
  ];
}

function read(output: string, _users: number, { rampMs, windowMs, stoppedMs }: ToolTimes): ToolReport {
  const { answers, failures, bodyBytes } = readHeyOutput(output);
  let firstMs = Number.POSITIVE_INFINITY;
  let lastStartMs = 0;
  for (const { startMs } of answers) {
    firstMs = Math.min(firstMs, startMs);
    lastStartMs = Math.max(lastStartMs, startMs);
  }
  const beginMs = answers.length === 0 ? 0 : firstMs;
  const openMs = beginMs + rampMs;
  // After it was asked to end no request begins, so the load is no longer full.
  const closeMs = Math.min(openMs + windowMs, answers.length === 0 ? stoppedMs : lastStartMs);

  function* exchanges(): Generator<ToolExchange> {
    const each = { bodyBytes: answers.length === 0 ? 0 : bodyBytes / answers.length };
    for (const { status, ...times } of answers) {
      yield { ...times, ...each, status, outcome: 'ok', error: undefined };
    }
    // hey does not report when a request failed, so failures are spread evenly over the run.
    const unknown = { writtenMs: Number.NaN, headersMs: Number.NaN, bodyBytes: 0, status: 0 };
    for (const { message, count } of failures) {
      for (let i = 0; i < count; i++) {
        const startMs = beginMs + ((i + 0.5) / count) * (closeMs - beginMs);
        yield { ...unknown, startMs, endMs: startMs, outcome: outcomeOf(message), error: message };
      }
    }
  }

  return { openMs, closeMs, exchanges: exchanges(), unfinished: 0 };
}

const hey: ExternalTool = {
  program: 'hey',
  args,
  reportsStarts: true,
  dropsInFlight: false,
  openInput: ([{ body = '' }]) => openUnnamed(body),
  read,
  // Go opens a connection whenever none is idle at that moment, and keeps the extra one.
  poolSize: () => null,
  unusedPerStart: 0,
};

/** Other users of the machine see the arguments of a program. */
function secretRefusals(requests: readonly Request[]): Refusal[] {
  const values = requests.flatMap(({ headers, query }) => [
    ...Object.values(headers),
    ...Object.values(query),
  ]);
  return refuse({
    when: values.some(value => typeof value !== 'string'),
    path: 'transport',
    message: 'hey takes headers and query as arguments, which other users of the machine can read',
    hint: 'transport: wrk or autocannon, or no value from the environment',
  });
}

function severalRefusals(requests: readonly Request[]): Refusal[] {
  return refuse({
    when: requests.length > 1,
    path: 'transport',
    message: 'hey sends one request again and again, not several',
    hint: 'transport: wrk or autocannon, or request in place of requests',
  });
}

const HONOURS = ['requestsPerConnection', 'body'] as const;

const engine: EngineModule = {
  kind: 'engine',
  countsConnections: false,
  leastSliceMs: 1_000,
  honours: HONOURS,
  cannot: engineCannot(HONOURS),
  caveats: [
    'hey is started for each slice and opens new connections in each; Go also opens one whenever none is idle at that moment, so there may be more connections than users.',
    'Bytes of hey are taken from Content-Length: responses without it, such as chunked ones, count as 0 bytes.',
    'hey does not verify certificates, and takes an incomplete body for a complete one.',
  ],
  missing: () => missingProgram('hey'),
  refusesLoad: ({ requestsPerConnection }, { concurrency }) =>
    requestsPerConnection === 'unlimited' && concurrency > MAX_IDLE
      ? {
          message: `hey keeps at most ${MAX_IDLE} idle connections and closes those of further users after each request`,
          hint: `at most ${MAX_IDLE} users`,
        }
      : undefined,
  refusals: (client, target, requests = []) => [
    ...toolReachRefusals(target),
    ...bodyRefusals('hey', client),
    ...countingRefusals('hey', client),
    ...severalRefusals(requests),
    ...requestRefusals({ tool: 'hey', canSendHead: true }, requests),
    ...faultRefusals('hey', target, "Go's client sends a request again if its connection was closed"),
    ...secretRefusals(requests),
  ],
  open: options => new ExternalEngine(hey, options),
};
export default engine;
