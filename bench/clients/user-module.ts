// In: the path of a module of the user's. Out: the client that it exports, as a transport; or why it is none.
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  causesOf,
  cutText,
  describeErrorPlace,
  foreignText,
  MeasureError,
  memberOfForeign,
} from '../../results/errors.ts';
import { OUTCOMES, type Outcome } from '../../results/model/trial.ts';
import type { Client } from '../../scenarios/model/client.ts';
import type { Target } from '../../scenarios/model/target.ts';
import {
  beginExchange,
  type ClientAnswer,
  type ClientDefinition,
  type Exchange,
  type HonourableSetting,
  type ModuleLoading,
  type Obstacle,
  type OwnClient,
  type Refusal,
  type RequestToSend,
  type Transport,
  type TransportModule,
  type TransportOptions,
} from '../contracts.ts';
import {
  classifyError,
  codedOutcome,
  describeError,
  type Evidence,
  plainSessionRefusals,
  rootCause,
} from './errors.ts';
import { trustInProcess } from './fetch.ts';
import { type WatchedSockets, watchEndpoint } from './sockets.ts';

export interface SlotContext {
  /** Undefined while it is being opened. */
  client: OwnClient | undefined;
  opening: Promise<OwnClient>;
  brokenConnection(causes: readonly unknown[]): Evidence;
  isClosed: boolean;
}

/** A signal costs some libraries a tenth of a request: only a module that asks for it gets one. */
class Request implements RequestToSend {
  #controller: AbortController | undefined;
  #isAborted = false;

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

type OnEnd = (exchange: Exchange) => void;

/** A record's own state. A record that was abandoned gets no second request, so a late answer can only reach its own. */
export class UserSlot {
  readonly #context: SlotContext;
  readonly #exchange: Exchange;
  #onEnd: OnEnd = () => {};
  #request = new Request();
  #isAbandoned = false;

  constructor(context: SlotContext, exchange: Exchange) {
    this.#context = context;
    this.#exchange = exchange;
  }

  send(onEnd: OnEnd): void {
    const exchange = this.#exchange;
    this.#onEnd = onEnd;
    this.#request = new Request();
    beginExchange(exchange);
    exchange.abandon = this.#abandon;
    this.#start().then(this.#onAnswer, this.#onError);
  }

  /** Always a promise, whatever the module does. */
  #start(): Promise<ClientAnswer> {
    const { client, opening, isClosed } = this.#context;
    const request = this.#request;
    if (isClosed) return Promise.reject(new Error('the transport is closed'));
    // A promise of ours, whatever the module's is: it settles once, and never from within.
    return new Promise(resolve =>
      resolve(client === undefined ? opening.then(it => it.send(request)) : client.send(request)),
    );
  }

  readonly #onAnswer = (answer: ClientAnswer): void => {
    const exchange = this.#exchange;
    const read = readAnswer(answer);
    if (read === undefined) {
      exchange.outcome = 'other';
      exchange.error =
        'send() of the module did not answer { status, bytes }: an HTTP status and a whole number of bytes';
    } else {
      exchange.bodyBytes = read.bytes;
      exchange.status = read.status;
    }
    this.#end();
  };

  readonly #onError = (error: unknown): void => {
    this.#exchange.outcome = outcomeOf(error, this.#context.brokenConnection(causesOf(error)));
    this.#exchange.error = describeError(error);
    if (this.#exchange.outcome === 'badStatus') this.#exchange.status = badStatusOf(error);
    this.#end();
  };

  #end(): void {
    this.#exchange.endedAtMs = performance.now();
    if (this.#isAbandoned) return;
    this.#exchange.abandon = undefined;
    this.#onEnd(this.#exchange);
  }

  readonly #abandon = (): void => {
    this.#isAbandoned = true;
    this.#request.abort();
  };
}

/** More in one answer is none that has been read within a trial. */
const MOST_BYTES = 2 ** 40;

