import { z } from 'zod';
import { EXTENSION, file } from './file-schema.ts';

/**
 * The JSON Schema of scenario files, for editors (`chaos schema`). `scenarios/schema/scenario.v1.json` is its output.
 */
export function jsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(file, {
    io: 'input',
    unrepresentable: 'any',
    // Every map is strict; zod sees a check of unknown keys that it cannot represent.
    override: ({ jsonSchema: map }) => {
      if (map.type === 'object') map.additionalProperties = false;
    },
  }) as Record<string, unknown>;
  return { ...schema, patternProperties: { [EXTENSION.source]: {} }, title: 'chaos scenario, v1' };
}
