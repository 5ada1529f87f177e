const INTEGER = /^[+-]?\d+N?$/;

/** Clojure reads hexadecimal integers, too. */
const HEXADECIMAL = /^(-?)(0[xX][\dA-Fa-f]+)N?$/;

/**
 * A number as text, which is the same for equal numbers; null for an integer with leading zeros, which EDN does not
 * allow.
 */
export function numberText(word: string): string | null {
  const plain = word.startsWith('+') ? word.slice(1) : word;
  if (INTEGER.test(plain)) {
    const text = plain.endsWith('N') ? plain.slice(0, -1) : plain;
    if (text === '-0') return '0';
    return /^-?0\d/.test(text) ? null : text;
  }
  const hexadecimal = HEXADECIMAL.exec(plain);
  if (hexadecimal !== null) {
    const size = BigInt(hexadecimal[2]!);
    return String(hexadecimal[1] === '' ? size : -size);
  }
  if (plain.includes('/')) return ratioText(plain);
  if (plain.endsWith('M')) return decimalText(plain.slice(0, -1));
  const number = Number(plain);
  if (!Number.isFinite(number)) return number > 0 ? '##Inf' : '##-Inf';
  // The sign of a zero does not count, and a double is never equal to an integer.
  const text = String(number === 0 ? 0 : number);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function ratioText(text: string): string {
  const [above, below] = text.split('/').map(BigInt) as [bigint, bigint];
  if (below === 0n) return text;
  const divisor = commonDivisor(above < 0n ? -above : above, below);
  return below === divisor ? String(above / divisor) : `${above / divisor}/${below / divisor}`;
}

function commonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

/** Maximum number of added zeros in a decimal. If it needs more, it is written with an exponent. */
const MOST_ZEROS = 40;

/** Text of a `BigDecimal`: 1.0M and 1.00M are equal, as with `=` of Clojure. */
function decimalText(text: string): string {
  const [, sign, whole, part = '', exponent = '0'] = /^(-?)(\d+)\.?(\d*)(?:[eE](.+))?$/.exec(text)!;
  const digits = `${whole}${part}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0M';
  const power = BigInt(exponent) - BigInt(part.length) + BigInt(digits.length - significant.length);
  if (power < -MOST_ZEROS || power > MOST_ZEROS) return `${sign}${significant}E${power}M`;
  if (power >= 0n) return `${sign}${significant}${'0'.repeat(Number(power))}M`;
  const padded = significant.padStart(1 - Number(power), '0');
  return `${sign}${padded.slice(0, Number(power))}.${padded.slice(Number(power))}M`;
}
