// Loads a user's client module and makes it a transport, or reports what is wrong with it.

import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  causesOf,
  describeErrorPlace,
  describeForeign,
  MeasureError,
  memberOfForeign,
  shorten,
} from '../../results/errors.ts';
import { OUTCOMES, type Outcome } from '../../results/model/trial.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { originCount } from '../../scenarios/model/facts.ts';
import type { Method, Request } from '../../scenarios/model/request.ts';
import { hasBody } from '../../scenarios/model/request-facts.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type {
  ClientAnswer,
  ClientDefinition,
  Exchange,
  HonourableSetting,
  ModuleLoading,
  Obstacle,
  OwnClient,
  PreparedRequest,
  Refusal,
  RequestToSend,
  Transport,
  TransportModule,
  TransportOptions,
} from '../contracts.ts';
import { RESILIENCE_SETTINGS } from '../resending.ts';
import { trustInProcess } from './connection-options.ts';
import { classifyError, codedOutcome, describeError, type Evidence, rootCause } from './errors.ts';
import { plainTargetRefusals, reachRefusals, refuse } from './refusals.ts';
import { ReusableRequest, sendReusing } from './reusable-request.ts';
import { EndpointSockets } from './sockets.ts';

/** What all exchanges of one client share. */
export interface Context {
  /** Undefined while it is being opened. */
  client: OwnClient | undefined;
  opening: Promise<OwnClient>;
  /** By index of the scenario's requests. */
  contents: readonly RequestContent[];
  brokenConnection(causes: readonly unknown[]): Evidence;
  isClosed: boolean;
}

/** What a module is asked to send. */
type RequestContent = Pick<PreparedRequest, 'method' | 'headers' | 'body'> & { url: string };

/** A signal makes requests of some libraries 10 % slower, so it is created only when the module uses it. */
class RequestOfModule implements RequestToSend {
  readonly #content: RequestContent;
  #controller: AbortController | undefined;
  #isAborted = false;

  constructor(content: RequestContent) {
    this.#content = content;
  }

  get method(): Method {
    return this.#content.method;
  }

  get url(): string {
    return this.#content.url;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#content.headers;
  }

  get body(): Buffer | undefined {
    return this.#content.body;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.#controller.abort();
    return this.#controller.signal;
  }

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort();
  }
}

export class ModuleRequest extends ReusableRequest {
  readonly #context: Context;
  #request: RequestOfModule | undefined;

  constructor(context: Context, exchange: Exchange) {
    super(exchange);
    this.#context = context;
  }

  protected override start(): void {
    this.#request = new RequestOfModule(this.#context.contents[this.exchange.request]!);
    this.#ask(this.#request).then(this.#onAnswer, this.#onError);
  }

  protected override giveUp(): void {
    this.#request?.abort();
  }

  /** Always returns a promise, even if the module does not. */
  #ask(request: RequestOfModule): Promise<ClientAnswer> {
    const { client, opening, isClosed } = this.#context;
    if (isClosed) return Promise.reject(new Error('the transport is closed'));
    // A native promise around the module's: it settles once, and asynchronously.
    return new Promise(resolve =>
      resolve(client === undefined ? opening.then(it => it.send(request)) : client.send(request)),
    );
  }

  readonly #onAnswer = (answer: ClientAnswer): void => {
    const { exchange } = this;
    const read = readAnswer(answer);
    if (read === undefined) {
      exchange.outcome = 'other';
      exchange.error =
        'send() of the module did not resolve to { status, bytes }; expected: an HTTP status and an integer number of bytes';
    } else {
      exchange.bodyBytes = read.bytes;
      exchange.status = read.status;
    }
    this.end();
  };

  readonly #onError = (error: unknown): void => {
    const { exchange } = this;
    exchange.outcome = outcomeOf(error, this.#context.brokenConnection(causesOf(error)));
    exchange.error = describeError(error);
    if (exchange.outcome === 'badStatus') exchange.status = badStatusOf(error);
    this.end();
  };
}

/** A longer body cannot be read within a trial. */
const MAX_BYTES = 2 ** 40;

