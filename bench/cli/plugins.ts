// Every plug-in of the command line, gathered from the index of each plug-in folder.
import { charts, sweepCharts } from '../../report/charts/index.ts';
import { formats, outputs } from '../../report/formats/index.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { transports, userModules } from '../clients/index.ts';
import type { Plugins } from './context.ts';

export const plugins: Plugins = {
  transports,
  userModules,
  behaviours,
  charts,
  sweepCharts,
  formats,
  outputs,
};
