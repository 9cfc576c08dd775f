// Serves the metrics of a run while it is measured, for Prometheus to scrape.
import { createServer, type Server } from 'node:http';
import { RunMetrics } from '../../report/formats/openmetrics.ts';
import { summariseArms } from '../../results/compare.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import type { PlannedCell } from '../plan/plan.ts';
import type { RunEvent } from '../run/context.ts';
import { endServer, listen } from './live-server.ts';

/** The metrics of a run while it is measured: a few sums per trial, between slices. */
export class LiveMetrics {
  readonly #server: Server;
  readonly #metrics: RunMetrics;
  /** Address of the metrics, such as `http://127.0.0.1:9464/metrics`. */
  readonly url: string;
  #cell: PlannedCell | undefined;
  /** Trials of that cell. */
  readonly #trials: TrialResult[] = [];

  private constructor(server: Server, host: string, metrics: RunMetrics) {
    this.#server = server;
    this.#metrics = metrics;
    this.url = `http://${host}/metrics`;
  }

  /** @param port 0 for any free one. @throws MeasureError when it cannot listen on the port */
  static async open(runId: string, port: number): Promise<LiveMetrics> {
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
    const host = await listen(server, port, 'metrics-port', `cannot listen on port ${port} for metrics`);
    return new LiveMetrics(server, host, metrics);
  }

  show(event: RunEvent): void {
    switch (event.type) {
      case 'cell-started':
        this.#cell = event.cell;
        this.#trials.length = 0;
        break;
      case 'trial':
        this.#trials.push(event.result);
        if (event.result.state === 'completed') this.#metrics.addTrial(event.result);
        break;
      case 'replicate-finished': {
        if (this.#cell === undefined) break;
        const { id: cell, scenario } = this.#cell;
        this.#metrics.setCell({ cell, scenario, arms: summariseArms(this.#trials) });
        break;
      }
      case 'cell-finished':
        this.#metrics.setCell(event.result);
        this.#metrics.setOutcome(event.result);
        break;
      case 'progress':
      case 'notice':
        break;
      default:
        event satisfies never;
    }
  }

  close(): Promise<void> {
    return endServer(this.#server);
  }
}
