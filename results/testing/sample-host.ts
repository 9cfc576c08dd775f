// The machine of a sample run.
import type { Host } from '../model/run.ts';

export const sampleHost: Host = {
  hostname: 'bench-1',
  platform: 'linux x64',
  kernel: '6.18.5',
  cpuModel: 'AMD EPYC 7B13',
  cpuCount: 2,
  memoryBytes: 8_589_934_592,
  loadAverage: [0.31, 0.22, 0.18],
  node: '26.10.0',
  v8: '14.6.202.9-node.12',
  openssl: '3.5.4',
  packages: { undici: '8.12.4', fastify: '5.12.8', 'hdr-histogram-js': '3.0.1', autocannon: '9.0.0' },
  descriptorLimit: 1_048_576,
  ephemeralPorts: { low: 32_768, high: 60_999 },
  tcpTwReuse: 2,
  pinning: { targetCpu: 0, generatorCpu: 1 },
  pinningDetail: 'target on core 0, generator on core 1, by taskset',
};
