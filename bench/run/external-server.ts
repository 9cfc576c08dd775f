// In: a plan and the hosts that the user allows. Out: every server in it that we did not start, found where load may go.
import dns from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Endpoint } from '../contracts.ts';
import { MeasureError, UsageError } from '../../results/errors.ts';
import type { ForeignServer } from '../core/foreign-server.ts';
import { isExpectedStatus } from '../core/statuses.ts';
import type { Target } from '../../scenarios/model/target.ts';
import { hostOf, refusalOf } from '../plan/allowed-hosts.ts';
import type { Plan } from '../plan/plan.ts';
import { answerFailureText, isAnswered } from './answer-failure.ts';
import { askServer } from './ask-server.ts';

/** A server of the plan whose host may be sent load, and where that host was found to be. */
export interface LocatedServer {
  url: string;
  caFile: string | undefined;
  addresses: readonly string[];
  /** The cells that it is the target of. */
  cells: readonly { id: string; target: Target; hasUserModules: boolean }[];
}

/** A server that has answered: how it is reached, and what it was found to be. */
export interface FoundServer {
  facts: ForeignServer;
  endpoint: Endpoint;
}

/** Every address that a host stands for; itself, where it is one. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Looks up the host of every server of the plan, and sends it nothing.
 * @throws UsageError when load may not go to one of them; MeasureError when a host is not known
 */
export async function locateServers(
  plan: Plan,
  allowedHosts: readonly string[],
  resolve: Resolve = lookUp,
  signal?: AbortSignal,
): Promise<LocatedServer[]> {
  const cells = plan.cells.flatMap(({ id, scenario: { target, clients } }) => {
    if (target.url === undefined) return [];
    const hasUserModules = Object.values(clients).some(({ modulePath }) => modulePath !== undefined);
    return [{ id, target, url: target.url, hasUserModules }];
  });
  const groups = Map.groupBy(cells, ({ url, target }) => JSON.stringify([url, target.caFile]));
  const located: LocatedServer[] = [];
  const refusals: string[] = [];
  for (const [first, ...others] of groups.values()) {
    const { url, target } = first!;
    const addresses = await addressesOf(url, resolve, signal);
    const refusal = refusalOf({ url, addresses }, allowedHosts);
    if (refusal === undefined)
      located.push({ url, caFile: target.caFile, addresses, cells: [first!, ...others] });
    else refusals.push(refusal);
  }
  if (refusals.length > 0) throw new UsageError(refusals.join('\n'));
  return located;
}

async function addressesOf(url: string, resolve: Resolve, signal?: AbortSignal): Promise<readonly string[]> {
  try {
    return await orAborted(resolve(hostOf(url)), signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw new MeasureError(
      'unreachable',
      `target.url ${url}: its host is not known here: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** A look-up can't be called off, only no longer waited for. */
async function orAborted<Result>(work: Promise<Result>, signal?: AbortSignal): Promise<Result> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}

async function lookUp(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  return (await dns.lookup(host, { all: true })).map(({ address }) => address);
}

/**
 * Sends each server one request, at each of its addresses until one answers: that one is where all load goes.
 * @returns by cell
 * @throws MeasureError when one does not answer, or answers what can't be measured; the reason of the signal
 */
export async function findServers(
  located: readonly LocatedServer[],
  signal?: AbortSignal,
): Promise<Map<string, FoundServer>> {
  const found = new Map<string, FoundServer>();
  for (const server of located) {
    const { url, caFile } = server;
    const caPem = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
    const facts = await firstAnswer(server, caPem, signal);
    if (isUnwantedRedirect(facts, server)) {
      throw new MeasureError(
        'unreachable',
        `${url} is a redirect (${facts.status}) to ${facts.location}: a client that follows it would send its load there; give the URL that answers`,
      );
    }
    const { origin, pathname, search } = new URL(url);
    const endpoint: Endpoint = {
      origin,
      path: `${pathname}${search}`,
      ...(caPem === undefined ? {} : { caPem }),
      ...(isIP(hostOf(url)) === 0 ? { address: facts.address } : {}),
    };
    for (const { id, target } of server.cells) {
      if (target.protocol === 'h2' && facts.alpn !== 'h2') {
        throw new MeasureError(
          'unreachable',
          `${url} does not offer HTTP/2, which target.protocol says of it: of h2 and http/1.1 it chose ${facts.alpn ?? 'neither'}`,
        );
      }
      found.set(id, { facts, endpoint });
    }
  }
  return found;
}

/** Where it is expected, it is an answer as any other; but of a user's module nobody knows what it follows. */
function isUnwantedRedirect({ status, location }: ForeignServer, { cells }: LocatedServer): boolean {
  if (status < 300 || status >= 400 || location === null) return false;
  return cells.some(
    ({ target, hasUserModules }) => hasUserModules || !isExpectedStatus(target.expectStatus, status),
  );
}

async function firstAnswer(
  { url, addresses }: LocatedServer,
  caPem?: string,
  signal?: AbortSignal,
): Promise<ForeignServer> {
  const failures: string[] = [];
  let verb = 'does not answer';
  for (const address of addresses) {
    try {
      return await askServer({ url, address, caPem, timeoutMs: ANSWER_TIMEOUT_MS, signal });
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(answerFailureText(error, url));
      if (isAnswered(error)) verb = 'cannot be measured';
    }
  }
  const causes = failures.join('; ') || 'its host has no address';
  throw new MeasureError('unreachable', `${url} ${verb}: ${causes}`);
}

/**
 * Asks a server again that has answered before: whether it still does.
 * @throws MeasureError target-died
 */
export async function requireAnswer(
  { facts: { url, address }, endpoint: { caPem } }: FoundServer,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await askServer({ url, address, caPem, timeoutMs: ANSWER_TIMEOUT_MS, signal });
  } catch (error) {
    throw new MeasureError(
      'target-died',
      `${url} does not answer any more: ${answerFailureText(error, url)}`,
      {
        cause: error,
      },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
