import { isDeepStrictEqual } from 'node:util';
import { fieldsOf, valueAt } from './fields.ts';
import { type Config, configSchema, nodeDefaults } from './schema.ts';

/** The names of the keys that differ, such as `collector.coredumpPath`, in the order of the reference page. */
export function changedKeys(before: Config, after: Config): string[] {
	return [...fieldsOf(configSchema(nodeDefaults))]
		.filter(({ path, isSection }) => !isSection && !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)))
		.map(({ path }) => path.join('.'));
}
