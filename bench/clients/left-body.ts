// What clients say of bodies that they leave: that they cancel, or never read.
import type { Client } from '../../scenarios/model/client.ts';
import { leavesBody } from '../../scenarios/model/client-facts.ts';
import type { Refusal } from '../contracts.ts';

type Handled = Pick<Client, 'body'>;

/** What readers of the figures must know. */
export function bodyRemarks(client: Handled): string[] {
  return leavesBody(client)
    ? [
        `With body: '${client.body}' a response time ends at the response header, because the body is not read.`,
      ]
    : [];
}

/** For a client whose bodies cannot be left. @param why as a sentence */
export function leftBodyRefusals(client: Handled, why: string): Refusal[] {
  return leavesBody(client)
    ? [
        {
          path: 'body',
          message: why,
          hint: "body: 'read', or transport: undici, node-http or fetch over HTTP/1.1, one request at a time on a connection",
        },
      ]
    : [];
}
