// Opens a target at one or several origins: servers of one process, each with a port, a behaviour and counters of its own.
import { createRandom } from '../results/random.ts';
import { originCount } from '../scenarios/model/origins.ts';
import { createCertificate, type OpenTarget, type OpenTargetOptions, openTarget } from './app.ts';

type Counters = ReturnType<OpenTarget['read']>;

/** Like openTarget; with several origins, its counts are sums, beside those of each. */
export async function openOrigins(options: OpenTargetOptions): Promise<OpenTarget> {
  const { target, seed } = options;
  const count = originCount(target);
  if (count === 1) return openTarget(options);
  // One for all, so that clients trust one authority.
  const certificate = target.tls === 'none' ? undefined : await createCertificate(target.tlsKey);
  const opened: OpenTarget[] = [];
  const closeAll = async () => void (await Promise.all(opened.map(({ close }) => close())));
  try {
    for (let index = 0; index < count; index++) {
      const own = Math.floor(createRandom(seed, 'origin', index)() * 2 ** 31);
      opened.push(await openTarget({ ...options, seed: own, ...(certificate && { certificate }) }));
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  const [{ endpoint, serviceMs }] = opened as [OpenTarget, ...OpenTarget[]];
  return {
    endpoint: { ...endpoint, origins: opened.map(({ endpoint: { origin } }) => origin) },
    serviceMs,
    read: () => addUp(opened.map(({ read }) => read())),
    close: closeAll,
  };
}

function addUp(counters: readonly Counters[]): Counters {
  const sum = (count: (one: Counters) => number): number =>
    counters.reduce((total, one) => total + count(one), 0);
  return {
    accepted: sum(({ accepted }) => accepted),
    requests: sum(({ requests }) => requests),
    openConnections: sum(({ openConnections }) => openConnections),
    handshakesFull: sum(({ handshakesFull }) => handshakesFull),
    handshakesResumed: sum(({ handshakesResumed }) => handshakesResumed),
    acceptedHttp2: sum(({ acceptedHttp2 }) => acceptedHttp2),
    requestsPerConnection: addUpClosed(counters),
    faults: counters[0]!.faults.map((_, index) => sum(({ faults }) => faults[index]!)),
    origins: counters.map(({ accepted, requests }) => ({ accepted, requests })),
  };
}

function addUpClosed(counters: readonly Counters[]): Counters['requestsPerConnection'] {
  const byRequests = Map.groupBy(
    counters.flatMap(({ requestsPerConnection }) => requestsPerConnection),
    ({ requests }) => requests,
  );
  return [...byRequests]
    .map(([requests, entries]) => ({
      requests,
      connections: entries.reduce((total, { connections }) => total + connections, 0),
    }))
    .sort((a, b) => a.requests - b.requests);
}
