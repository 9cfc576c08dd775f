// The `try` command: a first answer for a server that is already running, without a scenario file.
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { suggestNextStep } from '../../report/words/doubts.ts';
import { headlinePhrases } from '../../report/words/load.ts';
import { formatComparison, formatRatio } from '../../report/words/numbers.ts';
import { UsageError } from '../../results/errors.ts';
import { joinWords } from '../../results/figures.ts';
import { kindOf, readTextFile, replaceFile } from '../../results/files.ts';
import { closingReason, type ForeignServer, type Run } from '../../results/model/run.ts';
import type { FailureCode, TrialResult } from '../../results/model/trial.ts';
import { type Client, isModulePath } from '../../scenarios/model/client.ts';
import { own } from '../../scenarios/model/facts.ts';
import { carriesCredentials, type Method, type Value, variableFor } from '../../scenarios/model/request.ts';
import type { ExpectedStatus } from '../../scenarios/model/request-facts.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';
import { scenarioText } from '../../scenarios/model/written.ts';
import { proxySecrets } from '../clients/proxy.ts';
import { everyForm, redact } from '../clients/request.ts';
import { type Plan, planRun } from '../plan/plan.ts';
import { lacksContentType } from '../run/find-servers.ts';
import { PASSPHRASE, PROXY_URL } from '../run/reach.ts';
import type { Context } from './context.ts';
import { formatDuration } from './dry-run.ts';
import { begin, type Conclusion, type MeasureOptions, measurePlan } from './measure-plan.ts';
import { errorInOptions } from './option-words.ts';
import { parseServerUrl, TRY_DEFAULTS } from './options.ts';
import { readAsked } from './scenario-options.ts';

export interface TryOptions extends MeasureOptions {
  request?: Method;
  header: readonly string[];
  data?: string;
  dataFile?: string;
  /** Number of users; not with a rate. */
  concurrency?: number;
  /** Requests per second of an open load, in place of users. */
  rate?: number;
  /** Default: a library that keeps connections with the method. */
  client?: string;
  expectStatus?: readonly ExpectedStatus[];
  budgetSec: number;
  /** File of the authority to trust. */
  cacert?: string;
  /** Files of the client's certificate and its key, and what decrypts the key. */
  cert?: string;
  key?: string;
  pass?: string;
  insecure?: boolean;
  serverName?: string;
  unixSocket?: string;
  /** URL of an HTTP proxy, perhaps with a user and a password. */
  proxy?: string;
  /** File that gets the scenario. */
  save?: string;
}

/** With what was not given filled in. */
export type Tried = TryOptions & { client: string; concurrency: number };

/** undici closes the connection after each HEAD. @throws UsageError for options that contradict each other */
export function completed(options: TryOptions): Tried {
  const { concurrency, rate } = options;
  if (concurrency !== undefined && rate !== undefined) {
    throw new UsageError(
      `-c ${concurrency} cannot be used with --rate: how many requests are in flight follows from the rate and the response times; expected: one of them, or a scenario (--save) with load.maxInFlight or pool.maxConnections`,
    );
  }
  const client = options.client ?? (options.request === 'HEAD' ? 'node-http' : TRY_DEFAULTS.client);
  return {
    ...options,
    client,
    concurrency: concurrency ?? TRY_DEFAULTS.concurrency,
    ...(options.proxy === undefined ? {} : { proxy: parseProxy(options.proxy) }),
  };
}

/** Clients of the scenario, by name. The numbers of connections are those of the pools. */
const SHORT = 'short';
const PERSISTENT = 'persistent';
const POOL = 'pool-';
/** The most that a scenario allows, so that the budget alone ends a trial. */
const MAX_REPLICATES = 1_000;

/** @returns the exit status. @throws UsageError, MeasureError */
export async function tryCommand(address: string, options: TryOptions, context: Context): Promise<number> {
  try {
    return await tryServer(address, options, context);
  } catch (error) {
    throw errorInOptions(error, options.data?.startsWith('@') === true ? '-d' : '--data-file');
  }
}

