// The figures of each of several requests, over all trials of a client.
import { mergeHistograms } from './histogram.ts';
import type { RequestSummary } from './model/run.ts';
import type { Censored, Measurement, RequestFigures } from './model/trial.ts';

/**
 * In the order of the scenario. Counts are sums; quantiles are those of the merged distributions. What one trial does not know
 * is null. Without several requests, or a trial, it is empty.
 */
export function summariseRequests(measurements: readonly Measurement[]): RequestSummary[] {
  const steadyMs = measurements.reduce((sum, measurement) => sum + measurement.steadyMs, 0);
  const names = measurements[0]?.requests.map(({ name }) => name) ?? [];
  return names.map(name => {
    const parts = measurements.flatMap(({ requests }) => requests.filter(figures => figures.name === name));
    return { name, sent: sumOf(parts, 'sent')!, ...figuresOf(parts, steadyMs) };
  });
}

/** Requests that were answered in the steady windows, never well. */
export function neverGood(requests: readonly RequestSummary[]): (RequestSummary & { failed: number })[] {
  return requests.flatMap(request =>
    request.completed === 0 && request.failed !== null && request.failed > 0
      ? [{ ...request, failed: request.failed }]
      : [],
  );
}

function figuresOf(
  parts: readonly RequestFigures[],
  steadyMs: number,
): Omit<RequestSummary, 'name' | 'sent'> {
  const [completed, failed] = [sumOf(parts, 'completed'), sumOf(parts, 'failed')];
  const responses = parts.flatMap(({ response }) => response ?? []);
  const response = responses.length < parts.length ? null : mergeHistograms(responses);
  const times = response === null || response.count === 0 ? null : response;
  return {
    completed,
    failed,
    requestsPerSec: completed === null || steadyMs === 0 ? null : (completed / steadyMs) * 1_000,
    meanUs: times?.meanUs ?? null,
    p50Us: times?.p50Us ?? null,
    p99Us: times?.p99Us ?? null,
    censored: mergeCensored(parts.map(({ censored }) => censored)),
  };
}

function sumOf(parts: readonly RequestFigures[], name: 'sent' | 'completed' | 'failed'): number | null {
  return parts.reduce<number | null>((sum, part) => {
    const own = part[name];
    return sum === null || own === null ? null : sum + own;
  }, 0);
}

/** null: every request came to an end. */
export function mergeCensored(all: readonly (Censored | null)[]): Censored | null {
  const known = all.flatMap(censored => censored ?? []);
  if (known.length === 0) return null;
  return {
    count: known.reduce((sum, { count }) => sum + count, 0),
    leastUs: Math.min(...known.map(({ leastUs }) => leastUs)),
  };
}
