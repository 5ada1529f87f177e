/**
 * Renders a step as one line of YAML in flow style. `run.scenario.yaml` has this line, and a person who injects a step
 * by hand is shown the same line.
 */
export function stepLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stepLine).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{${entries.map(([key, item]) => `${key}: ${stepLine(item)}`).join(', ')}}`;
  }
  if (typeof value !== 'string') return JSON.stringify(value);
  return isPlain(value) ? value : JSON.stringify(value);
}

/** Whether YAML reads the text back as this text without quotes. */
const isPlain = (text: string): boolean =>
  /^[A-Za-z$][\w$.()>/-]*$|^\d[\d.]*[A-Za-z][A-Za-z/]*$/.test(text) &&
  !/^(true|false|null|yes|no|on|off)$/i.test(text);
