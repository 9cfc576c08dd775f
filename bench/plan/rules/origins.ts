// Rules on a target of several origins: what leads to one of them only, and how many requests a table can show.
import { originCount } from '../../../scenarios/model/origins.ts';
import { MOST_ORIGINS } from '../../../scenarios/model/target.ts';
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
