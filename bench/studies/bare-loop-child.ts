// The plainest loop over undici, with a counter and nothing else: what the generator is compared with.
import { type Dispatcher, Pool } from 'undici';
import { mostInFlight } from '../../scenarios/model/load.ts';
import { readProcess } from '../../servers/process.ts';
import { PROTOCOL_VERSION } from '../../servers/protocol.ts';
import type { GeneratorCommand, GeneratorReply } from '../protocol.ts';

type Loop = (isRunning: () => boolean, onAnswer: () => void, onRest: () => void) => void;

function requestLoop(pool: Pool): Loop {
  const options: Dispatcher.RequestOptions = { path: '/', method: 'GET' };
  return (isRunning, onAnswer, onRest) => {
    const send = (): void => {
      pool
        .request(options)
        .then(({ body }) => body.bytes())
        .then(() => {
          onAnswer();
          if (isRunning()) send();
          else onRest();
        }, fail);
    };
    send();
  };
}

function dispatchLoop(pool: Pool): Loop {
  const options: Dispatcher.DispatchOptions = { path: '/', method: 'GET' };
  return (isRunning, onAnswer, onRest) => {
    const next = (): void => {
      if (isRunning()) pool.dispatch(options, handler);
      else onRest();
    };
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd() {
        onAnswer();
        setImmediate(next);
      },
      onResponseError: (_controller, error) => fail(error),
    };
    next();
  };
}

function fail(error: unknown): never {
  throw error;
}

function reply(message: GeneratorReply): void {
  process.send?.(message);
}

let runSlice: (lengthMs: number) => Promise<number>;

function prepare({ trial, endpoint }: Extract<GeneratorCommand, { type: 'prepare' }>): void {
  const pool = new Pool(endpoint.origin, { connections: mostInFlight(trial.load), allowH2: false });
  const loop = trial.client.api === 'dispatch' ? dispatchLoop(pool) : requestLoop(pool);
  runSlice = lengthMs =>
    new Promise(resolve => {
      let isRunning = true;
      let answered = 0;
      let busy = mostInFlight(trial.load);
      const isStillRunning = (): boolean => isRunning;
      const onAnswer = (): void => {
        answered++;
      };
      const onRest = (): void => {
        if (--busy === 0) resolve(answered);
      };
      for (let user = 0; user < mostInFlight(trial.load); user++) loop(isStillRunning, onAnswer, onRest);
      setTimeout(() => {
        isRunning = false;
      }, lengthMs);
    });
}

process.on('disconnect', () => process.exit());
process.on('message', async (command: GeneratorCommand) => {
  if (command.type === 'prepare') {
    prepare(command);
    reply({ type: 'ready', protocol: PROTOCOL_VERSION, dropsInFlight: false, hasUsers: false });
  } else if (command.type === 'slice') {
    const { rampMs, windowMs } = command.order;
    const before = readProcess();
    const exchanges = await runSlice(rampMs + windowMs);
    const after = readProcess();
    const none = {
      atMs: 0,
      failed: 0,
      censored: 0,
      ended: null,
      userMs: null,
      meanUs: 0,
      longestMs: 0,
      opened: 0,
      p50Us: null,
      p99Us: null,
      connectUs: null,
      tlsUs: null,
    };
    reply({ type: 'slice', reading: { ...none, windowMs, completed: exchanges, exchanges, before, after } });
  }
});
