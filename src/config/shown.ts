import { stringify } from 'yaml';
import { type Field, fieldsOf, valueAt } from './fields.ts';
import { type Config, configSchema, nodeDefaults } from './schema.ts';
import { durationText, type FreeSpace, freeSpaceText, sizeText } from './units.ts';
import { withoutCredentials } from './wording.ts';

/** The configuration in force as YAML, as it would be written in a file; secrets are masked. */
export function shownConfig(config: Config): string {
	const shown: Record<string, unknown> = {};
	for (const field of fieldsOf(configSchema(nodeDefaults))) {
		const value = valueAt(config, field.path);
		if (value !== undefined && !field.isSection) put(shown, field.path, written(value, field));
	}
	return stringify(shown);
}

function written(value: unknown, { meta }: Field): unknown {
	if (meta.secret) return '********';
	switch (meta.format) {
		case 'duration':
			return durationText(value as number);
		case 'size':
			return sizeText(value as number);
		case 'share or size':
			return freeSpaceText(value as FreeSpace);
		default:
			return typeof value === 'string' ? withoutCredentials(value) : value;
	}
}

function put(into: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
	if (rest.length === 0) into[name] = value;
	else {
		into[name] ??= {};
		put(into[name] as Record<string, unknown>, rest, value);
	}
}
