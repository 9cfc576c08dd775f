// Rules on a target of several origins: what leads to one of them only, and how many requests a table can show.
import { originCount } from '../../../scenarios/model/origins.ts';
import { countBackends, MOST_ORIGINS } from '../../../scenarios/model/target.ts';
import type { Rule } from './rule.ts';

export function originRules(): Rule[] {
  return [
    {
      reads: [['link'], ['target', 'origins']],
      check: ({ link, target }) =>
        link === undefined || originCount(target) === 1
          ? undefined
          : {
              path: ['link'],
              message: 'the relay of a link leads to one origin only',
              hint: 'no link, or target.origins: 1',
            },
    },
    {
      reads: [['target']],
      check: ({ target }) =>
        countBackends(target) === 1 || originCount(target) === 1
          ? undefined
          : {
              path: ['target', 'backends'],
              message: 'several backends stand behind one origin, which spreads the connections over them',
              hint: 'no backends, or target.origins: 1',
            },
    },
    {
      reads: [['requests'], ['target', 'origins']],
      check: ({ requests = [], target }) =>
        Math.max(1, requests.length) * originCount(target) <= MOST_ORIGINS
          ? undefined
          : {
              path: ['target', 'origins'],
              message: `${requests.length} requests to ${originCount(target)} origins are too many to be told apart`,
              hint: `at most ${MOST_ORIGINS}, requests times origins`,
            },
    },
  ];
}
