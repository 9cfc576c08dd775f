// A random measurement of a trial, consistent from slices to histograms, and what client and server held in a slice of some seconds.

import { randomLogNormal } from 'd3-random';
import { mostInFlight } from '../../scenarios/model/load.ts';
import { openingRoundTrips } from '../../scenarios/model/target.ts';
import { mostOpenConnections, neededConnections } from '../connections.ts';
import { createLatencyRecorder, emptyHistogram, type LatencyRecorder } from '../histogram.ts';
import { askedPerSec } from '../metrics.ts';
import type { Held, Resources } from '../model/process.ts';
import type {
  Arrivals,
  Capacity,
  Histogram,
  Ledger,
  LinkReading,
  Measurement,
  Probe,
  Slice,
  Timeline,
  Trial,
} from '../model/trial.ts';
import type { Random } from '../random.ts';
import { sumOf } from '../stats.ts';

/** The truth of a sample search: the rate that an arm with this number of requests per connection sustains. */
const CAPACITY_PER_SEC = { short: 4_000, persistent: 21_000 } as const;

function sampleArrivals(completed: number): Arrivals {
  const heldBack = Math.round(completed / 500);
  return { due: completed, heldBack, unsent: 0, unfinished: 0, ended: completed - 3 };
}

/** A search that doubled up to the truth and halved from there; one probe of it failed by bad luck. */
function sampleCapacity({ load, client }: Trial, random: Random): Capacity | null {
  if (load.model !== 'capacity') return null;
  const isShort = client.requestsPerConnection === 1;
  const truth = CAPACITY_PER_SEC[isShort ? 'short' : 'persistent'] * (1 + 0.2 * (random() - 0.5));
  const probes: Probe[] = [];
  const probe = (ratePerSec: number, isLucky = true): boolean => {
    const load = ratePerSec / truth;
    const isKept = isLucky && load <= 1;
    const p99Us = isKept ? 3_000 / (1.06 - load) : 60_000 * Math.max(1, load) ** 3;
    probes.push({
      ratePerSec,
      isKept,
      p50Us: p99Us / 3,
      p99Us,
      errorRatio: 0,
      achievedPerSec: Math.min(ratePerSec, truth),
      limit: isKept ? null : isShort ? 'generator' : 'latency',
      why: isKept ? 'the objective held' : `p99 was ${Math.round(p99Us / 1_000)} ms, above 50 ms`,
    });
    return isKept;
  };
  let low = load.minRatePerSec;
  probe(low, false);
  probe(low);
  let high = 2 * low;
  for (; probe(high); high *= 2) low = high;
  probe(high);
  while (high / low > 1 + load.resolutionRatio) {
    const middle = Math.sqrt(low * high);
    if (probe(middle)) low = middle;
    else {
      probe(middle);
      high = middle;
    }
  }
  probe(low);
  return { ratePerSec: low, notKeptPerSec: high, isSettled: true, probes };
}

/**
 * The truth of every sample: latency(k) = SERVICE_US + HANDSHAKE_US / k, at 100 users or at the rate of an open load, and the
 * round trips of a link, times the users for each connection of the pool.
 */
export const SERVICE_US = 4_800;
export const HANDSHAKE_US = 20_000;

const WARMUP_MS = 1_500;
/** A window holds the slowest requests, which a link makes longer. */
const WINDOW_MS = { near: 100, linked: 300 };
/** Ramp and drain. */
const AROUND_MS = 30;
const SIGMA = 0.25;
const BODY_BYTES = 1_024;

interface Place {
  blocks: number;
  position: number;
  arms: number;
  random: Random;
}

