// The libraries whose settings are known, and those of them that code can be written for.
import type { Library, WritableLibrary } from '../library.ts';
import { apacheHttpClient, dotnet, go, java } from './compiled.ts';
import { axios, got, nodeHttp, undici } from './node.ts';
import { curl, envoy, libcurl, nginx } from './proxies.ts';
import { httpx, pythonRequests } from './python.ts';

const withCode = {
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
};

/** What code can be written for, by the names of `conntax settings --for`. */
export const writers = { ...withCode, nginx } satisfies Record<string, WritableLibrary>;

export type WriterName = keyof typeof writers;

/** In the order in which docs/settings.md shows them. */
export const libraries = { ...withCode, libcurl, nginx, envoy } satisfies Record<string, Library>;
