// In: what a module of the user's exports by default. Out: the definition of a client, read once; or what is wrong with it.
import type { ClientDefinition, HonourableSetting, OwnClient } from '../core/client-definition.ts';
import type { Obstacle } from '../contracts.ts';
import { MeasureError } from '../../results/errors.ts';
import { cutText } from '../core/thrown.ts';

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
