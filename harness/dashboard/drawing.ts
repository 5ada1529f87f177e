import { render, type Instance } from 'ink';
import { createElement } from 'react';
import type { Scene } from './panels/panel.ts';
import type { KeyPress } from './press.ts';
import { App } from './view.ts';

export interface DrawingOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly color: boolean;
  readonly maxFps: number;
  readonly scene: () => Scene;
  readonly onKey: (key: KeyPress) => void;
  /** Called after drawing has ended with an error and Ink has restored the terminal. */
  readonly onFailure: (error: unknown) => void;
}

/** Opens Ink on the alternate screen; each `draw` shows the current `scene()`. Loaded only if a dashboard is used. */
export function openDrawing(options: DrawingOptions): { draw(): void; close(): Promise<void> } {
  const { stdin, stdout, color, maxFps, scene, onKey, onFailure } = options;
  const element = (): ReturnType<typeof createElement> =>
    createElement(App, { scene: scene(), color, onKey: stdin.isTTY ? onKey : null });
  const instance = opened(stdout, () =>
    render(element(), {
      stdin,
      stdout,
      interactive: true,
      alternateScreen: true,
      incrementalRendering: true,
      maxFps,
      exitOnCtrlC: false,
      patchConsole: true,
    }),
  );
  let open = true;
  const exited = instance.waitUntilExit().then(
    () => {
      open = false;
    },
    (error: unknown) => {
      open = false;
      onFailure(error);
    },
  );
  return {
    draw: () => {
      if (open) instance.rerender(element());
    },
    close: async () => {
      if (open) instance.unmount();
      open = false;
      await exited;
    },
  };
}

const LEAVE_ALTERNATE_SCREEN = '\u001b[?1049l';
const SHOW_CURSOR = '\u001b[?25h';

/** If Ink fails while it opens, it has already switched to the alternate screen and does not switch back. */
function opened(stdout: NodeJS.WriteStream, open: () => Instance): Instance {
  try {
    return open();
  } catch (error) {
    stdout.write(LEAVE_ALTERNATE_SCREEN + SHOW_CURSOR);
    throw error;
  }
}