/** One trial's measurement: latencies are lognormal, and the rate is what Little's law makes of them. */
export function sampleMeasurement(trial: Trial, place: Place): Measurement {
  const k = trial.client.requestsPerConnection;
  const share = k === 'unlimited' ? 0 : 1 / k;
  const replicateFactor = 1 + 0.02 * (place.random() - 0.5);
  const tripUs = (trial.link?.roundTripMs ?? 0) * 1_000;
  const tripsUs = (1 + share * openingRoundTrips(trial.target.tls, 'full')) * tripUs;
  const exchangeUs = SERVICE_US + HANDSHAKE_US * share + tripsUs;
  const capacity = sampleCapacity(trial, place.random);
  const ratePerSec = askedPerSec(trial.load, capacity);
  const { maxConnections } = trial.client.pool;
  const most = typeof maxConnections === 'number' ? maxConnections : mostInFlight(trial.load);
  const pool = Math.min(mostInFlight(trial.load), most);
  const queued = ratePerSec === null ? mostInFlight(trial.load) / pool : 1;
  const meanUs = exchangeUs * queued * replicateFactor;
  const users = ratePerSec === null ? mostInFlight(trial.load) : (ratePerSec * meanUs) / 1_000_000;
  const recorders = {
    response: createLatencyRecorder(),
    service: createLatencyRecorder(),
    lateness: createLatencyRecorder(),
    wait: createLatencyRecorder(),
    firstByte: createLatencyRecorder(),
    body: createLatencyRecorder(),
    connect: createLatencyRecorder(),
  };
  const windowMs = trial.link === undefined ? WINDOW_MS.near : WINDOW_MS.linked;
  const slices = Array.from({ length: place.blocks }, (_, block) =>
    sampleSlice({ block, windowMs, meanUs, share, users, ratePerSec, place, recorders }),
  );
  const completed = sumOf(slices, slice => slice.completed);
  const exchanges = sumOf(slices, slice => slice.exchanges);
  const sent = exchanges + Math.round((users * WARMUP_MS * 1000) / meanUs);
  const opened = k === 'unlimited' ? pool : Math.ceil(sent / k);
  const openedInWindows = Math.round(completed * share);
  for (let connection = 0; connection < opened; connection++) {
    const connectUs = 300 + 400 * place.random();
    if (connection >= opened - openedInWindows) recorders.connect.recordUs(connectUs);
  }
  const response = finish(recorders.response);
  const lateness = finish(recorders.lateness);
  return {
    warmupMs: WARMUP_MS,
    isSteady: true,
    steadyMs: place.blocks * windowMs,
    completed,
    failed: 0,
    bytes: completed * BODY_BYTES,
    outcomes: { ok: { count: completed } },
    statuses: { '200': completed },
    censored: null,
    lengthening: null,
    response,
    responseByClass: { '2xx': response },
    requests: [],
    service: finish(recorders.service),
    wait: finish(recorders.wait),
    firstByte: finish(recorders.firstByte),
    body: finish(recorders.body),
    connect: finish(recorders.connect),
    tls: emptyHistogram(),
    lateness: ratePerSec === null ? null : lateness,
    arrivals: ratePerSec === null ? null : sampleArrivals(completed),
    capacity,
    timeWait: null,
    timeline: timelineOf(slices, response.maxUs),
    slices,
    ledger: sampleLedger(trial, sent, opened),
    backends: null,
    generator: resourcesOf(slices, slice => slice.generatorCpuUs, 0.93, 96_000_000),
    target: resourcesOf(slices, slice => slice.targetCpuUs ?? 0, 0.71, 88_000_000),
    link: trial.link === undefined ? null : sampleLink(slices, k === 'unlimited' ? 0 : exchanges / k),
    closing: null,
    alone: ratePerSec === null && trial.client.transport === 'undici' ? sampleAlone(share, tripsUs) : null,
    caveats: trial.client.transport === 'undici' ? [] : ['wrk is started for each slice.'],
    kernel: {
      activeOpens: opened,
      passiveOpens: opened,
      retransmits: 0,
      needlessRetransmits: 0,
      synRetransmits: 0,
      listenDrops: 0,
      timeWaitCreated: k === 'unlimited' ? 0 : opened,
    },
  };
}

/** One user alone: 120 µs for a request, and 230 µs more where it opens a connection. */
function sampleAlone(share: number, tripsUs: number): Measurement['alone'] {
  const opens = share > 0;
  return {
    requests: 400,
    responseUs: 120 + (opens ? 230 : 0) + tripsUs,
    connectUs: opens ? 90 : null,
    tlsUs: null,
  };
}

function sampleSlice(of: {
  block: number;
  windowMs: number;
  meanUs: number;
  share: number;
  users: number;
  /** null under a closed load, where the users make the rate. */
  ratePerSec: number | null;
  place: Place;
  recorders: Record<'response' | 'service' | 'lateness' | 'wait' | 'firstByte' | 'body', LatencyRecorder>;
}): Slice {
  const { block, windowMs, share, users, ratePerSec, place, recorders } = of;
  const position = (block + place.position) % place.arms;
  const meanUs = of.meanUs * (1 + 0.03 * (place.random() - 0.5));
  const drawUs = randomLogNormal.source(place.random)(Math.log(meanUs) - SIGMA ** 2 / 2, SIGMA);
  const completed = Math.round(
    windowMs * (ratePerSec === null ? (users * 1000) / meanUs : ratePerSec / 1000),
  );
  let totalUs = 0;
  for (let request = 0; request < completed; request++) {
    const us = drawUs();
    const waitUs = us * (0.1 + 0.6 * share);
    const lateUs = ratePerSec === null ? 0 : 1_100 * place.random();
    recorders.response.recordUs(us);
    recorders.service.recordUs(us - lateUs);
    recorders.lateness.recordUs(lateUs);
    recorders.wait.recordUs(waitUs);
    recorders.firstByte.recordUs((us - waitUs) * 0.95);
    recorders.body.recordUs((us - waitUs) * 0.05);
    totalUs += us;
  }
  const exchanges = Math.round((completed * (windowMs + AROUND_MS)) / windowMs);
  return {
    block,
    position,
    atMs: WARMUP_MS * place.arms + (block * place.arms + position) * (windowMs + AROUND_MS),
    windowMs,
    completed,
    failed: 0,
    censored: 0,
    ended: completed,
    userMs: ratePerSec === null ? users * windowMs : null,
    meanUs: totalUs / completed,
    exchanges,
    generatorCpuUs: exchanges * (27 + 150 * share) * (1 + 0.05 * place.random()),
    targetCpuUs: exchanges * (35 + 60 * share) * (1 + 0.05 * place.random()),
  };
}

