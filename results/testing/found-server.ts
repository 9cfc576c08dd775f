// What the probe before a run finds of an unremarkable external server, for tests to vary.
import type { ForeignServer } from '../model/run.ts';

export const FOUND_SERVER: ForeignServer = {
  url: 'http://127.0.0.1/',
  address: '127.0.0.1',
  proxy: null,
  isLoopback: true,
  status: 200,
  httpVersion: '1.1',
  location: null,
  software: null,
  connectionHeader: null,
  keepAliveHeader: null,
  framing: 'length',
  interimStatuses: [],
  tlsVersion: null,
  isUnverified: false,
  alpn: null,
};
