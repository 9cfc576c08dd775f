// Serves the growing page of a run while it is measured; the browser swaps in each new version without a flash.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { endServer, listen } from './live-server.ts';

/** How long browsers get to fetch the last version before the server ends. */
const FAREWELL_MS = 3_000;

const STYLE = `
:root { color-scheme: light dark; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
p { margin: 0; padding: 0.4rem 1.5rem; font-size: 0.9rem; }
main { position: relative; height: calc(100vh - 2.3rem); }
iframe { position: absolute; inset: 0; width: 100%; height: 100%; border: 0; }
iframe.coming { visibility: hidden; }
`;

/** The next version is loaded behind the shown one, put to the same place, and then takes its place. */
const SCRIPT = `
'use strict';
const state = document.querySelector('p');
const main = document.querySelector('main');
const events = new EventSource('/events');
let shown;
function keepPlace(from, to) {
  const folds = [...from.document.querySelectorAll('details')];
  to.document.querySelectorAll('details').forEach((fold, index) => { if (folds.length > index) fold.open = folds[index].open; });
  to.scrollTo(0, from.scrollY);
}
function load(version, then) {
  const frame = document.createElement('iframe');
  frame.className = 'coming';
  frame.title = 'Report so far';
  frame.src = '/report.html?' + version;
  frame.addEventListener('load', () => {
    if (shown) keepPlace(shown.contentWindow, frame.contentWindow);
    frame.className = '';
    if (shown) shown.remove();
    shown = frame;
    then();
  });
  main.append(frame);
}
events.addEventListener('grown', event => load(event.data, () => { state.textContent = 'Still measuring. This page grows with each replicate.'; }));
events.addEventListener('final', event => load(event.data, () => {
  state.textContent = 'The run is over. This is the page as it is stored.';
  document.title = shown.contentDocument.title;
  events.close();
}));
events.addEventListener('nothing', () => { state.textContent = 'The run ended before anything was measured.'; events.close(); });
events.addEventListener('error', () => { if (state.textContent.startsWith('Still')) state.textContent = 'The run ended: what was measured until then is shown.'; events.close(); });
`;

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

const SHELL = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>conntax: measuring</title><style>${STYLE}</style></head>
<body><p role="status">Measuring. The page appears after the first replicate.</p><main></main><script>${SCRIPT}</script></body></html>
`;

const SHELL_POLICY = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(SCRIPT)}`,
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A version of the page, or the news that there is none. */
type News = 'grown' | 'final' | 'nothing';

/** The page of a run while it is measured. All it does happens between replicates. */
export class LivePage {
  readonly #server: Server;
  readonly #host: string;
  readonly #watching = new Set<ServerResponse>();
  #page: string | undefined;
  #version = 0;
  #news: News | undefined;

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.#host = host;
    server.on('request', (request, response) => this.#answer(request, response));
  }

  /** Listens on a free port of 127.0.0.1. @throws MeasureError when it cannot */
  static async open(): Promise<LivePage> {
    const server = createServer();
    return new LivePage(server, await listen(server, 0, 'ui-port', 'cannot listen on 127.0.0.1 for --ui'));
  }

  get url(): string {
    return `http://${this.#host}/`;
  }

  /** Shows a new version. */
  grow(page: string): void {
    this.#publish('grown', page);
  }

  /** Shows the last version, waits until every browser has it, and ends. Without one, nothing was measured. */
  async finish(page: string | undefined): Promise<void> {
    this.#publish(page === undefined ? 'nothing' : 'final', page);
    // A browser closes its stream once it shows the last version.
    const farewells = [...this.#watching].map(response => once(response, 'close'));
    const patience = new AbortController();
    const { signal } = patience;
    await Promise.race([Promise.all(farewells), delay(FAREWELL_MS, undefined, { signal })]);
    patience.abort();
    await this.close();
  }

  /** Ends at once. */
  close(): Promise<void> {
    return endServer(this.#server);
  }

  #publish(news: News, page: string | undefined): void {
    this.#news = news;
    this.#page = page;
    this.#version++;
    for (const response of this.#watching) response.write(this.#message());
  }

  #message(): string {
    return this.#news === undefined ? '' : `event: ${this.#news}\ndata: ${this.#version}\n\n`;
  }

  #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    // A name that someone else's DNS points here must not read the report.
    if (headers.host !== this.#host) {
      response.writeHead(403).end('Only for the address that conntax printed\n');
      return;
    }
    const path = url.replace(/\?.*/, '');
    const type = 'text/html; charset=utf-8';
    if (path === '/')
      response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': SHELL_POLICY }).end(SHELL);
    else if (path === '/events') this.#watch(response);
    else if (path === '/report.html' && this.#page !== undefined)
      response
        .writeHead(200, {
          'Content-Type': type,
          'Cache-Control': 'no-store',
          'Content-Security-Policy': "frame-ancestors 'self'",
        })
        .end(this.#page);
    else response.writeHead(404).end('Nothing here yet: the page is at /\n');
  }

  #watch(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(`retry: 86400000\n\n${this.#message()}`);
    this.#watching.add(response);
    response.on('close', () => this.#watching.delete(response));
  }
}