function sampleLedger(trial: Trial, sent: number, opened: number): Ledger {
  const { client, target, load } = trial;
  const k = client.requestsPerConnection;
  return {
    opened,
    accepted: opened,
    openedBy: 'client',
    openedElsewhere: 0,
    origins: [],
    closedInPauses: 0,
    longestPauseMs: 0,
    leftOpen: Math.min(opened, mostOpenConnections(client, load)),
    acceptedBy: 'target',
    acceptedHttp2: 0,
    needed: neededConnections({ client, target, load, requests: sent }),
    requestsSent: sent,
    requestsSeen: sent,
    answered: sent,
    failed: 0,
    failures: {},
    unfinished: 0,
    attempts: null,
    faults: [],
    handshakesFull: target.tls === 'none' ? 0 : opened,
    handshakesResumed: 0,
    clientHandshakesFull: target.tls === 'none' ? 0 : opened,
    clientHandshakesResumed: 0,
    requestsPerConnection: spread(sent, opened, k === 'unlimited' ? Math.ceil(sent / opened) : k),
  };
}

/** All connections carry `each` requests, and the last what is left. */
function spread(requests: number, connections: number, each: number): Ledger['requestsPerConnection'] {
  const full = Math.floor(requests / each);
  const rest = requests - full * each;
  return [
    ...(rest > 0 && connections > full ? [{ requests: rest, connections: 1 }] : []),
    { requests: each, connections: full },
  ];
}

function timelineOf(slices: readonly Slice[], maxUs: number): Timeline {
  return {
    widthMs: slices[0]?.windowMs ?? WINDOW_MS.near,
    buckets: slices.map(({ atMs, completed, failed, meanUs }) => ({
      atMs,
      completed,
      failed,
      meanUs,
      maxUs,
    })),
  };
}

function resourcesOf(
  slices: readonly Slice[],
  read: (slice: Slice) => number,
  eventLoopRatio: number,
  rssBytes: number,
): Resources {
  const cpuUs = sumOf(slices, read);
  return {
    cpuUs,
    cpuUsPerRequest: cpuUs / sumOf(slices, slice => slice.exchanges),
    cpuRatio: cpuUs / sumOf(slices, ({ windowMs }) => (windowMs + AROUND_MS) * 1000),
    eventLoopRatio,
    runDelayRatio: 0.01,
    rssBytes,
    stops: 0,
  };
}

/** A relay that is in time, of connections that the slices opened. */
function sampleLink(slices: readonly Slice[], connections: number): LinkReading {
  return {
    connections,
    bytes: 1_400 * sumOf(slices, slice => slice.exchanges) + 2_000 * connections,
    latenessP50Us: 0,
    latenessP99Us: 200,
    latenessMaxUs: 900,
    latenessCount: 40_000,
    relay: resourcesOf(slices, slice => slice.exchanges * 40, 0.9, 70_000_000),
    loadNiceness: 10,
  };
}

function finish(recorder: LatencyRecorder): Histogram {
  const histogram = recorder.summary();
  recorder.close();
  return histogram;
}

interface SampleHeldOptions {
  /** Connections that each request leaves open. */
  leftPerRequest: number;
  samples?: number;
  /** Requests begun at a sample; default: 20 more at each. */
  sentAt?: (place: number) => number;
}

const EVERY_MS = 50;
const OWN_DESCRIPTORS = 22;
const RSS_BYTES = 90_000_000;
const BYTES_PER_CONNECTION = 30_000;

export function sampleHeld({
  leftPerRequest,
  samples = 60,
  sentAt = place => place * 20,
}: SampleHeldOptions): Held {
  const places = Array.from({ length: samples }, (_, place) => place);
  const atMs = places.map(place => 4_000 + place * EVERY_MS);
  // Connections come and go with requests in flight, above those that are left.
  const inFlight = places.map(place => (place * 7) % 5);
  const left = places.map(place => Math.floor(sentAt(place) * leftPerRequest));
  const descriptors = left.map((count, place) => OWN_DESCRIPTORS + count + inFlight[place]!);
  const rssBytes = left.map(count => RSS_BYTES + count * BYTES_PER_CONNECTION);
  return {
    everyMs: EVERY_MS,
    client: {
      atMs,
      inFlight,
      sent: places.map(sentAt),
      descriptors,
      rssBytes,
      heapBytes: rssBytes.map(bytes => bytes / 4),
    },
    server: { atMs, descriptors, rssBytes },
    sockets: [0, 20, 40]
      .filter(place => place < samples)
      .map(place => ({
        atMs: atMs[place]!,
        client: { ESTABLISHED: left[place]!, ...(place === 20 ? { SYN_SENT: 2 } : {}) },
        server: { ESTABLISHED: left[place]! },
      })),
  };
}
