// In: nothing. Out: every chart and format of the folders, in order of their names, as the registry would load them.
import { readdirSync } from 'node:fs';
import type { Chart } from '../charts/chart.ts';
import type { Format } from '../formats/format.ts';
import type { SweepChart } from '../sweep-chart.ts';

export const charts = await loadFolder<Chart>('../charts/');
export const sweepCharts = await loadFolder<SweepChart>('../sweep-charts/');
export const formats = await loadFolder<Format>('../formats/');

async function loadFolder<Plugin>(path: string): Promise<readonly Plugin[]> {
  const folder = new URL(path, import.meta.url);
  const names = readdirSync(folder).filter(name => /^[a-z-]+\.(ts|js)$/.test(name));
  const modules: { default: Plugin }[] = await Promise.all(
    names.sort().map(name => import(new URL(name, folder).href)),
  );
  return modules.map(module => module.default);
}
