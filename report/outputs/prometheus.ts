// In: a stored run. Out: text in the format of Prometheus, for a node exporter's textfile collector or a push.
import type { Output } from '../output.ts';
import { createRunMetrics } from '../formats/openmetrics.ts';

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
