// In: a plan and the hosts that the user allows. Out: every server in it that we did not start, found where load may go.
import dns from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Endpoint } from '../core/contracts.ts';
import { MeasureError, UsageError } from '../core/errors.ts';
import type { ForeignServer } from '../core/foreign-server.ts';
import type { Target } from '../core/target.ts';
import { hostOf, refusalOf } from '../plan/foreign-hosts.ts';
import type { Plan } from '../plan/plan.ts';
import { askServer } from './ask-server.ts';

/** A server of the plan whose host may be sent load, and where that host was found to be. */
export interface LocatedServer {
  url: string;
  caFile: string | undefined;
  addresses: readonly string[];
  /** The cells that it is the target of. */
  cells: readonly { id: string; target: Target }[];
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
): Promise<LocatedServer[]> {
  const cells = plan.cells.flatMap(({ id, scenario: { target } }) =>
    target.url === undefined ? [] : [{ id, target, url: target.url }],
  );
  const groups = Map.groupBy(cells, ({ url, target }) => JSON.stringify([url, target.caFile]));
  const located: LocatedServer[] = [];
  const refusals: string[] = [];
  for (const [first, ...others] of groups.values()) {
    const { url, target } = first!;
    const addresses = await addressesOf(url, resolve);
    const refusal = refusalOf({ url, addresses }, allowedHosts);
    if (refusal === undefined)
      located.push({ url, caFile: target.caFile, addresses, cells: [first!, ...others] });
    else refusals.push(refusal);
  }
  if (refusals.length > 0) throw new UsageError(refusals.join('\n'));
  return located;
}

async function addressesOf(url: string, resolve: Resolve): Promise<readonly string[]> {
  try {
    return await resolve(hostOf(url));
  } catch (error) {
    throw new MeasureError(
      'unreachable',
      `target.url ${url}: its host is not known here: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

async function lookUp(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  return (await dns.lookup(host, { all: true })).map(({ address }) => address);
}

/**
 * Sends each server one request, at each of its addresses until one answers: that one is where all load goes.
 * @returns by cell
 * @throws MeasureError when one does not answer, or answers what can't be measured
 */
export async function findServers(located: readonly LocatedServer[]): Promise<Map<string, FoundServer>> {
  const found = new Map<string, FoundServer>();
  for (const server of located) {
    const { url, caFile } = server;
    const caPem = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
    const facts = await firstAnswer(server, caPem);
    if (facts.status >= 300 && facts.status < 400 && facts.location !== null) {
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

async function firstAnswer({ url, addresses }: LocatedServer, caPem?: string): Promise<ForeignServer> {
  const failures: string[] = [];
  for (const address of addresses) {
    try {
      return await askServer({ url, address, caPem, timeoutMs: ANSWER_TIMEOUT_MS });
    } catch (error) {
      failures.push(failureText(error));
    }
  }
  const causes = failures.join('; ') || 'its host has no address';
  throw new MeasureError('unreachable', `${url} does not answer: ${causes}`);
}

/**
 * Asks a server again that has answered before: whether it still does.
 * @throws MeasureError target-died
 */
export async function requireAnswer({
  facts: { url, address },
  endpoint: { caPem },
}: FoundServer): Promise<void> {
  try {
    await askServer({ url, address, caPem, timeoutMs: ANSWER_TIMEOUT_MS });
  } catch (error) {
    throw new MeasureError('target-died', `${url} does not answer any more: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What went wrong, and what would be right where that is known. */
function failureText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (UNTRUSTED.has(code)) {
    return `its certificate is signed by no authority that is trusted here (${code}): target.caFile can name one`;
  }
  return code === 'ECONNREFUSED'
    ? `${messageOf(error)} (conntax does not start this server: it has to run already)`
    : messageOf(error);
}
