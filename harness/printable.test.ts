import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableJson, printableLine } from './printable.ts';

/** Everything that a terminal obeys or that changes how a line reads; line feeds and tabs are left out. */
const OBEYED = /[\p{Cc}\p{Cs}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/u;

describe('text that is printed', () => {
  it('shows escape sequences, C1 controls and directional overrides as pictures instead of sending them', () => {
    expect(printable('a\u001B[31mb\u001B]0;t\u0007c\u009B2Jd\u202Ee\u007F')).toBe(
      'a␛[31mb␛]0;t␇c⟨U+009B⟩2Jd⟨U+202E⟩e␡',
    );
  });
  it('keeps tabs and line feeds; a carriage return could overwrite the line, so that it is shown', () => {
    expect(printable('a\tb\r\nc\rd')).toBe('a\tb\nc␍d');
    expect(printableLine('a\nb')).toBe('a␊b');
  });
  it('has no character that a terminal obeys, whatever it was made from, and is not changed a second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = printable(text);
        expect(once.replaceAll(/[\t\n]/g, '')).not.toMatch(OBEYED);
        expect(printable(once)).toBe(once);
      }),
    );
  });
  it('is the same value when it is JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = printableJson(JSON.stringify({ text }));
        expect(json).not.toMatch(OBEYED);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});
