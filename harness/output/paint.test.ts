import { fc } from '../../test/support/arbitrary.ts';
import { describe, expect, test } from 'vitest';
import { ASCII, cellsOf, clean, fit, frame, lineCells, plainText, sgr, span, UNICODE } from './paint.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('読み取り', '\u001b[31mred\u001b[0m', 'a\nb', '👩‍👩‍👧', 'é', '\u202egnp'),
);
const line = fc.array(
  text.map((value) => span(value, { color: 'red' })),
  { maxLength: 4 },
);

describe('a line', () => {
  test('has exactly the requested width for any content', () => {
    fc.assert(
      fc.property(
        line,
        fc.integer({ min: 0, max: 50 }),
        fc.constantFrom(UNICODE, ASCII),
        (spans, width, glyphs) => {
          expect(lineCells(fit(spans, width, glyphs))).toBe(width);
        },
      ),
    );
  });

  test('a line that is cut ends with an ellipsis', () => {
    expect(plainText(fit([span('isolate leader')], 8, UNICODE))).toBe('isolate…');
    expect(plainText(fit([span('isolate'), span(' leader')], 7, UNICODE))).toBe('isolat…');
    expect(plainText(fit([span('isolate'), span('')], 7, ASCII))).toBe('isolate');
    expect(plainText(fit([span('読み取り')], 6, UNICODE))).toBe('読み …');
  });

  test('passes no control sequence of a foreign text to the terminal', () => {
    fc.assert(
      fc.property(text, (value) => {
        // eslint-disable-next-line no-control-regex
        expect(clean(value, UNICODE)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
        expect(clean(value, ASCII)).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
    expect(clean('\u001b[2J\u001b]0;title\u0007gone', UNICODE)).toBe('gone');
  });

  test('has the same text without colour', () => {
    const styled = [span('LEADER', { bold: true, color: 'green' }), span(' 7', { dim: true })];
    expect(sgr(styled, false)).toBe('LEADER 7');
    expect(sgr(styled, true)).toBe('\u001b[1;32mLEADER\u001b[0m\u001b[2m 7\u001b[0m');
  });
});

test('wide characters take two cells, all other characters one', () => {
  expect(cellsOf('abc')).toBe(3);
  expect(cellsOf('読む')).toBe(4);
  expect(cellsOf('±·…│⣿')).toBe(5);
  expect(cellsOf('🔥')).toBe(2);
});

test('a frame has exactly the requested size for any content', () => {
  fc.assert(
    fc.property(
      line,
      fc.array(line, { maxLength: 6 }),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 0, max: 6 }),
      (title, lines, width, height) => {
        const drawn = frame({ title, lines, width, height, glyphs: UNICODE });
        expect(drawn.map(lineCells)).toEqual(Array.from({ length: height }, () => width));
      },
    ),
  );
});
