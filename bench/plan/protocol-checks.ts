// In: a scenario whose fields are each valid. Out: what is wrong with its protocols and its TLS taken together.
import { usesTls } from '../../scenarios/model/target.ts';
import type { CrossContext, CrossProblem } from './rules.ts';
import { valueAt } from './schema-hints.ts';

const TLS_HINT = "tls: '1.3' or '1.2'";

/** A problem of one setting of the target, which other settings of the target make. */
function targetProblem(
  setting: string,
  others: readonly string[],
  message: string,
  hint: string,
): CrossProblem {
  const path = ['target', setting];
  return { path, about: [path, ...others.map(other => ['target', other])], message, hint };
}

function checkTarget({ scenario: { target }, raw }: CrossContext): CrossProblem[] {
  const isGiven = (setting: string) => valueAt(raw, ['target', setting]) !== undefined;
  const isHttp2 = target.protocol === 'h2';
  const problems: CrossProblem[] = [];
  if (isHttp2 && target.url === undefined && !usesTls(target)) {
    problems.push(
      targetProblem(
        'protocol',
        ['tls', 'url'],
        'HTTP/2 is offered within the TLS handshake; without TLS neither browsers nor undici speak it',
        `${TLS_HINT}, or protocol: 'http1'`,
      ),
    );
  }
  if (!isHttp2 && isGiven('maxConcurrentStreams')) {
    problems.push(
      targetProblem(
        'maxConcurrentStreams',
        ['protocol'],
        'a connection of HTTP/1.1 has no streams',
        "leave it out, or protocol: 'h2'",
      ),
    );
  }
  if (!usesTls(target) && isGiven('tlsKey')) {
    problems.push(
      targetProblem('tlsKey', ['tls', 'url'], 'without TLS there is no key', `leave it out, or ${TLS_HINT}`),
    );
  }
  if (isHttp2 && target.connectionClose) {
    problems.push(
      targetProblem('connectionClose', ['protocol'], 'HTTP/2 has no Connection header', "protocol: 'http1'"),
    );
  }
  if (isHttp2 && (target.maxRequestsPerSocket ?? 0) > 0 && target.url === undefined) {
    problems.push(
      targetProblem(
        'maxRequestsPerSocket',
        ['protocol', 'url'],
        'a server can only announce that an HTTP/2 connection ends, while more of its streams are on their way: no count of requests would be kept',
        "leave it out, or protocol: 'http1'",
      ),
    );
  }
  return problems;
}

function checkClients({ scenario: { target, clients } }: CrossContext): CrossProblem[] {
  if (target.protocol === 'h2') return [];
  return Object.entries(clients)
    .filter(([, client]) => client.protocol === 'h2')
    .map(([arm]) => {
      const path = ['clients', arm, 'protocol'];
      return {
        path,
        about: [path, ['target', 'protocol']],
        message: 'the target does not offer HTTP/2',
        hint: "protocol: 'http1', or protocol: 'h2' and tls in target",
      };
    });
}

/** Every such problem. */
export function protocolProblems(context: CrossContext): CrossProblem[] {
  return [...checkTarget(context), ...checkClients(context)];
}
