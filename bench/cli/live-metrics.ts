// Serves a run's metrics over HTTP while it is measured, for Prometheus to scrape.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RunMetrics } from '../../report/formats/openmetrics.ts';
import { summariseArms } from '../../results/compare.ts';
import { MeasureError } from '../../results/errors.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import type { PlannedCell } from '../plan/plan.ts';
import type { RunEvent } from '../run/context.ts';

export interface LiveMetrics {
  /** Address of the metrics, such as `http://127.0.0.1:9464/metrics`. */
  readonly url: string;
  /** Records an event: a few sums per trial, between slices. */
  show(event: RunEvent): void;
  close(): Promise<void>;
}

/**
 * Serves the metrics of a run on 127.0.0.1.
 *
 * @param port 0 for any free one
 * @throws MeasureError when it cannot listen on the port
 */
export async function serveMetrics(runId: string, port: number): Promise<LiveMetrics> {
  const metrics = new RunMetrics(runId);
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end('Metrics are at /metrics\n');
      return;
    }
    metrics.text().then(
      text => response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new MeasureError('metrics-port', `cannot listen on port ${port} for metrics: ${String(cause)}`, {
      cause,
    });
  }
  let cell: PlannedCell | undefined;
  const trials: TrialResult[] = [];
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`,
    show(event) {
      switch (event.type) {
        case 'cell-started':
          cell = event.cell;
          trials.length = 0;
          break;
        case 'trial':
          trials.push(event.result);
          if (event.result.state === 'completed') metrics.addTrial(event.result);
          break;
        case 'replicate-finished':
          if (cell !== undefined)
            metrics.setCell({ cell: cell.id, scenario: cell.scenario, arms: summariseArms(trials) });
          break;
        case 'cell-finished':
          metrics.setCell(event.result);
          metrics.setOutcome(event.result);
          break;
        case 'progress':
        case 'notice':
          break;
        default:
          event satisfies never;
      }
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