async function tryServer(address: string, given: TryOptions, context: Context): Promise<number> {
  const begun = begin(given);
  const options = completed(given);
  const { scenarioWith, secrets, typed } = readAddress(address, options);
  Object.assign(process.env, secrets);
  const scenario = scenarioWith(file => resolve(context.cwd, file));
  const variants = await readVariants(scenario, context);
  const { pace } = begun;
  let { plan, leftOut } = planInTime(variants, pace);
  const { save } = options;
  if (save !== undefined) requireSavable(save, context);
  const tellPlan = (): void => {
    if (leftOut !== undefined) context.output.note(`  ! ${leftOut}`);
    if (variants.some(lacksContentType)) context.output.note(`  ! ${NO_CONTENT_TYPE}`);
    if (save === undefined) return;
    const { clients } = plan.cells[0]!.scenario;
    const saved = scenarioWith(file => pathFrom(save, file, context.cwd));
    const kept = Object.entries(saved.clients).filter(([name]) => Object.hasOwn(clients, name));
    saveScenario(save, { ...saved, clients: Object.fromEntries(kept) }, Object.keys(secrets), context);
  };
  if (options.dryRun === true) tellPlan();
  return measurePlan(plan, {
    ...begun,
    options,
    context: { ...context, argv: context.argv.map(word => redact(word, everyForm(typed))) },
    mustBeGood: true,
    settle: answers => {
      const atAnswer = planAtAnswer(variants, answers, pace);
      if (atAnswer !== undefined) ({ plan, leftOut } = atAnswer);
      tellPlan();
      return atAnswer?.plan;
    },
    conclude: conclusion => [...conclude(conclusion, options), ...(leftOut === undefined ? [] : [leftOut])],
  });
}

const NO_CONTENT_TYPE =
  "No Content-Type is sent with the data; add -H 'content-type: application/json', or what it is, if the server wants one.";

/** The scenario as if it stood in a file. @throws UsageError */
async function readVariants(scenario: ScenarioInput, context: Context): Promise<Variant[]> {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'conntax-try-'));
  const file = join(folder.path, 'try.json');
  writeFileSync(file, JSON.stringify(scenario));
  return await readAsked([file], context);
}

/**
 * Short against persistent comes first: where the budget may be too short for the replicates that an interval needs of all
 * clients, the smaller pools are left out, which is said.
 */
export function planInTime(
  variants: readonly Variant[],
  pace: { seed: number; slowness: number },
): { plan: Plan; leftOut?: string } {
  const plan = planRun(variants, pace);
  const [cell] = plan.cells;
  const pools = cell?.arms.filter(isSmallerPool) ?? [];
  if (cell === undefined || pools.length === 0) return { plan };
  const { budgetMs } = cell.scenario.timing;
  if (cell.least.intervalMs <= budgetMs) return { plan };
  const needed = Math.ceil(cell.least.intervalMs / BUDGET_STEP_MS) * (BUDGET_STEP_MS / 1_000);
  return {
    plan: planRun(withoutPools(variants), pace),
    leftOut: `${namePools(pools)} not measured: ${formatDuration(budgetMs)} may be too short for ${cell.arms.length} clients, and short against persistent comes first. To find out whether a smaller pool would do, add --budget-sec ${needed}.`,
  };
}

/**
 * Where the server closes each connection after its response, without the smaller pools, whose sizes then say nothing;
 * undefined: the plan stays.
 */
export function planAtAnswer(
  variants: readonly Variant[],
  answers: readonly ForeignServer[],
  pace: { seed: number; slowness: number },
): { plan: Plan; leftOut: string | undefined } | undefined {
  if (!answers.some(answer => closingReason(answer) !== undefined)) return undefined;
  const pools = variants.flatMap(({ clients }) => Object.keys(clients).filter(isSmallerPool));
  return {
    plan: planRun(withoutPools(variants), pace),
    leftOut:
      pools.length === 0
        ? undefined
        : `${namePools(pools)} not measured: the server closes each connection after its response, so no pool can keep one.`,
  };
}

