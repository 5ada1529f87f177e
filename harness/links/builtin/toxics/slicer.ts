import type { Chunk, Stage } from '../stage.ts';
import type { ToxicType } from './toxic.ts';

/**
 * Splits chunks into pieces of about `average_size` ± `size_variation` bytes, each followed by a pause of `delay` µs.
 * Timers have a resolution of one millisecond, so shorter delays are added up until they reach it.
 */
export const slicer: ToxicType = {
  struct: 'SlicerToxic',
  fields: { average_size: 'int', size_variation: 'int', delay: 'int' },
  capacity: 1,
  begin: (attributes) => {
    let pieces: Buffer[] = [];
    let at = 0;
    let owedMs = 0;

    const send = (stage: Stage): void => {
      for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
        stage.emit({ data: piece, at });
        owedMs += attributes['delay']! / 1_000;
        if (owedMs < 1) continue;
        const started = performance.now();
        stage.wait(owedMs, () => {
          owedMs -= performance.now() - started;
          send(stage);
        });
        return;
      }
    };

    return {
      take(stage, chunk) {
        pieces = slice(chunk, attributes['average_size']!, attributes['size_variation']!);
        at = chunk.at;
        send(stage);
      },
      interrupt(stage) {
        for (const data of pieces.splice(0)) stage.emit({ data, at });
      },
    };
  },
};

/** Halves the chunk, with a random shift of the middle, until every piece is small enough. */
function slice({ data }: Chunk, averageBytes: number, variationBytes: number): Buffer[] {
  const average = Math.max(1, averageBytes);
  const variation = Math.max(0, variationBytes);
  const pieces: Buffer[] = [];
  const cut = (start: number, end: number): void => {
    if (end - start <= average + variation) {
      if (end > start) pieces.push(data.subarray(start, end));
      return;
    }
    const shift = variation > 0 ? Math.floor(Math.random() * variation * 2) - variation : 0;
    const middle = start + Math.floor((end - start) / 2) + shift;
    // If the variation is larger than the average (which the documentation forbids), the middle may be outside the
    // piece.
    const within = Math.min(Math.max(middle, start + 1), end - 1);
    cut(start, within);
    cut(within, end);
  };
  cut(0, data.length);
  return pieces;
}
