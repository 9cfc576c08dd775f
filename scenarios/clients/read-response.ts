// One GET by node:http, its body read to the end: what the client modules of this folder share.
import http from 'node:http';

export function readResponse(
  url: string,
  options: http.RequestOptions,
): Promise<{ status: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, options, response => {
      let bytes = 0;
      response.on('data', (piece: Buffer) => {
        bytes += piece.length;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes }));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
