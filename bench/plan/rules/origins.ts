// Rules on a target of several origins: which servers can be several, what leads to one of them only, and how many requests a table can show.

import { countBackends, isExternal, MOST_ORIGINS, type Target } from '../../../scenarios/model/target.ts';
import { externalUrls, originCount } from '../../../scenarios/model/target-facts.ts';
import type { Path } from '../problems.ts';
import { type Finding, forEachArm, type Rule, type RuleContext } from './rule.ts';

/** Where a scenario states an external server. */
export function pathOfUrl({ urls }: Pick<Target, 'urls'>, index: number): Path {
  if (urls === undefined) return ['target', 'url'];
  return ['target', 'urls', index, ...(typeof urls[index] === 'string' ? [] : ['url'])];
}

function originsPath(target: Target): Path {
  return ['target', isExternal(target) ? 'urls' : 'origins'];
}

/** Ways to a server that lead to a single one. */
const ONE_WAY = {
  serverName: 'one name cannot be that of several servers',
  socketPath: 'a Unix socket leads to one server',
  proxy: 'connections to a proxy do not show which server they are for',
} as const;

/** What the several servers of target.urls have in common, and what they must not. */
function urlsFindings(target: Target): Finding[] {
  const urls = externalUrls(target).map(url => new URL(url));
  return urls.flatMap((url, index) => {
    const path = pathOfUrl(target, index);
    const twin = urls.findIndex(other => other.origin === url.origin);
    if (url.protocol !== urls[0]!.protocol) {
      return {
        path,
        message: `a scenario is measured with TLS or without, and the first URL is ${urls[0]!.protocol.slice(0, -1)}`,
        hint: 'https in each, or http in each',
      };
    }
    if (twin === index) return [];
    return {
      path,
      message: `${url.origin} is also the server of target.urls.${twin}, so it is no further origin`,
      hint: 'one URL per server; several paths of one server are requests, and its share is a weight',
    };
  });
}

function urlsRules(): Rule[] {
  return [
    {
      reads: [
        ['target', 'url'],
        ['target', 'urls'],
      ],
      check: ({ target: { url, urls } }) =>
        url === undefined || urls === undefined
          ? undefined
          : {
              path: ['target', 'urls'],
              message: 'url names one external server, urls names several',
              hint: 'only one of them',
            },
    },
    {
      reads: [['target', 'urls']],
      check: ({ target }) => (target.urls === undefined ? [] : urlsFindings(target)),
    },
    ...Object.entries(ONE_WAY).map(([setting, message]) => ({
      reads: [
        ['target', 'urls'],
        ['target', setting],
      ],
      check: ({ target }: { target: Target }) =>
        target.urls === undefined || target[setting as keyof typeof ONE_WAY] === undefined
          ? undefined
          : { path: ['target', setting], message, hint: `no ${setting}, or a single url` },
    })),
  ];
}

export function originRules(context: RuleContext): Rule[] {
  return [
    ...urlsRules(),
    {
      reads: [['link'], ['target', 'origins']],
      check: ({ link, target }) =>
        link === undefined || originCount(target) === 1 || isExternal(target)
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
        countBackends(target) === 1 || originCount(target) === 1 || isExternal(target)
          ? undefined
          : {
              path: ['target', 'backends'],
              message: 'several backends stand behind one origin, which spreads the connections over them',
              hint: 'no backends, or target.origins: 1',
            },
    },
    {
      reads: [['requests'], ['target', 'origins'], ['target', 'urls']],
      check: ({ requests = [], target }) =>
        Math.max(1, requests.length) * originCount(target) <= MOST_ORIGINS
          ? undefined
          : {
              path: originsPath(target),
              message: `${requests.length} requests to ${originCount(target)} origins are too many to be told apart`,
              hint: `at most ${MOST_ORIGINS}, requests times origins`,
            },
    },
    ...forEachArm(
      context,
      arm => [
        ['clients', arm, 'pool', 'tlsSessions'],
        ['target', 'origins'],
        ['target', 'urls'],
      ],
      (arm, { pool }, { target }) =>
        pool.tlsSessions !== 'pinned' || originCount(target) === 1
          ? undefined
          : {
              path: ['clients', arm, 'pool', 'tlsSessions'],
              message: 'one session is held, which is that of a single server',
              hint: "'library' or 'none', or a target with one origin",
            },
    ),
  ];
}
