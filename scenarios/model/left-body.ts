// Whether a client reads the bodies of its responses.
import type { Client } from './client.ts';

/** Whether an exchange ends with the response header, because nobody reads the body. */
export function leavesBody({ body }: Pick<Client, 'body'>): boolean {
  return body === 'cancel' || body === 'ignore';
}
