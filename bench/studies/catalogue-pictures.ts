// Draws the pictures of docs/catalogue.md from a stored run: npm run catalogue:pictures -- RUN [SCENARIO…]. Each carries its date and load.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildReport } from '../../report/build.ts';
import { charts, sweepCharts } from '../../report/charts/index.ts';
import { pictureFile } from '../../report/formats/chart-svg.ts';
import { LIGHT } from '../../report/formats/page-style.ts';
import type { Picture, Report } from '../../report/model.ts';
import { formatSignificant } from '../../report/words/numbers.ts';
import { readRun } from '../../results/store.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';

const FOLDER = join(import.meta.dirname, '../../docs/images/catalogue');

/** What shows best what an experiment is about, where it is not the number of connections: a chart, or a measure of a sweep. */
const CHOSEN: Record<string, string> = {
  batch: 'phases',
  'body-handling': 'held',
  'body-libraries': 'held',
  brownout: 'held',
  'client-lifetime': 'held',
  container: 'requestsPerSec',
  'descriptor-limit': 'held',
  gateway: 'phases',
  'hung-server': 'held',
  'large-bodies': 'held',
  leak: 'held',
  microservice: 'phases',
  'pool-limit': 'requestsPerSec',
  'port-exhaustion': 'held',
  'silent-drop': 'held',
  'slow-accept': 'held',
  'small-bodies': 'held',
  'stale-connection': 'errorPercent',
  'timeout-body': 'held',
  'timeout-connect': 'held',
  'timeout-headers': 'held',
  'who-closes': 'sockets',
};

/** Of a sweep, a measure's picture of each client; else the chart in the scenario's last cell, which is the largest of a sweep. */
function choosePicture({ cells, sweeps }: Report, scenario: string): Picture | undefined {
  const sweep = sweeps.find(({ name }) => name === scenario);
  const own = cells.filter(cell => (cell.sweep?.name ?? cell.name) === scenario);
  const name = CHOSEN[scenario] ?? (sweep === undefined ? 'ledger' : 'connectionsPer1000Count');
  const measure = sweep?.measures.find(one => one.name === name);
  return (
    measure?.pictures.at(-1) ??
    own
      .at(-1)
      ?.sections.flatMap(({ figures }) => figures)
      .find(figure => figure.name === name)
  );
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { results: { type: 'string', default: 'results' } },
});
const [ref, ...asked] = positionals;
const { run, trials } = readRun(values.results, ref);
const report = buildReport({
  run,
  trials,
  charts: Object.values(await loadPlugins(charts)),
  sweepCharts: Object.values(await loadPlugins(sweepCharts)),
});
const measured = `${run.id.slice(0, 16).replace(/T(\d+)-(\d+)/, ' $1:$2')} UTC, load average ${formatSignificant(run.host.loadAverage[0]!)}`;
mkdirSync(FOLDER, { recursive: true });
for (const scenario of new Set(run.cells.map(cell => cell.scenario.name))) {
  if (asked.length > 0 && !asked.includes(scenario)) continue;
  const picture = choosePicture(report, scenario);
  if (picture === undefined) {
    console.log(`${scenario}: no picture`);
    continue;
  }
  const svg = await pictureFile(picture.spec, {
    id: scenario,
    description: `${picture.title}. ${picture.caption}`,
    colours: LIGHT,
    footer: `conntax run ${scenario}, ${measured}`,
  });
  writeFileSync(join(FOLDER, `${scenario}.svg`), svg);
  console.log(`${scenario}: ${picture.name}, ${Buffer.byteLength(svg)} bytes`);
}
