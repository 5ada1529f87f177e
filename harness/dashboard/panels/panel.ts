import type { Glyphs, Line } from '../../output/paint.ts';
import type { DashboardState } from '../state.ts';
import type { UiState } from '../ui.ts';

/** All data that a panel is drawn from. */
export interface Scene {
  readonly state: DashboardState;
  readonly ui: UiState;
  /**
   * Time since the run began, in ms, by the local clock. It advances even without events, so that panels can mark old
   * data.
   */
  readonly now: number;
  /** The local clock in ms; it decides when toasts disappear. */
  readonly clock: number;
  readonly glyphs: Glyphs;
  readonly watchOnly: boolean;
  readonly canDump: boolean;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Draws exactly `size.height` lines of exactly `size.width` cells. */
export type Panel = (scene: Scene, size: Size) => readonly Line[];

/** Data older than this is dimmed and marked `~`. Nodes report at least every 500 ms. */
export const STALE_MS = 1_000;
