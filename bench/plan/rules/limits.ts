// Rules on limits of the machine: they hold for processes that conntax starts itself.
import { TIME_WAIT_METRICS } from '../../../results/metrics.ts';
import { isBuiltIn, isExternal } from '../../../scenarios/model/target.ts';
import type { Rule } from './rule.ts';

export function limitRules(): Rule[] {
  return [
    {
      reads: [['limits'], ['link']],
      check: ({ limits, link }) =>
        limits?.localPorts === undefined || link === undefined
          ? undefined
          : {
              path: ['limits', 'localPorts'],
              message: 'the relay of the link opens connections of its own, which need ports too',
              hint: 'no link, or no localPorts',
            },
    },
    {
      reads: [['limits'], ['target', 'url'], ['target', 'urls'], ['target', 'command']],
      check: ({ limits, target }) =>
        limits?.localPorts === undefined || isBuiltIn(target)
          ? undefined
          : {
              path: ['limits', 'localPorts'],
              message:
                'only a server that conntax starts itself runs in a network namespace with its clients',
              hint: "conntax's own server, or no localPorts",
            },
    },
    {
      reads: [['limits'], ['target', 'url'], ['target', 'urls']],
      check: ({ limits, target }) =>
        limits?.serverCpus === undefined || !isExternal(target)
          ? undefined
          : {
              path: ['limits', 'serverCpus'],
              message: 'only a server that conntax starts runs in a control group of its own',
              hint: "conntax's own server, one that target.command starts, or no serverCpus",
            },
    },
    {
      // What one client has used up, the next would have to wait for.
      reads: [['limits'], ['timing', 'slicing']],
      check: ({ limits, timing }) => {
        const name = (['serverCpus', 'clientCpus'] as const).find(cpus => limits?.[cpus] !== undefined);
        return name === undefined || timing.slicing === 'whole'
          ? undefined
          : {
              path: ['limits', name],
              message:
                'clients that take turns every 100 ms would wait for CPU time that the others have used up',
              hint: "timing.slicing: 'whole', or no limit of CPU time",
            };
      },
    },
    {
      reads: [['expect'], ['link']],
      check: ({ expect, link }) =>
        link === undefined
          ? []
          : expect.flatMap(({ metric }, index) =>
              TIME_WAIT_METRICS.has(metric)
                ? {
                    path: ['expect', index, 'metric'],
                    message: 'the relay of the link stands between the two ends of a connection',
                    hint: 'no link, or another metric',
                  }
                : [],
            ),
    },
    {
      reads: [['expect'], ['target', 'url'], ['target', 'urls'], ['target', 'command']],
      check: ({ expect, target }) =>
        isBuiltIn(target)
          ? []
          : expect.flatMap(({ metric }, index) =>
              TIME_WAIT_METRICS.has(metric)
                ? {
                    path: ['expect', index, 'metric'],
                    message: "both ends of a connection can only be seen with conntax's own server",
                    hint: "conntax's own server, or another metric",
                  }
                : [],
            ),
    },
  ];
}
