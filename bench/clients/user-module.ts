// In: the path of a module of the user's. Out: the client that it exports, as a transport; or why it is none.
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Client } from '../../scenarios/model/client.ts';
import type { ClientDefinition, OwnClient } from '../core/client-definition.ts';
import type {
  ModuleLoading,
  Refusal,
  Transport,
  TransportModule,
  TransportOptions,
} from '../contracts.ts';
import { placeText } from '../core/error-place.ts';
import { MeasureError } from '../../results/errors.ts';
import type { Target } from '../../scenarios/model/target.ts';
import { cutText, foreignText, memberOfForeign } from '../core/thrown.ts';
import { type WatchedSockets, watchEndpoint } from './sockets.ts';
import { trustInProcess } from '../transports/process-trust.ts';
import { plainSessionRefusals } from '../transports/tls-refusals.ts';
import { readClient, readDefinition } from '../transports/user-definition.ts';
import { type SlotContext, UserSlot } from '../transports/user-slot.ts';

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
  const text = `open() of ${path} failed: ${foreignText(error)}${placeText(error)}`;
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
    return { isLoaded: false, message: `cannot be loaded: ${foreignText(error)}${placeText(error)}`, hint };
  }
}
