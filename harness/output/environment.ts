import { ASCII, UNICODE, type Glyphs } from './paint.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * NO_COLOR (any non-empty value) turns colours off; FORCE_COLOR (except `0` or `false`) turns them on again. Other
 * programs follow the same rules.
 */
export function wantsColor(env: Env): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** ASCII if the locale is not UTF-8 (`LANG=C`), and on the Linux console, whose font has no braille. */
export function glyphsFor(env: Env): Glyphs {
  if (env['TERM'] === 'linux') return ASCII;
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  // Containers start without a locale, but their terminals are UTF-8.
  return locale === undefined || /utf-?8/i.test(locale) ? UNICODE : ASCII;
}
