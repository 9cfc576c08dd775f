// In: a server of HTTP/2, and how long an idle connection may stay. Out: its sessions, closed once idle for so long.
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server } from 'node:net';

/**
 * Closes each session of the server that has had no request under way for `keepAliveTimeoutMs`, with a GOAWAY, as the
 * HTTP/1.1 side of Node does with idle connections; 0 means never. Node's own session timeout is not this: it also runs
 * while a request waits for its answer, and any ping puts it off.
 */
export function closeIdleSessions(server: Server, keepAliveTimeoutMs: number): void {
  if (keepAliveTimeoutMs === 0) return;
  server.on('session', (session: ServerHttp2Session) => {
    let underWay = 0;
    const timer = setTimeout(() => {
      if (underWay === 0) session.close();
    }, keepAliveTimeoutMs);
    session.on('stream', (stream: ServerHttp2Stream) => {
      underWay++;
      stream.once('close', () => {
        underWay--;
        if (underWay === 0 && !session.closed) timer.refresh();
      });
    });
    session.once('close', () => clearTimeout(timer));
  });
}