/** Reads each member once: a module may return anything, including getters that change. */
function readAnswer(answer: unknown): ClientAnswer | undefined {
  const status = memberOfForeign(answer, 'status');
  const bytes = memberOfForeign(answer, 'bytes');
  return isWithin(status, 100, 999) && isWithin(bytes, 0, MAX_BYTES) ? { status, bytes } : undefined;
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** Libraries that throw on a bad status keep it on the error or its response; 0: not such an error. */
function badStatusOf(error: unknown): number {
  const statuses = [error, memberOfForeign(error, 'response')].flatMap(part => [
    memberOfForeign(part, 'status'),
    memberOfForeign(part, 'statusCode'),
  ]);
  return statuses.find((status): status is number => isWithin(status, 400, 999)) ?? 0;
}

/** Codes of libraries' own timeouts. Only the kernel's ETIMEDOUT has a system call. */
const TIMEOUT_CODES: readonly unknown[] = ['ETIMEDOUT', 'ECONNABORTED'];

function isOwnTimeout(error: unknown): boolean {
  return (
    TIMEOUT_CODES.includes(memberOfForeign(error, 'code')) && memberOfForeign(error, 'syscall') === undefined
  );
}

/** axios has its own error for an incomplete response. */
function isBrokenOff(error: unknown): boolean {
  return (
    memberOfForeign(error, 'code') === 'ERR_BAD_RESPONSE' &&
    memberOfForeign(error, 'message') === 'stream has been aborted'
  );
}

/** Looks at the error's stated outcome, then its status, then the codes of its causes, and finally its name. */
function outcomeOf(error: unknown, connection: Evidence): Outcome {
  const stated = memberOfForeign(error, 'outcome');
  const known = OUTCOMES.find(outcome => outcome === stated && outcome !== 'ok');
  if (known !== undefined) return known;
  if (badStatusOf(error) !== 0) return 'badStatus';
  // The phase that timed out is unknown.
  if (isOwnTimeout(rootCause(error))) return 'timeoutTotal';
  if (codedOutcome(error) !== undefined) return classifyError(error, connection);
  if (causesOf(error).some(isBrokenOff)) return 'reset';
  return causesOf(error).some(cause => memberOfForeign(cause, 'name') === 'TimeoutError')
    ? 'timeoutTotal'
    : 'other';
}

const RIGHT_EXPORT = 'export default defineClient({ open({ url }) { ... return { send, close }; } })';
const MAX_TEXTS = 100;

type Reading = { definition: ClientDefinition } | { fault: Obstacle };

function fault(message: string, hint: string): Reading {
  return { fault: { message, hint } };
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** The texts of a list, each cut to a printable length; undefined if the value is not a list of texts. */
function readTexts(value: unknown): string[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return undefined;
  const texts: unknown[] = value.slice(0, MAX_TEXTS);
  return texts.every(text => typeof text === 'string') ? texts.map(text => shorten(text)) : undefined;
}

/** Reads the definition of a client once. @throws whatever the module's getters throw */
function readDefinition(exported: unknown): Reading {
  if (exported === undefined) return fault('has no default export', RIGHT_EXPORT);
  const definition = Object(exported) as Record<keyof ClientDefinition, unknown>;
  const { open, honours, refuse, sendsRequest, caveats } = definition;
  const [honoured, warned] = [readTexts(honours), readTexts(caveats)];
  if (!isFunction(open)) return fault('its default export has no function open()', RIGHT_EXPORT);
  if (honoured === undefined) {
    return fault('has honours that are not a list of settings', "honours: ['pool.maxConnections']");
  }
  if (refuse !== undefined && !isFunction(refuse)) {
    return fault('its refuse is not a function', 'refuse: settings => undefined');
  }
  if (warned === undefined) {
    return fault('has caveats that are not a list of sentences', "caveats: ['It retries once.']");
  }
  return {
    definition: {
      open: context => (open as ClientDefinition['open']).call(exported, context),
      ...(refuse === undefined
        ? {}
        : {
            refuse: settings => (refuse as NonNullable<ClientDefinition['refuse']>).call(exported, settings),
          }),
      honours: honoured as HonourableSetting[],
      sendsRequest: sendsRequest === true,
      caveats: warned,
    },
  };
}

/** The result of `open`, with its functions read once. @throws MeasureError when a required function is missing */
function readClient(client: unknown, path: string): OwnClient {
  const { send, close, stats } = Object(client) as OwnClient;
  if (isFunction(send) && isFunction(close) && (stats === undefined || isFunction(stats))) {
    return {
      send: request => send.call(client, request),
      close: () => close.call(client),
      ...(stats === undefined ? {} : { stats: () => stats.call(client) }),
    };
  }
  throw new MeasureError(
    'no-client',
    `open() of ${path} must return { send, close } or { send, close, stats }, all functions`,
  );
}

/** Settings that every module supports; reading the body is part of its contract. */
const ALWAYS_HONOURED = ['options', 'body', 'timeouts.totalMs', ...RESILIENCE_SETTINGS];

/** Remarks if the client's own count of its connections differs from conntax's. */
function accountRemarks(client: OwnClient, opened: number, sockets: EndpointSockets): string[] {
  let stats: unknown;
  try {
    stats = client.stats?.();
  } catch (error) {
    return [`Its stats() failed: ${describeForeign(error)}.`];
  }
  if (stats == null) return [];
  const open = sockets.openConnections();
  const [ownOpened, ownOpen] = [memberOfForeign(stats, 'opened'), memberOfForeign(stats, 'open')];
  if (!Number.isFinite(ownOpened) || !Number.isFinite(ownOpen)) {
    return ['Its stats() did not return { opened, open }, two numbers.'];
  }
  if (ownOpened === opened && ownOpen === open) return [];
  return [
    `By its own stats() the client opened ${ownOpened} connections, with ${ownOpen} open at the end; conntax counted ${opened} and ${open}.`,
  ];
}

const CLOSE_TIMEOUT_MS = 2_000;

/** What is wrong with a client's close(). The measurement is over by then, and conntax closes the connections. */
async function closeClient(client: OwnClient): Promise<string | undefined> {
  const timeout = new AbortController();
  const startedAtMs = performance.now();
  try {
    const hasClosed = await Promise.race([
      (async () => client.close())().then(() => true),
      delay(CLOSE_TIMEOUT_MS, false, { signal: timeout.signal }),
    ]);
    return hasClosed ? undefined : `close() of its module did not finish within ${CLOSE_TIMEOUT_MS} ms`;
  } catch (error) {
    const tookMs = Math.round(performance.now() - startedAtMs);
    return `close() of its module failed after ${tookMs} ms: ${describeForeign(error)}`;
  } finally {
    timeout.abort();
  }
}

/** An error in the author's code, with its place; a stack would mostly show conntax's code. */
function openError(error: unknown, path: string): MeasureError {
  if (error instanceof MeasureError) return error;
  const text = `open() of ${path} failed: ${describeForeign(error)}${describeErrorPlace(error)}`;
  return new MeasureError('open-failed', text, { cause: error });
}

async function openClient(
  definition: ClientDefinition,
  path: string,
  { client: settings, endpoint: { origin, caPem }, requests: [first] }: TransportOptions,
): Promise<OwnClient> {
  const opened = await definition.open({
    url: origin + first.path,
    origin,
    path: first.path,
    ...(caPem === undefined ? {} : { caPem }),
    settings: settingsOf(settings),
    options: settings.options ?? {},
  });
  return readClient(opened, path);
}

function openWith(definition: ClientDefinition, path: string, options: TransportOptions): Transport {
  const { endpoint, requests, onConnection } = options;
  trustInProcess(endpoint.caPem);
  let opened = 0;
  const sockets = new EndpointSockets(endpoint, connection => {
    opened++;
    onConnection(connection);
  });
  const context: Context = {
    client: undefined,
    opening: openClient(definition, path, options),
    contents: requests.map(({ method, path, headers, body, origin = endpoint.origin }) => ({
      method,
      headers,
      body,
      url: origin + path,
    })),
    brokenConnection: causes => sockets.brokenConnection(causes),
    isClosed: false,
  };
  const ready = context.opening.then(
    client => {
      context.client = client;
    },
    (error: unknown) => {
      throw openError(error, path);
    },
  );
  ready.catch(() => {}); // callers that await it see the error
  let remarks: string[] = [];
  let closing: string | undefined;
  return {
    ready,
    send: sendReusing(exchange => new ModuleRequest(context, exchange)),
    openConnections: () => sockets.openConnections(),
    openedElsewhere: () => sockets.openedElsewhere(),
    async close() {
      context.isClosed = true;
      if (context.client !== undefined) {
        remarks = accountRemarks(context.client, opened, sockets);
        closing = await closeClient(context.client);
      }
      await sockets.closeAll();
      sockets.stop();
    },
    remarks: () => remarks,
    closing: () => closing,
  };
}

function settingsOf({ api, protocol, requestsPerConnection, pool, timeouts, body }: Client) {
  return {
    protocol,
    requestsPerConnection,
    pool,
    timeouts,
    body,
    ...(api === undefined ? {} : { api }),
  };
}

/** The reason that the module's refuse() returns, or why refuse() itself failed. */
function callRefuse({ refuse }: ClientDefinition, client: Client): string | undefined {
  let message: unknown;
  try {
    message = refuse?.(settingsOf(client));
  } catch (error) {
    return `its refuse() failed: ${describeForeign(error)}`;
  }
  if (typeof message === 'string') return shorten(message);
  return message === undefined
    ? undefined
    : `its refuse() must return a text or nothing, not ${typeof message}`;
}

function refusalsOf(definition: ClientDefinition, client: Client, target: Target): Refusal[] {
  const { honours = [] } = definition;
  const message = callRefuse(definition, client);
  return [
    ...refuse(
      {
        when: message !== undefined,
        path: 'transport',
        message: message ?? '',
        hint: 'other settings, or a module that supports these',
      },
      {
        when: client.body !== 'read' && !honours.includes('body'),
        path: 'body',
        message: 'your own module reads the whole body, unless it lists body in honours',
        hint: "body: 'read', or 'body' in its honours",
      },
    ),
    ...plainTargetRefusals(client, target, honours),
  ];
}

/** A module is given a URL and an authority. */
const UNABLE = {
  certFile: 'a module of your own is not given a client certificate',
  serverName:
    'a module of your own may resolve the name by itself, and send its load to the real host of that name',
  socketPath: 'a module of your own is given a URL only',
  proxy: 'a module of your own is given a URL only',
};

/** A module gets the path when it is opened; one that doesn't know of more would send a plain GET. */
function requestRefusals(
  { sendsRequest }: ClientDefinition,
  requests: readonly Request[],
  target: Target,
): Refusal[] {
  const isOne = requests.length < 2 && originCount(target) === 1;
  const isChunked = requests.some(({ framing }) => framing === 'chunked');
  return refuse(
    {
      when: isChunked,
      path: 'transport',
      message: 'sends its body as it likes: a module cannot be asked to send it in chunks',
      hint: "request.framing: 'length', or transport: undici, node-http, fetch or wire",
    },
    {
      when: !isChunked && sendsRequest !== true && !(isOne && requests.every(isPlain)),
      path: 'transport',
      message:
        'does not state sendsRequest, so it may send a plain GET of one path instead of what the scenario asks for',
      hint: 'sendsRequest: true in a module that sends the method, URL, headers and body that send() is given',
    },
  );
}

function isPlain(request: Request): boolean {
  return request.method === 'GET' && Object.keys(request.headers).length === 0 && !hasBody(request);
}

/** Makes a transport of a client definition. Its `ready` rejects with a MeasureError if `open` throws or does not return a client. */
export function createModule(definition: ClientDefinition, path: string): TransportModule {
  return {
    kind: 'transport',
    honours: [...new Set([...ALWAYS_HONOURED, ...(definition.honours ?? [])])],
    caveats: [
      'conntax cannot see inside a request of your own module, so its wait, first byte and body are unknown and not shown.',
      ...(definition.caveats ?? []),
    ],
    refusals: (client, target, requests = []) => [
      ...reachRefusals(target, UNABLE),
      ...refusalsOf(definition, client, target),
      ...requestRefusals(definition, requests, target),
    ],
    open: options => openWith(definition, path, options),
  };
}

/** Reads the module and checks its default export. Never throws. */
export async function loadUserModule(path: string): Promise<ModuleLoading> {
  try {
    if (!(await stat(path)).isFile()) {
      return { isLoaded: false, message: 'is not a file', hint: 'the path of a module (.ts, .js)' };
    }
  } catch (error) {
    const hint = 'the path of a module, relative to the folder of the scenario file';
    return { isLoaded: false, message: `cannot be opened: ${describeForeign(error)}`, hint };
  }
  try {
    const { default: exported }: { default?: unknown } = await import(pathToFileURL(path).href);
    const reading = readDefinition(exported);
    if ('fault' in reading) return { isLoaded: false, ...reading.fault };
    return { isLoaded: true, module: createModule(reading.definition, path) };
  } catch (error) {
    const hint = 'a module that loads without an error';
    return {
      isLoaded: false,
      message: `cannot be loaded: ${describeForeign(error)}${describeErrorPlace(error)}`,
      hint,
    };
  }
}
