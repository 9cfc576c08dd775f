// Exports trials and summaries as metrics in the text format of Prometheus. The only importer of prom-client.
import { Counter, Gauge, Registry, Summary } from 'prom-client';
import { reuseOf } from '../../results/connections.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { CellResult } from '../../results/model/run.ts';
import type { CompletedTrial, Ledger } from '../../results/model/trial.ts';
import { INTERVAL_NAME, type Interval, LEAST_REPLICATES } from '../../results/stats.ts';
import { visibleLine } from '../../results/visible.ts';
import { auditLines } from '../words/audits.ts';
import { knownAccepted, knownOpened } from '../words/caveats.ts';
import type { Output } from './format.ts';

const LABELS = ['run', 'scenario', 'cell', 'arm'] as const;

export interface RunMetrics {
  readonly contentType: string;
  /** Adds the counts of a trial. */
  addTrial(trial: CompletedTrial): void;
  /** Sets the figures of a cell's clients measured so far. */
  setCell(cell: Pick<CellResult, 'cell' | 'scenario' | 'arms'>): void;
  /** Sets the outcomes of the audits and expectations of a finished cell. */
  setOutcome(cell: CellResult): void;
  /** In the text format of Prometheus. */
  text(): Promise<string>;
}

/** Metrics of one run; names carry the units that Prometheus recommends: seconds and ratios. */
export function createRunMetrics(id: string): RunMetrics {
  const runId = visibleLine(id);
  // The older text format, which promtool checks and a node exporter's textfile collector reads.
  const registry = new Registry();
  const gauge = (name: string, help: string, more: readonly string[] = []) =>
    new Gauge({ name: `conntax_${name}`, help, labelNames: [...LABELS, ...more], registers: [registry] });
  const counter = (name: string, help: string, more: readonly string[] = []) =>
    new Counter({
      name: `conntax_${name}_total`,
      help,
      labelNames: [...LABELS, ...more],
      registers: [registry],
    });
  const labelsOf = (scenario: string, cell: string, arm: string) => ({
    run: runId,
    scenario: visibleLine(scenario),
    cell: visibleLine(cell),
    arm: visibleLine(arm),
  });
  const pointGauge = (name: string, help: string, more: readonly string[]) => {
    const own = gauge(name, help, more);
    return { set: (labels: Record<string, string>, { value }: Interval) => own.set(labels, value) };
  };
  /** Three gauges: a figure and the bounds of its interval, if there are enough replicates for one. */
  const intervalGauge = (name: string, help: string) => {
    const [value, low, high] = [
      gauge(name, help),
      gauge(`${name}_low`, `Lower end of its ${INTERVAL_NAME}`),
      gauge(`${name}_high`, `Upper end of its ${INTERVAL_NAME}`),
    ];
    return {
      set(labels: Record<string, string>, interval: Interval, replicates: number) {
        value.set(labels, interval.value);
        if (replicates < LEAST_REPLICATES) return;
        low.set(labels, interval.low);
        high.set(labels, interval.high);
      },
    };
  };

  const requests = counter('requests', 'Requests that ended within the steady windows, by outcome', [
    'outcome',
  ]);
  const sent = counter('requests_sent', 'Requests begun, warm-up included');
  const opened = counter('connections_opened', "Connections opened, by the client's count, warm-up included");
  const accepted = counter(
    'connections_accepted',
    "Connections accepted, by the target's count; of a server not started by conntax, by the kernel's",
  );
  const handshakes = counter('tls_handshakes', 'TLS handshakes, by the client', ['kind']);
  const trials = counter('trials', 'Trials that completed');
  /** By name: metrics that differ by a label share one. */
  const figureGauges = new Map<
    string,
    { set(labels: Record<string, string>, figure: Interval, replicates: number): void }
  >();
  for (const { gauge: of, isIntervalStored } of Object.values(METRIC_TABLE)) {
    if (of === undefined || figureGauges.has(of.name)) continue;
    const { name, help, labels = {} } = of;
    figureGauges.set(
      name,
      isIntervalStored === true ? intervalGauge(name, help) : pointGauge(name, help, Object.keys(labels)),
    );
  }
  const latency = new KnownSummary({
    name: 'conntax_response_time_seconds',
    help: 'Response time, quantiles over all replicates',
    labelNames: [...LABELS],
    registers: [registry],
  });
  const reuse = gauge(
    'connection_reuse_ratio',
    'Share of the requests with a connection that needed no new one; a lower bound where some may have had none',
  );
  const ledgersByArm = new Map<string, Ledger[]>();
  const audits = gauge(
    'audits',
    'Audits of the cell, by their outcome in its worst trial, as in the report',
    ['state'],
  );
  const expectations = gauge('expectations', 'Expectations of the cell, by state', ['state']);

  return {
    contentType: registry.contentType,
    addTrial({ trial, measurement }) {
      const labels = labelsOf(trial.scenario, trial.cell, trial.arm);
      const { outcomes, ledger } = measurement;
      requests.inc({ ...labels, outcome: 'ok' }, outcomes.ok?.count ?? 0);
      for (const [outcome, seen] of Object.entries(outcomes)) {
        if (outcome !== 'ok') requests.inc({ ...labels, outcome }, seen.count);
      }
      sent.inc(labels, ledger.requestsSent);
      const openedCount = knownOpened(ledger);
      if (openedCount !== null) opened.inc(labels, openedCount);
      const acceptedCount = knownAccepted(ledger);
      if (acceptedCount !== null) accepted.inc(labels, acceptedCount);
      handshakes.inc({ ...labels, kind: 'full' }, ledger.clientHandshakesFull);
      handshakes.inc({ ...labels, kind: 'resumed' }, ledger.clientHandshakesResumed);
      trials.inc(labels);
      const key = JSON.stringify(labels);
      const ledgers = ledgersByArm.get(key) ?? [];
      ledgersByArm.set(key, ledgers);
      ledgers.push(ledger);
      const reused = reuseOf(ledgers);
      if (reused !== null) reuse.set(labels, reused.ratio.least);
    },
    setCell({ cell, scenario, arms }) {
      for (const arm of arms) {
        if (arm.trials === 0) continue;
        const labels = labelsOf(scenario.name, cell, arm.arm);
        for (const { gauge: of, ofSummary } of Object.values(METRIC_TABLE)) {
          const figure = ofSummary?.(arm) ?? null;
          if (of === undefined || figure === null) continue;
          const { value, low, high } = figure;
          const { divisor } = of;
          figureGauges
            .get(of.name)!
            .set(
              { ...labels, ...of.labels },
              { value: value / divisor, low: low / divisor, high: high / divisor },
              arm.trials,
            );
        }
        // Without a successful response there is no latency.
        if (arm.completed > 0) {
          latency.setKnown(labels, {
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
    },
    setOutcome(result) {
      const { cell, scenario, expectations: expected } = result;
      const lines = auditLines({ result });
      const labels = labelsOf(scenario.name, cell, '');
      for (const state of ['pass', 'warn', 'fail'] as const) {
        audits.set({ ...labels, state }, lines.filter(line => line.state === state).length);
      }
      for (const state of ['pass', 'unsure', 'fail'] as const) {
        expectations.set({ ...labels, state }, expected.filter(result => result.state === state).length);
      }
    },
    text: () => registry.metrics(),
  };
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

const output: Output = {
  name: 'prometheus',
  fileName: 'metrics.prom',
  render: ({ run, trials }) => {
    const metrics = createRunMetrics(run.id);
    for (const trial of trials) if (trial.state === 'completed') metrics.addTrial(trial);
    for (const cell of run.cells) {
      metrics.setCell(cell);
      metrics.setOutcome(cell);
    }
    return metrics.text();
  },
};
export default output;
