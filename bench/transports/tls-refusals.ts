// In: an arm's settings and its target. Out: why TLS sessions can't be had there, whatever the client.
import type { Client } from '../../scenarios/model/client.ts';
import type { Refusal } from '../contracts.ts';
import { type Target, usesTls } from '../../scenarios/model/target.ts';

export function plainSessionRefusals({ pool }: Client, target: Target): Refusal[] {
  if (pool.tlsSessions === undefined || usesTls(target)) return [];
  return [
    {
      path: 'pool.tlsSessions',
      message: 'there are no TLS sessions on a plain connection',
      hint: "leave it out, or set target.tls to '1.2' or '1.3' (https, where the target has a url)",
    },
  ];
}
