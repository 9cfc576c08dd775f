// Whether connections to a target are encrypted.
import type { Target } from './target.ts';

/** Whether connections to the target are encrypted. */
export function usesTls({ url, tls }: Pick<Target, 'url' | 'tls'>): boolean {
  return url === undefined ? tls !== 'none' : new URL(url).protocol === 'https:';
}