function withoutPools(variants: readonly Variant[]): Variant[] {
  return variants.map(variant => ({
    ...variant,
    clients: Object.fromEntries(Object.entries(variant.clients).filter(([name]) => !isSmallerPool(name))),
  }));
}

/** `Pools of 5 and 10 connections are`. */
function namePools(pools: readonly string[]): string {
  const sizes = pools.map(name => name.slice(POOL.length));
  if (sizes.length > 1) return `Pools of ${joinWords(sizes)} connections are`;
  return `A pool of ${sizes[0]} ${sizes[0] === '1' ? 'connection' : 'connections'} is`;
}

/** A suggested budget is a multiple of this. */
const BUDGET_STEP_MS = 10_000;

function isSmallerPool(client: string): boolean {
  return client.startsWith(POOL);
}

/** A scenario that was saved before may be replaced; anything else is the user's. */
function isScenario(file: string): boolean {
  try {
    return 'clients' in JSON.parse(readTextFile(file) ?? '');
  } catch {
    return false;
  }
}

/** @throws UsageError when a scenario cannot be saved there, or another file has the name */
function requireSavable(name: string, { cwd }: Context): void {
  const file = resolve(cwd, name);
  if (kindOf(dirname(file)) !== 'folder')
    throw new UsageError(`--save ${name}: ${dirname(file)} is not a folder; expected: a folder that exists`);
  if (kindOf(file) === 'folder')
    throw new UsageError(`--save ${name}: this is a folder; expected: the name of a file, such as try.json`);
  if (kindOf(file) === 'file' && !isScenario(file))
    throw new UsageError(
      `--save ${name}: this file exists, and is not a scenario; expected: another name, such as try.json`,
    );
}

/** Replaces a scenario of that name. @throws UsageError when it cannot be written */
function saveScenario(
  name: string,
  scenario: ScenarioInput,
  variables: readonly string[],
  { cwd, output }: Context,
): void {
  replaceFile(resolve(cwd, name), scenarioText(scenario));
  const needs = variables.length === 0 ? '' : `, with ${variables.join(' and ')} in the environment`;
  output.note(`Saved the scenario: conntax run ${name.includes('/') ? name : `./${name}`}${needs}`);
}

/** The path of a file as the scenario has it. */
type Locate = (file: string) => string;

/** From the folder of the scenario that is saved, so that both can move together. */
export function pathFrom(saved: string, file: string, cwd: string): string {
  const path = relative(dirname(resolve(cwd, saved)), resolve(cwd, file));
  return path.startsWith('..') ? path : `./${path}`;
}

interface TriedScenario {
  /** The same wherever it stands, but for the paths of its files. */
  scenarioWith(locate: Locate): ScenarioInput;
  /** By environment variable. */
  secrets: Record<string, string>;
  /** What the stored command line must not repeat. */
  typed: string[];
}

