import { z } from 'zod';
import { file } from './file-schema.ts';

/**
 * The JSON Schema of scenario files, for editors (`chaos schema`); `scenarios/schema/scenario.v1.json` is
 * this, written down.
 */
export function jsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(file, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
  return { ...schema, title: 'chaos scenario, v1' };
}
