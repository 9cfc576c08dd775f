// Shows the progress of a run: three live lines on a terminal, plain lines elsewhere.
import { createLogUpdate } from 'log-update';
import stringWidth from 'string-width';
import type { RunEvent } from '../run/context.ts';
import type { Output } from './context.ts';
import { LiveView } from './live-view.ts';
import { hasColourOn } from './output.ts';
import { lastingLine, progressLine } from './progress-lines.ts';

export interface Progress {
  show(event: RunEvent): void;
  /** A line that stays. */
  say(text: string): void;
  /** Clears the live lines. */
  end(): void;
}

export function createProgress(output: Output): Progress {
  return output.isTty ? createLiveProgress(output, process.stderr) : createPlainProgress(output);
}

/** One permanent line when each phase under load begins. */
function createPlainProgress(output: Output): Progress {
  let shownPhase = '';
  return {
    say: output.note,
    show(event) {
      const lasting = lastingLine(event);
      if (lasting !== undefined) output.note(lasting);
      if (event.type !== 'progress' || event.phase === 'start' || event.phase === 'finish') return;
      const phase = [event.cell, event.replicate, event.phase].join();
      if (phase !== shownPhase) output.note(`  ${progressLine(event)}`);
      shownPhase = phase;
    },
    end() {},
  };
}

/** Three lines that are drawn again at each event, below those that stay. */
function createLiveProgress(output: Output, stream: NodeJS.WriteStream): Progress {
  const living = createLogUpdate(stream);
  const view = new LiveView();
  let drawn: readonly string[] = [];
  let drawnColumns = stream.columns;

  function draw(): void {
    // A line as long as the terminal is wide would wrap in some terminals.
    const lines = view.lines(stream.columns - 1, hasColourOn(stream));
    if (stream.columns < drawnColumns) {
      living.clear();
      stream.write(eraseAbove(countWrapped(drawn, stream.columns)));
    }
    drawn = lines;
    drawnColumns = stream.columns;
    living(lines.join('\n'));
  }

  function say(text: string): void {
    living.clear(); // otherwise its next update would erase the line below it
    drawn = [];
    output.note(text);
  }

  return {
    say,
    show(event) {
      view.follow(event);
      const lasting = lastingLine(event);
      if (lasting !== undefined) say(lasting);
      else if (event.type === 'progress') draw();
    },
    end() {
      living.clear();
      living.done();
    },
  };
}

/** Rows that lines take beyond one each, in a terminal that has become narrower and has wrapped them. */
export function countWrapped(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(0, Math.ceil(stringWidth(line) / columns) - 1), 0);
}

function eraseAbove(rows: number): string {
  return rows === 0 ? '' : `\u001b[${rows}A\u001b[J`;
}