/** Each member is read once: a module is not ours, may answer anything, and something else the next time. */
function readAnswer(answer: unknown): ClientAnswer | undefined {
  const status = memberOfForeign(answer, 'status');
  const bytes = memberOfForeign(answer, 'bytes');
  return isWithin(status, 100, 999) && isWithin(bytes, 0, MOST_BYTES) ? { status, bytes } : undefined;
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** Libraries that throw on a bad status keep it on the error or on its response; 0: this is no such error. */
function badStatusOf(error: unknown): number {
  const statuses = [error, memberOfForeign(error, 'response')].flatMap(part => [
    memberOfForeign(part, 'status'),
    memberOfForeign(part, 'statusCode'),
  ]);
  return statuses.find((status): status is number => isWithin(status, 400, 999)) ?? 0;
}

/** Codes that libraries give to timeouts of their own. Only the kernel's own ETIMEDOUT names a system call. */
const TIMEOUT_CODES: readonly unknown[] = ['ETIMEDOUT', 'ECONNABORTED'];

function isOwnTimeout(error: unknown): boolean {
  return (
    TIMEOUT_CODES.includes(memberOfForeign(error, 'code')) && memberOfForeign(error, 'syscall') === undefined
  );
}

/** axios has a name of its own for an answer that ended before its time. */
function isBrokenOff(error: unknown): boolean {
  return (
    memberOfForeign(error, 'code') === 'ERR_BAD_RESPONSE' &&
    memberOfForeign(error, 'message') === 'stream has been aborted'
  );
}

/** What the error says of itself, what its causes' codes say, and only then what it is called: in this order. */
function outcomeOf(error: unknown, connection: Evidence): Outcome {
  const stated = memberOfForeign(error, 'outcome');
  const known = OUTCOMES.find(outcome => outcome === stated && outcome !== 'ok');
  if (known !== undefined) return known;
  if (badStatusOf(error) !== 0) return 'badStatus';
  // Which phase of it was too long, only the module could know.
  if (isOwnTimeout(rootCause(error))) return 'timeoutTotal';
  if (codedOutcome(error) !== undefined) return classifyError(error, connection);
  if (causesOf(error).some(isBrokenOff)) return 'reset';
  return causesOf(error).some(cause => memberOfForeign(cause, 'name') === 'TimeoutError')
    ? 'timeoutTotal'
    : 'other';
}

const RIGHT_EXPORT = 'export default defineClient({ open({ url }) { ... return { send, close }; } })';
const MOST_TEXTS = 100;

export type Reading = { definition: ClientDefinition } | { fault: Obstacle };

function fault(message: string, hint: string): Reading {
  return { fault: { message, hint } };
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** Its texts, each cut to what can be shown; undefined where it is no list of texts. */
function readTexts(value: unknown): string[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return undefined;
  const texts: unknown[] = value.slice(0, MOST_TEXTS);
  return texts.every(text => typeof text === 'string') ? texts.map(text => cutText(text)) : undefined;
}

/** @throws whatever the module's own getters do */
export function readDefinition(exported: unknown): Reading {
  if (exported === undefined) return fault('has no default export', RIGHT_EXPORT);
  const definition = Object(exported) as Record<keyof ClientDefinition, unknown>;
  const { open, honours, refuse, caveats } = definition;
  const [honoured, warned] = [readTexts(honours), readTexts(caveats)];
  if (!isFunction(open)) return fault('its default export has no function open()', RIGHT_EXPORT);
  if (honoured === undefined) {
    return fault('its honours are no list of settings', "honours: ['pool.maxConnections']");
  }
  if (refuse !== undefined && !isFunction(refuse)) {
    return fault('its refuse is no function', 'refuse: settings => undefined');
  }
  if (warned === undefined) {
    return fault('its caveats are no list of sentences', "caveats: ['It retries once.']");
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
      caveats: warned,
    },
  };
}

/** What `open` has returned, with its functions read once. @throws MeasureError when it lacks what is called. */
export function readClient(client: unknown, path: string): OwnClient {
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
    `open() of ${path} must return { send, close } or, with what it knows of its connections, { send, close, stats }: all functions`,
  );
}

/** What is always given to a module, whether it says so or not: to read the body is part of its contract. */
const ALWAYS_HONOURED = ['options', 'body', 'timeouts.totalMs'];

/** Where the client's own account of its connections is another than ours. */
function accountRemarks(client: OwnClient, opened: number, sockets: WatchedSockets): string[] {
  let told: unknown;
  try {
    told = client.stats?.();
  } catch (error) {
    return [`Its stats() failed: ${foreignText(error)}.`];
  }
  if (told == null) return [];
  const open = sockets.openConnections();
  const [ownOpened, ownOpen] = [memberOfForeign(told, 'opened'), memberOfForeign(told, 'open')];
  if (!Number.isFinite(ownOpened) || !Number.isFinite(ownOpen)) {
    return ['Its stats() did not return { opened, open }, two numbers.'];
  }
  if (ownOpened === opened && ownOpen === open) return [];
  return [
    `By its own stats the client opened ${ownOpened} connections, ${ownOpen} of them open at the end; conntax saw ${opened} and ${open}.`,
  ];
}

const CLOSE_TIMEOUT_MS = 5_000;

