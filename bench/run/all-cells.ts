// In: a plan. Out: a result a cell, and events on the way. One cell after another: they share the machine.
import type { CellResult } from '../../results/model/run.ts';
import { createBudgets } from '../plan/budget.ts';
import { mostMsOf, type Plan } from '../plan/plan.ts';
import { measureCell } from './run.ts';
import type { Emit } from './events.ts';
import type { FoundServer } from './external-server.ts';

export interface RunOptions {
  plan: Plan;
  pinning: { targetCpu: number; generatorCpu: number } | null;
  /** By cell: the servers that we do not start, each found where load may go. */
  servers?: ReadonlyMap<string, FoundServer>;
  /** Aborting it ends the run soon; what was measured is kept. */
  signal: AbortSignal;
  emit: Emit;
  /** Whether a cell whose expectation failed is measured again before the failure counts. */
  isConfirming: boolean;
}

/** Measures every cell of the plan, in order. An error from `emit` (a full disk, say) ends the run and its processes. */
export async function runPlan({ plan, servers, ...options }: RunOptions): Promise<CellResult[]> {
  const results: CellResult[] = [];
  const budgets = createBudgets(plan.cells);
  for (const [index, planned] of plan.cells.entries()) {
    if (options.signal.aborted) break;
    const cell = budgets.allot(planned);
    options.emit({ type: 'cell-started', cell, index, cellCount: plan.cells.length });
    const laterMs = plan.cells.slice(index + 1).reduce((sum, later) => sum + mostMsOf(later), 0);
    const emit: Emit = event =>
      options.emit(event.type === 'progress' ? { ...event, leftMs: event.leftMs + laterMs } : event);
    const result = await measureCell({
      ...options,
      emit,
      cell,
      seed: plan.seed,
      server: servers?.get(cell.id),
    });
    budgets.spend(cell, result.elapsedMs);
    results.push(result);
    options.emit({ type: 'cell-finished', result });
  }
  return results;
}
