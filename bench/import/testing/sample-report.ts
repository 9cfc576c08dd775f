// A report as Artillery writes it of conntax's engine, of figures that a test chooses.
import { FOUND_SERVER, sampleHost } from '../../../results/testing/sample-run.ts';
import { blockMetric, factMetric, type Turn } from '../../embed/names.ts';
import type { Summary } from '../artillery-report.ts';

export interface SampleTurn extends Turn {
  counters: Readonly<Record<string, number>>;
  summaries: Readonly<Record<string, Summary>>;
}

const STARTED_AT_MS = Date.parse('2026-11-23T12:25:50.000Z');
const PERIOD_MS = 10_000;

export const SAMPLE_CLIENTS: Readonly<Record<string, object>> = {
  short: { requestsPerConnection: 1 },
  persistent: { pool: { maxConnections: 5, idleTimeoutMs: 60_000 } },
};

const { hostname: _ofOneWorker, ...machine } = sampleHost;

export const SAMPLE_FACTS: Readonly<Record<string, number>> = {
  [factMetric('scenario', {
    name: 'artillery',
    question: 'How do they compare?',
    baseline: 'short',
    request: {},
    target: {
      url: 'http://127.0.0.1:3000',
      keepAliveTimeoutMs: 60_000,
      maxRequestsPerSocket: 0,
      connectionClose: false,
    },
  })!]: 2,
  [factMetric('client.short', SAMPLE_CLIENTS['short'])!]: 2,
  [factMetric('client.persistent', SAMPLE_CLIENTS['persistent'])!]: 2,
  [factMetric('server', { ...FOUND_SERVER, url: 'http://127.0.0.1:3000' })!]: 2,
  [factMetric('versions', { conntax: '0.1.0' })!]: 2,
  [factMetric('machine', machine)!]: 1,
};

/** A summary of so many times around a mean. */
export function summaryOf(count: number, meanUs: number): Summary {
  return {
    min: meanUs / 2,
    max: meanUs * 4,
    count,
    mean: meanUs,
    p50: meanUs * 0.9,
    p75: meanUs * 1.1,
    p90: meanUs * 1.5,
    p95: meanUs * 2,
    p99: meanUs * 3,
    p999: meanUs * 3.9,
  };
}

/** A turn of two workers in which each request was answered, after a warm-up with a tenth as many. */
export function answeredTurn(turn: Turn, requests: number, meanUs: number): SampleTurn {
  const sent = requests + Math.floor(requests / 10);
  return {
    ...turn,
    counters: {
      sent,
      answered: sent,
      'recorded.answered': requests,
      'recorded.bytes': requests * 5,
      'recorded.status.200': requests,
      opened: turn.arm === 'short' ? sent : Math.min(sent, 10),
      workers: 2,
      windowMs: 18_000,
      wholeMs: 20_000,
      warmUpMs: 2_000,
      runDelayMs: 20,
      leftOpen: turn.arm === 'short' ? 0 : Math.min(sent, 10),
      openedElsewhere: 0,
      'due.workers': 2,
      'due.requests': 2_000,
      'due.ms': 40_000,
      machines: 1,
      'kernel.activeOpens': sent,
    },
    summaries: {
      responseUs: summaryOf(requests, meanUs),
      rssBytes: summaryOf(2, 80_000_000),
    },
  };
}

function metricsOf(turns: readonly SampleTurn[]): { counters: object; summaries: object } {
  const named = (read: (turn: SampleTurn) => object): object =>
    Object.fromEntries(
      turns.flatMap(turn =>
        Object.entries(read(turn)).map(([figure, value]) => [
          blockMetric(turn.arm, turn.block, figure),
          value,
        ]),
      ),
    );
  return { counters: named(turn => turn.counters), summaries: named(turn => turn.summaries) };
}

/** One period per turn. */
export function sampleReport(
  turns: readonly SampleTurn[],
  facts: Readonly<Record<string, number>> = SAMPLE_FACTS,
): string {
  const all = metricsOf(turns);
  return JSON.stringify({
    aggregate: {
      counters: { 'vusers.created': 100, ...facts, ...all.counters },
      rates: {},
      summaries: { 'vusers.session_length': summaryOf(100, 20), ...all.summaries },
      firstMetricAt: STARTED_AT_MS,
      lastMetricAt: STARTED_AT_MS + turns.length * PERIOD_MS,
      period: STARTED_AT_MS,
    },
    intermediate: turns.map((turn, index) => ({
      ...metricsOf([turn]),
      period: String(STARTED_AT_MS + index * PERIOD_MS),
      'http.request_rate': null,
    })),
  });
}
