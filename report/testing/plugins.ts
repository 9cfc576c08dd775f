// Every chart and format, loaded, in the order of their indexes.
import * as chartIndex from '../charts/index.ts';
import * as formatIndex from '../formats/index.ts';

export const charts = await loadAll(chartIndex.charts);
export const sweepCharts = await loadAll(chartIndex.sweepCharts);
export const formats = await loadAll(formatIndex.formats);

async function loadAll<Plugin>(
  index: Readonly<Record<string, () => Promise<{ default: Plugin }>>>,
): Promise<readonly Plugin[]> {
  return Promise.all(Object.values(index).map(async load => (await load()).default));
}
