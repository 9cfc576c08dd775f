// Sends hostile answers to each client and reports where one is not counted as it has to be.
import type { Socket } from 'node:net';
import { Client } from '../../../scenarios/model/client.ts';
import { type Exchange, newExchange, type Transport, type TransportModule } from '../../contracts.ts';
import type { HostileAnswer, Verdict } from '../../testing/hostile-answers.ts';
import { plainRequest } from '../request.ts';
import { answerWith, openMisbehavingServer } from './misbehaving-server.ts';

export interface HostileClient {
  name: string;
  module: TransportModule;
  settings?: { api?: string };
}

/** How long an exchange that never ends is waited for. */
const NEVER_MS = 200;
/** How long any other is, however busy the machine. */
const END_MS = 20_000;
const GOOD_BODY = 'ok';

/** Sends each answer to each client, each over a client and a server of its own. @returns a sentence for each fault */
export async function tryHostileAnswers(
  clients: readonly HostileClient[],
  answers: readonly HostileAnswer[],
): Promise<string[]> {
  const faults: string[] = [];
  for (const answer of answers) {
    const found = await Promise.all(clients.map(client => tryOne(client, answer)));
    faults.push(...found.flat());
  }
  return faults;
}

async function tryOne(client: HostileClient, hostile: HostileAnswer): Promise<string[]> {
  await using scope = new AsyncDisposableStack();
  const server = await openMisbehavingServer(
    { after: close => void scope.defer(async () => void (await close())) },
    ({ socket, ofAll }) => {
      if (ofAll > 1) socket.write(answerWith(GOOD_BODY));
      else give(hostile, socket);
    },
  );
  const transport = client.module.open({
    client: Client.parse({ ...client.settings, transport: client.name.split(',')[0], pool: {} }),
    endpoint: server.endpoint,
    requests: [plainRequest(server.endpoint.path)],
    onConnection: () => {},
  });
  scope.defer(() => transport.close());
  const where = `${client.name}: ${hostile.name}:`;
  const first = await ask(transport, hostile.expected === 'never' ? NEVER_MS : END_MS);
  const verdict = verdictOf(first);
  const faults: string[] = [];
  const isRight = hostile.expected === 'either' ? verdict !== 'never' : verdict === hostile.expected;
  if (!isRight)
    faults.push(`${where} ${verdict} instead of ${hostile.expected} (${first?.error ?? first?.status})`);
  if (verdict === 'ok' && hostile.bytes !== undefined && first!.bodyBytes !== hostile.bytes) {
    faults.push(`${where} ${first!.bodyBytes} bytes instead of ${hostile.bytes}`);
  }
  const next = await ask(transport, END_MS);
  if (next === undefined) faults.push(`${where} the next request never ends`);
  else if (verdictOf(next) === 'ok' && next.bodyBytes !== GOOD_BODY.length) {
    faults.push(`${where} the next request was given ${next.bodyBytes} bytes, and not those that answer it`);
  }
  return faults;
}

function give({ answer, isEnded }: HostileAnswer, socket: Socket): void {
  if (typeof answer === 'function') answer(socket);
  else if (isEnded) socket.end(answer);
  else socket.write(answer);
}

/** One exchange; undefined where it had to be given up. */
function ask(transport: Transport, deadlineMs: number): Promise<Exchange | undefined> {
  const exchange = newExchange();
  exchange.startedAtMs = performance.now();
  exchange.intendedAtMs = exchange.startedAtMs;
  const { promise, resolve } = Promise.withResolvers<Exchange | undefined>();
  const timer = setTimeout(() => {
    exchange.abandon?.();
    resolve(undefined);
  }, deadlineMs);
  transport.send(exchange, resolve);
  return promise.finally(() => clearTimeout(timer));
}

/** A whole answer of an odd status is a failure where 2xx is expected. */
function verdictOf(exchange: Exchange | undefined): Verdict {
  if (exchange === undefined) return 'never';
  const { outcome, status } = exchange;
  return outcome === 'ok' && status >= 200 && status < 300 ? 'ok' : 'error';
}