/** @throws UsageError for an address that is no URL, a header that is none, or contradicting options */
export function readAddress(address: string, options: Tried): TriedScenario {
  const secrets: Record<string, string> = {};
  const typed: string[] = [];
  const hide = (name: string, value: string): Value => {
    if (!carriesCredentials(name)) return value;
    const env = freeVariable(name, value, secrets);
    secrets[env] = value;
    typed.push(value);
    return { env };
  };
  const url = parseServerUrl(address);
  const query: Record<string, Value> = {};
  for (const [name, value] of [...url.searchParams]) {
    if (!carriesCredentials(name)) continue;
    query[name] = hide(name, value);
    url.searchParams.delete(name);
  }
  const headers = Object.fromEntries(
    options.header.map(parseHeader).map(([name, value]) => [name, hide(name, value)]),
  );
  if (url.username !== '' || url.password !== '') {
    const credentials = [url.username, url.password].map(decodeURIComponent).join(':');
    headers['authorization'] = hide('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
    typed.push(url.password, decodeURIComponent(url.password));
    url.username = '';
    url.password = '';
  }
  const { concurrency, rate, expectStatus } = options;
  if (options.pass !== undefined) {
    secrets[PASSPHRASE] = options.pass;
    typed.push(options.pass);
  }
  if (options.proxy !== undefined && proxySecrets(options.proxy).length > 0) {
    secrets[PROXY_URL] = options.proxy;
    typed.push(...proxySecrets(options.proxy));
  }
  return {
    secrets,
    typed: typed.filter(text => text !== ''),
    scenarioWith: locate => ({
      name: 'try',
      question: `What does opening a connection to ${url.host} cost, and how many connections do ${rate === undefined ? `${concurrency} users` : `${rate} requests/s`} need?`,
      target: {
        url: url.href,
        ...reachOf(options, locate),
        ...(expectStatus === undefined ? {} : { expectStatus: [...expectStatus] }),
      },
      ...requestOf(options, { headers, query, locate }),
      load: rate === undefined ? { model: 'closed', concurrency } : { model: 'open', ratePerSec: rate },
      timing: { budgetMs: Math.round(options.budgetSec * 1_000), maxReplicates: MAX_REPLICATES },
      clients: clientsOf(options, locate),
      baseline: PERSISTENT,
    }),
  };
}

/** How the server is reached, by the settings of a target. */
function reachOf(options: TryOptions, locate: Locate): Partial<NonNullable<ScenarioInput['target']>> {
  const { cacert, cert, key, pass, insecure, serverName, unixSocket, proxy } = options;
  const files = { caFile: cacert, certFile: cert, keyFile: key, socketPath: unixSocket };
  const paths = Object.entries(files).filter(([, file]) => file !== undefined);
  return {
    ...Object.fromEntries(paths.map(([setting, file]) => [setting, locate(file!)])),
    ...(pass === undefined ? {} : { passphrase: { env: PASSPHRASE } }),
    ...(insecure === true ? { insecure } : {}),
    ...(serverName === undefined ? {} : { serverName }),
    ...(proxy === undefined ? {} : { proxy: proxySecrets(proxy).length === 0 ? proxy : { env: PROXY_URL } }),
  };
}

/** `API_KEY`; `API_KEY_2` if that holds another value, which a header `api-key` and a parameter `api_key` make possible. */
function freeVariable(name: string, value: string, secrets: Readonly<Record<string, string>>): string {
  const variable = variableFor(name);
  for (let place = 1; ; place++) {
    const candidate = place === 1 ? variable : `${variable}_${place}`;
    if ((own(secrets, candidate) ?? value) === value) return candidate;
  }
}

/** `Name: value`. @throws UsageError, without the value, which may be a secret */
export function parseHeader(text: string): [name: string, value: string] {
  const [, name, value] = /^([^:]+):\s*(.*?)\s*$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new UsageError(
      "a header must have a name, a colon and a value; expected: such as -H 'accept: text/plain'",
    );
  if (/\s/.test(name))
    throw new UsageError(
      `the name of the header ${JSON.stringify(name)} has a space; expected: such as -H 'accept: text/plain'`,
    );
  return [name, value];
}

/** As curl does, http where no scheme is given. @throws UsageError, without the URL, which may have a password */
export function parseProxy(text: string): string {
  const url = text.includes('://') ? text : `http://${text}`;
  if (URL.canParse(url) && new URL(url).protocol === 'http:') return url;
  throw new UsageError(
    'the proxy of -x is not a URL of an HTTP proxy, by http; expected: such as -x http://127.0.0.1:3128',
  );
}

function requestOf(
  { request: method, data: text, dataFile: path }: TryOptions,
  {
    headers,
    query,
    locate,
  }: { headers: Record<string, Value>; query: Record<string, Value>; locate: Locate },
): Pick<ScenarioInput, 'request'> {
  // As for curl, too: data that begins with @ is the name of a file.
  const isFile = text?.startsWith('@') === true;
  const [data, dataFile] = isFile ? [undefined, text.slice(1)] : [text, path];
  const hasBody = data !== undefined || dataFile !== undefined;
  const request: NonNullable<ScenarioInput['request']> = {
    // As curl does: data is posted.
    ...(method === undefined ? (hasBody ? { method: 'POST' } : {}) : { method }),
    ...(Object.keys(query).length === 0 ? {} : { query }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(data === undefined ? {} : { body: data }),
    ...(dataFile === undefined ? {} : { bodyFile: locate(dataFile) }),
  };
  return Object.keys(request).length === 0 ? {} : { request };
}

/** Short and persistent connections, and pools of a half and a quarter of the users where the client has a pool. */
function clientsOf({ client, concurrency, rate }: Tried, locate: Locate): ScenarioInput['clients'] {
  const transport = isModulePath(client) ? locate(client) : client;
  const base = transport === 'undici' ? {} : { transport };
  const pooled = (maxConnections: number): Partial<Client> => ({ ...base, pool: { maxConnections } });
  // Only these have a pool with a limit; of a module it is not known before it is read.
  const hasPool = ['undici', 'node-http', 'wire'].includes(transport);
  const isUserLoad = rate === undefined && hasPool;
  const smaller = isUserLoad
    ? [...new Set([Math.ceil(concurrency / 4), Math.ceil(concurrency / 2)])].filter(
        size => size < concurrency,
      )
    : [];
  return {
    [PERSISTENT]: isUserLoad ? pooled(concurrency) : base,
    [SHORT]: { ...base, requestsPerConnection: 1 },
    ...Object.fromEntries(smaller.map(size => [`${POOL}${size}`, pooled(size)])),
  };
}

/** A pool serves as well as one connection each if it can't be more than this much slower. */
const ENOUGH_RATIO = 0.95;

/** What a reader does next, by what was found: a sentence each. */
export function conclude({ run, trials, servers }: Conclusion, options: Tried): string[] {
  const [server] = servers;
  const closes = server === undefined ? undefined : closingReason(server);
  if (closes !== undefined)
    return [
      `The server ${closes}: it closes each connection after its response, so there is nothing to reuse, and what a connection costs cannot be compared here. Let the server, or the proxy before it, keep connections: HTTP/1.1 keep-alive, and answers with a Content-Length or in chunks.`,
    ];
  const failed = failureLines(trials);
  if (trials.every(({ state }) => state === 'failed')) return failed;
  return [
    ...failed,
    ...decisionLines(run),
    // What a pool lacks may be what failed.
    ...(failed.length === 0 ? poolLines(run, options) : []),
    ...(server === undefined ? [] : idleLines(server, options)),
    ...(options.save === undefined
      ? ['To change the question, add --save try.json: it is the scenario of this run.']
      : []),
  ];
}

/** What helps where trials failed, by their causes; each once. */
const REMEDIES: Record<FailureCode, string> = {
  'no-answer':
    'The server left requests without an answer: see whether it hangs or waits for something, and try a single user (-c 1).',
  'no-good-answer':
    'Look at an answer, for example with curl -i: the server may refuse the request, or the load. Statuses that are right are named by --expect-status.',
  'ports-exhausted':
    'Wait a minute, until the ports of closed connections are free, or try fewer users (-c): each new connection takes a port.',
  'descriptor-limit': 'Raise the limit of open files (ulimit -n), or try fewer users (-c).',
  'trial-hung': 'A client did not end in time: close other programs, and try fewer users (-c).',
  'generator-start': 'A client could not be started: see what its message says, and repeat it.',
  'generator-died':
    "A client's process ended: see what its message says; the kernel's log (dmesg) tells whether memory ran out.",
  'target-start': 'The server did not start: see what its message says.',
  'target-died': 'The server ended: see its own log.',
  'link-start': 'The emulated link did not start: see what its message says.',
  'link-died': 'The emulated link ended: see what its message says, and repeat it.',
  'package-unused':
    'Another version of a package was asked for that the client does not load: see what its message says.',
  'machine-lost': 'Another machine was lost: see that its agent still runs, and repeat it.',
  internal: 'This is a fault of conntax: please report it with what its message says.',
};

/** `3 of 8 trials failed. Look at an answer, …` */
function failureLines(trials: readonly TrialResult[]): string[] {
  const codes = trials.flatMap(trial => (trial.state === 'failed' ? [trial.error.code] : []));
  if (codes.length === 0) return [];
  const remedies = [...new Set(codes)].map(code => REMEDIES[code]);
  return [`${codes.length} of ${trials.length} trials failed. ${remedies.join(' ')}`];
}

/** What was seen of short against persistent connections where that is not decided, and what decides it. */
function decisionLines({ cells }: Run): string[] {
  const [result] = cells;
  const comparison = result?.comparisons.find(
    ({ isDeciding, candidate, replicateRatios }) =>
      isDeciding && candidate === SHORT && replicateRatios.length > 0,
  );
  if (result === undefined || comparison?.verdict !== 'unsure') return [];
  const step = suggestNextStep([{ result, comparison }], cells) ?? 'Close other programs, and repeat it.';
  const { noun } = headlinePhrases(result.scenario.load);
  return [
    `${SHORT} against ${PERSISTENT} is not decided: ${formatComparison(comparison)} in ${noun}. ${step}`,
  ];
}

function poolLines({ cells }: Run, { concurrency, client }: Tried): string[] {
  const result = cells[0];
  if (result === undefined) return [];
  const pools = result.comparisons
    .filter(({ metric, candidate }) => metric === 'requestsPerSec' && isSmallerPool(candidate))
    .map(({ candidate, ratio }) => ({ size: Number(candidate.slice(POOL.length)), ratio }))
    .sort((left, right) => left.size - right.size);
  if (pools.length === 0) return [];
  if (pools.every(({ ratio }) => ratio === null))
    return [
      `How many connections ${concurrency} users need is not known yet: measure longer, with --budget-sec.`,
    ];
  const told = pools
    .map(({ size, ratio }) => `${size}: ${ratio === null ? 'unknown' : formatRatio(ratio)}`)
    .join(', ');
  const enough = pools.find(({ ratio }) => ratio !== null && ratio.low >= ENOUGH_RATIO);
  const answer =
    enough === undefined
      ? `No smaller pool is shown to serve ${concurrency} users as well as ${concurrency} connections`
      : `A pool of ${enough.size} connections serves ${concurrency} users as well as ${concurrency} connections`;
  const setting = own(POOL_SETTINGS, client);
  return [
    `${answer} (requests/s by pool, against ${concurrency} connections: ${told}).${enough === undefined || setting === undefined ? '' : ` Set ${setting}: ${enough.size}.`}`,
  ];
}

/** Where each library has its limit. */
const POOL_SETTINGS: Readonly<Record<string, string>> = {
  undici: "undici's connections",
  'node-http': "the agent's maxSockets",
};

/** Idle timeouts by default, and what each library makes of the server's announcement. */
const IDLE_RULES: Readonly<Record<string, { byDefault: string; announced: string; setting: string }>> = {
  undici: {
    byDefault: 'undici closes idle connections after 4 s',
    announced: 'undici closes them 2 s before that',
    setting: 'keepAliveTimeout',
  },
  'node-http': {
    byDefault: "Node's agent keeps idle connections until the server closes them",
    announced: "Node's agent heeds it only with a timeout of its own",
    setting: "the agent's timeout",
  },
};

function idleLines({ keepAliveHeader }: ForeignServer, { client }: Tried): string[] {
  const rule = own(IDLE_RULES, client);
  const announced = /(?:^|[,\s])timeout=(\d+)/i.exec(keepAliveHeader ?? '')?.[1];
  if (announced !== undefined) {
    return [
      `The server announces that it closes idle connections after ${announced} s${rule === undefined ? '' : `; ${rule.announced}`}. A client must close them earlier.`,
    ];
  }
  return [
    `The server announces no idle timeout${rule === undefined ? '' : `; ${rule.byDefault}. If the server's timeout is shorter, set ${rule.setting} below it`}. A request on a connection that the server has just closed fails.`,
  ];
}
