// In: a scenario whose fields are each valid. Out: what a load tool among its arms can't do, or not here.
import type { EngineModule } from '../contracts.ts';
import type { CrossContext, CrossProblem } from './rules.ts';

/** Every arm that is a load tool, with what the tool says of itself. */
function engineArms({
  scenario,
  transports,
}: CrossContext): { arm: string; tool: string; engine: EngineModule }[] {
  return Object.entries(scenario.clients).flatMap(([arm, { transport }]) => {
    const plugin = Object.hasOwn(transports, transport) ? transports[transport] : undefined;
    return plugin?.kind === 'engine' ? [{ arm, tool: transport, engine: plugin }] : [];
  });
}

function checkMissing(context: CrossContext): CrossProblem[] {
  return engineArms(context).flatMap(({ arm, engine }) => {
    if (context.scenario.clients[arm]!.ifInstalled) return [];
    const obstacle = engine.missing?.();
    const path = ['clients', arm, 'transport'];
    return obstacle === undefined ? [] : [{ path, about: [path], ...obstacle }];
  });
}

function checkBaselineStays({ scenario: { baseline, clients } }: CrossContext): CrossProblem[] {
  if (!Object.hasOwn(clients, baseline) || !clients[baseline]!.ifInstalled) return [];
  const path = ['clients', baseline, 'ifInstalled'];
  return [
    {
      path,
      about: [path, ['baseline']],
      message: 'the arm that all others are compared with cannot be left out',
      hint: 'false, or another baseline',
    },
  ];
}

function checkLoads(context: CrossContext): CrossProblem[] {
  const { load, clients } = context.scenario;
  return engineArms(context).flatMap(({ arm, tool, engine }): CrossProblem[] => {
    const about = [['load'], ['clients', arm]];
    if (load.model !== 'closed') {
      return [
        {
          path: ['load', 'model'],
          about,
          message: `the arm ${arm} is ${tool}, which brings its own loop: that is a closed one`,
          hint: "model: 'closed', or another transport",
        },
      ];
    }
    if (load.thinkMs > 0) {
      return [
        {
          path: ['load', 'thinkMs'],
          about,
          message: `the arm ${arm} is ${tool}, whose users do not think`,
          hint: '0 (a service time keeps a load below saturation, too), or another transport',
        },
      ];
    }
    const obstacle = engine.refusesLoad?.(clients[arm]!, load);
    return obstacle === undefined ? [] : [{ path: ['load', 'concurrency'], about, ...obstacle }];
  });
}

function checkSlices(context: CrossContext): CrossProblem[] {
  const { timing } = context.scenario;
  const setting = timing.slicing === 'whole' ? 'measureMs' : 'sliceMs';
  return engineArms(context)
    .filter(({ engine }) => timing[setting] < (engine.leastSliceMs ?? 0))
    .map(({ arm, tool, engine }) => ({
      path: ['timing', setting],
      about: [
        ['timing', setting],
        ['timing', 'slicing'],
        ['clients', arm],
      ],
      message: `the arm ${arm} is ${tool}, which is started for each slice: of ${timing[setting]} ms it would spend a good part on that`,
      hint: `at least ${engine.leastSliceMs}`,
    }));
}

export function engineProblems(context: CrossContext): CrossProblem[] {
  return [
    ...checkMissing(context),
    ...checkBaselineStays(context),
    ...checkLoads(context),
    ...checkSlices(context),
  ];
}