/** By then all is measured: a client that can't be closed is remarked on, and its connections are closed for it. */
async function closeRemarks(client: OwnClient): Promise<string[]> {
  const timeout = new AbortController();
  try {
    const hasClosed = await Promise.race([
      (async () => client.close())().then(() => true),
      delay(CLOSE_TIMEOUT_MS, false, { signal: timeout.signal }),
    ]);
    return hasClosed ? [] : [`Its close() was not done within ${CLOSE_TIMEOUT_MS / 1_000} s.`];
  } catch (error) {
    return [`Its close() failed: ${foreignText(error)}.`];
  } finally {
    timeout.abort();
  }
}

/** The author's fault, said with the place in the author's code: a stack would mostly show ours. */
function openError(error: unknown, path: string): MeasureError {
  if (error instanceof MeasureError) return error;
  const text = `open() of ${path} failed: ${foreignText(error)}${describeErrorPlace(error)}`;
  return new MeasureError('open-failed', text, { cause: error });
}

function openWith(definition: ClientDefinition, path: string, options: TransportOptions): Transport {
  const { client: settings, endpoint, onConnection } = options;
  const { origin, caPem } = endpoint;
  trustInProcess(caPem);
  let opened = 0;
  const sockets = watchEndpoint(endpoint, connection => {
    opened++;
    onConnection(connection);
  });
  const opening = (async () =>
    readClient(
      await definition.open({
        url: origin + endpoint.path,
        origin,
        path: endpoint.path,
        ...(caPem === undefined ? {} : { caPem }),
        settings: settingsOf(settings),
        options: settings.options ?? {},
      }),
      path,
    ))();
  const context: SlotContext = {
    client: undefined,
    opening,
    brokenConnection: sockets.brokenConnection,
    isClosed: false,
  };
  const ready = opening.then(
    client => {
      context.client = client;
    },
    (error: unknown) => {
      throw openError(error, path);
    },
  );
  ready.catch(() => {}); // whoever waits for it sees it
  let remarks: string[] = [];
  return {
    ready,
    send(exchange, onEnd) {
      exchange.transportState ??= new UserSlot(context, exchange);
      (exchange.transportState as UserSlot).send(onEnd);
    },
    openConnections: sockets.openConnections,
    openedElsewhere: sockets.openedElsewhere,
    async close() {
      context.isClosed = true;
      if (context.client !== undefined) {
        remarks = [
          ...accountRemarks(context.client, opened, sockets),
          ...(await closeRemarks(context.client)),
        ];
      }
      await sockets.closeAll();
      sockets.stop();
    },
    remarks: () => remarks,
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

/** What the module's own refuse says, and where it can't say it, why. */
function refusalText({ refuse }: ClientDefinition, client: Client): string | undefined {
  let message: unknown;
  try {
    message = refuse?.(settingsOf(client));
  } catch (error) {
    return `its refuse() failed: ${foreignText(error)}`;
  }
  if (typeof message === 'string') return cutText(message);
  return message === undefined
    ? undefined
    : `its refuse() must return a text or nothing, not ${typeof message}`;
}

function refusalsOf(definition: ClientDefinition, client: Client, target: Target): Refusal[] {
  const refused: Refusal[] = [];
  const { honours = [] } = definition;
  const message = refusalText(definition, client);
  if (message !== undefined) {
    refused.push({ path: 'transport', message, hint: 'other settings, or a module that can do it' });
  }
  if (client.body === 'dump' && !honours.includes('body')) {
    refused.push({
      path: 'body',
      message: 'a module of your own reads the body to its end, unless it says that it honours this setting',
      hint: "body: 'read', or 'body' in its honours",
    });
  }
  if (honours.includes('pool.tlsSessions')) refused.push(...plainSessionRefusals(client, target));
  return refused;
}

/** Its `ready` rejects, with a MeasureError, where `open` of the module throws, or returns what is no client. */
export function createModule(definition: ClientDefinition, path: string): TransportModule {
  return {
    kind: 'transport',
    honours: [...new Set([...ALWAYS_HONOURED, ...(definition.honours ?? [])])],
    caveats: [
      'What a module of your own does within a request is not seen: its wait, first byte and body are not known, and stand in no table.',
      ...(definition.caveats ?? []),
    ],
    refusals: (client, target) => refusalsOf(definition, client, target),
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
    const hint = 'the path of a module, starting from the folder of the scenario file';
    return { isLoaded: false, message: `cannot be opened: ${foreignText(error)}`, hint };
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
      message: `cannot be loaded: ${foreignText(error)}${describeErrorPlace(error)}`,
      hint,
    };
  }
}
