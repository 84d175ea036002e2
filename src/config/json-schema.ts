import { z } from 'zod';
import { configSchema, nodeDefaults } from './schema.ts';
import { quantityPatterns } from './units.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/**
 * The configuration as a JSON Schema, for who checks a file before the agent reads it: the Helm chart. It knows all keys and how a value is written;
 * what the agent checks besides (two ports that are the same) it does not know.
 *
 * @param secretsBelong where a secret is to be instead, if there is to be none here
 */
export function configJsonSchema({ secretsBelong }: { readonly secretsBelong?: string } = {}): JsonSchema {
	const { $schema, ...whole } = z.toJSONSchema(configSchema(nodeDefaults), {
		target: 'draft-7',
		io: 'input',
		reused: 'inline',
		override({ jsonSchema }) {
			const { planned, secret, format, ...known } = jsonSchema as JsonSchema & { planned?: true; secret?: true };
			const quantity = quantityPatterns[format as keyof typeof quantityPatterns];
			const rest = quantity ? { ...known, ...quantity } : { ...known, ...(format && { format }) };
			for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
			Object.assign(jsonSchema, rest, planned && { description: `${known.description} No effect in this version.` });
			// So the mistake is told in these words.
			if (secret && secretsBelong) Object.assign(jsonSchema, { const: secretsBelong });
		},
	});
	// The agent understands aiAnalysis there too.
	const { analyzer, aiAnalysis } = whole.properties as Record<string, JsonSchema & { properties: object }>;
	Object.assign(analyzer?.properties ?? {}, { aiAnalysis });
	return whole;
}
