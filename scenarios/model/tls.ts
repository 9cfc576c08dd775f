// Whether connections to a target are encrypted.
import { externalUrls } from './origins.ts';
import type { Target } from './target.ts';

/** Whether connections to the target are encrypted. */
export function usesTls(target: Pick<Target, 'url' | 'urls' | 'tls'>): boolean {
  // Several have the same scheme (bench/plan/rules/origins.ts).
  const [url] = externalUrls(target);
  return url === undefined ? target.tls !== 'none' : new URL(url).protocol === 'https:';
}
