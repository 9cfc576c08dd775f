// Exports trials and summaries as metrics in the text format of Prometheus. The only importer of prom-client.
import { Counter, Gauge, Registry, Summary } from 'prom-client';
import { reuseOf } from '../../results/connections.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { CellResult } from '../../results/model/run.ts';
import type { CompletedTrial, Ledger } from '../../results/model/trial.ts';
import { INTERVAL_NAME, type Interval, MIN_REPLICATES } from '../../results/stats.ts';
import { visibleLine } from '../../results/visible.ts';
import { auditLines } from '../words/audits.ts';
import { knownAccepted, knownOpened } from '../words/caveats.ts';
import type { SideFile } from './format.ts';

const LABELS = ['run', 'scenario', 'cell', 'arm'] as const;

/** What an arm's figure is written to: a gauge, or three with the bounds of an interval. */
type WriteFigure = (labels: Record<string, string>, figure: Interval, replicates: number) => void;

/** Metrics of one run; names carry the units that Prometheus recommends: seconds and ratios. */
export class RunMetrics {
  readonly #runId: string;
  // The older text format, which promtool checks and a node exporter's textfile collector reads.
  readonly #registry = new Registry();
  readonly #requests = this.#counter(
    'requests',
    'Requests that ended within the steady windows, by outcome',
    ['outcome'],
  );
  readonly #sent = this.#counter('requests_sent', 'Requests begun, warm-up included');
  readonly #opened = this.#counter(
    'connections_opened',
    "Connections opened, by the client's count, warm-up included",
  );
  readonly #accepted = this.#counter(
    'connections_accepted',
    "Connections accepted, by the target's count; of a server not started by conntax, by the kernel's",
  );
  readonly #handshakes = this.#counter('tls_handshakes', 'TLS handshakes, by the client', ['kind']);
  readonly #trials = this.#counter('trials', 'Trials that completed');
  /** By name: metrics that differ by a label share one. */
  readonly #figures = new Map<string, WriteFigure>();
  readonly #latency: KnownSummary;
  readonly #reuse: Gauge;
  readonly #audits: Gauge;
  readonly #expectations: Gauge;
  readonly #ledgersByArm = new Map<string, Ledger[]>();

  constructor(runId: string) {
    this.#runId = visibleLine(runId);
    for (const { gauge, isIntervalStored } of Object.values(METRIC_TABLE)) {
      if (gauge !== undefined && !this.#figures.has(gauge.name))
        this.#figures.set(gauge.name, this.#figureGauge(gauge, isIntervalStored === true));
    }
    this.#latency = new KnownSummary({
      name: 'conntax_response_time_seconds',
      help: 'Response time, quantiles over all replicates',
      labelNames: [...LABELS],
      registers: [this.#registry],
    });
    this.#reuse = this.#gauge(
      'connection_reuse_ratio',
      'Share of the requests with a connection that needed no new one; a lower bound where some may have had none',
    );
    this.#audits = this.#gauge(
      'audits',
      'Audits of the cell, by their outcome in its worst trial, as in the report',
      ['state'],
    );
    this.#expectations = this.#gauge('expectations', 'Expectations of the cell, by state', ['state']);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Adds the counts of a trial. */
  addTrial({ trial, measurement }: CompletedTrial): void {
    const labels = this.#labelsOf(trial.scenario, trial.cell, trial.arm);
    const { outcomes, ledger } = measurement;
    this.#requests.inc({ ...labels, outcome: 'ok' }, outcomes.ok?.count ?? 0);
    for (const [outcome, seen] of Object.entries(outcomes)) {
      if (outcome !== 'ok') this.#requests.inc({ ...labels, outcome }, seen.count);
    }
    this.#sent.inc(labels, ledger.requestsSent);
    const openedCount = knownOpened(ledger);
    if (openedCount !== null) this.#opened.inc(labels, openedCount);
    const acceptedCount = knownAccepted(ledger);
    if (acceptedCount !== null) this.#accepted.inc(labels, acceptedCount);
    this.#handshakes.inc({ ...labels, kind: 'full' }, ledger.clientHandshakesFull);
    this.#handshakes.inc({ ...labels, kind: 'resumed' }, ledger.clientHandshakesResumed);
    this.#trials.inc(labels);
    const key = JSON.stringify(labels);
    const ledgers = [...(this.#ledgersByArm.get(key) ?? []), ledger];
    this.#ledgersByArm.set(key, ledgers);
    const reused = reuseOf(ledgers);
    if (reused !== null) this.#reuse.set(labels, reused.ratio.least);
  }

  /** Sets the figures of a cell's clients measured so far. */
  setCell({ cell, scenario, arms }: Pick<CellResult, 'cell' | 'scenario' | 'arms'>): void {
    for (const arm of arms) {
      if (arm.trials === 0) continue;
      const labels = this.#labelsOf(scenario.name, cell, arm.arm);
      for (const { gauge, ofSummary } of Object.values(METRIC_TABLE)) {
        const figure = ofSummary?.(arm) ?? null;
        if (gauge === undefined || figure === null) continue;
        const { name, divisor } = gauge;
        const scaled = {
          value: figure.value / divisor,
          low: figure.low / divisor,
          high: figure.high / divisor,
        };
        this.#figures.get(name)!({ ...labels, ...gauge.labels }, scaled, arm.trials);
      }
      // Without a successful response there is no latency.
      if (arm.completed === 0) continue;
      this.#latency.setKnown(labels, {
        count: arm.completed,
        sum: (arm.completed * arm.meanUs) / 1e6,
        quantiles: {
          '0.5': arm.p50Us / 1e6,
          '0.9': arm.p90Us / 1e6,
          '0.99': arm.p99Us / 1e6,
          '0.999': arm.p999Us / 1e6,
          '1': arm.maxUs / 1e6,
        },
      });
    }
  }

  /** Sets the outcomes of the audits and expectations of a finished cell. */
  setOutcome(result: CellResult): void {
    const labels = this.#labelsOf(result.scenario.name, result.cell, '');
    const lines = auditLines({ result });
    for (const state of ['pass', 'warn', 'fail'] as const)
      this.#audits.set({ ...labels, state }, lines.filter(line => line.state === state).length);
    for (const state of ['pass', 'unsure', 'fail'] as const) {
      const count = result.expectations.filter(expected => expected.state === state).length;
      this.#expectations.set({ ...labels, state }, count);
    }
  }

  #labelsOf(scenario: string, cell: string, arm: string) {
    return {
      run: this.#runId,
      scenario: visibleLine(scenario),
      cell: visibleLine(cell),
      arm: visibleLine(arm),
    };
  }

  #gauge(name: string, help: string, labels: readonly string[] = []): Gauge {
    const labelNames = [...LABELS, ...labels];
    return new Gauge({ name: `conntax_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #counter(name: string, help: string, labels: readonly string[] = []): Counter {
    const labelNames = [...LABELS, ...labels];
    return new Counter({ name: `conntax_${name}_total`, help, labelNames, registers: [this.#registry] });
  }

  #figureGauge(
    { name, help, labels = {} }: { name: string; help: string; labels?: Readonly<Record<string, string>> },
    hasInterval: boolean,
  ): WriteFigure {
    const value = this.#gauge(name, help, Object.keys(labels));
    if (!hasInterval) return (labels, figure) => value.set(labels, figure.value);
    const low = this.#gauge(`${name}_low`, `Lower end of its ${INTERVAL_NAME}`);
    const high = this.#gauge(`${name}_high`, `Upper end of its ${INTERVAL_NAME}`);
    return (labels, figure, replicates) => {
      value.set(labels, figure.value);
      if (replicates < MIN_REPLICATES) return;
      low.set(labels, figure.low);
      high.set(labels, figure.high);
    };
  }
}

interface Known {
  count: number;
  sum: number;
  /** By quantile, as Prometheus writes it. */
  quantiles: Readonly<Record<string, number>>;
}

/** A summary whose quantiles, sum and count are already known; prom-client's own can only observe values. */
class KnownSummary extends Summary {
  readonly #known = new Map<string, { labels: Record<string, string>; known: Known }>();

  setKnown(labels: Record<string, string>, known: Known): void {
    this.#known.set(JSON.stringify(labels), { labels, known });
  }

  override async get(): ReturnType<Summary['get']> {
    const described = await super.get();
    const { name } = described;
    const values = [...this.#known.values()].flatMap(({ labels, known: { count, sum, quantiles } }) => [
      ...Object.entries(quantiles).map(([quantile, value]) => ({ labels: { ...labels, quantile }, value })),
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]);
    return { ...described, values };
  }
}

const output: SideFile = {
  name: 'prometheus',
  fileName: 'metrics.prom',
  render: ({ run, trials }) => {
    const metrics = new RunMetrics(run.id);
    for (const trial of trials) if (trial.state === 'completed') metrics.addTrial(trial);
    for (const cell of run.cells) {
      metrics.setCell(cell);
      metrics.setOutcome(cell);
    }
    return metrics.text();
  },
};
export default output;
