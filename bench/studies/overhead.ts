// In: --replicates N (8 unless told). Out: on standard output, what our recording costs a request. All arms take turns in one
// run, against one target that is warm before any of them starts.
import { parseArgs } from 'node:util';
import { createRandom } from '../../results/random.ts';
import { Target } from '../../scenarios/model/target.ts';
import { startTarget } from '../run/targets.ts';
import { announce } from './machine.ts';
import { type Bench, measureArms, printCpu } from './overhead-cpu.ts';

const { values } = parseArgs({ options: { replicates: { type: 'string', default: '8' } } });
const target = Target.parse({ behaviour: { name: 'fixed', bytes: 1024 } });
const host = await announce('Overhead of the generator: keep-alive, concurrency 100, 1 KiB, plain HTTP');
const server = await startTarget(target, 1, host.pinning?.targetCpu ?? null);
const bench: Bench = { target, server, pinning: host.pinning, random: createRandom(1, 'overhead') };
try {
  await measureArms(bench, 1); // conditions the target; thrown away
  await printCpu(bench, Number(values.replicates));
} finally {
  await server.kill();
}
