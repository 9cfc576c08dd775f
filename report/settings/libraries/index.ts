// The table of settings: every library, in the order in which docs/settings.md shows them.
import type { Library } from '../table.ts';
import { apacheHttpClient, dotnet, go, httpx, java, pythonRequests } from './languages.ts';
import { axios, got, nodeHttp, undici } from './node.ts';
import { curl, envoy, libcurl, nginx } from './proxies.ts';

export const libraries = {
  undici,
  'node-http': nodeHttp,
  axios,
  got,
  go,
  java,
  'apache-httpclient': apacheHttpClient,
  'python-requests': pythonRequests,
  httpx,
  dotnet,
  curl,
  libcurl,
  nginx,
  envoy,
} as const satisfies Record<string, Library>;

export type LibraryName = keyof typeof libraries;
