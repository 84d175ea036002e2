import { expect, test } from 'vitest';
import { fieldsOf } from '../../src/config/fields.ts';
import { configurationReference } from '../../src/config/reference.ts';
import { configSchema, nodeDefaults } from '../../src/config/schema.ts';

const fields = [...fieldsOf(configSchema(nodeDefaults))];

test('every section and key is described by a sentence', () => {
	expect(fields.filter(({ meta }) => !meta.description).map(({ path }) => path.join('.'))).toEqual([]);
});

test('every section is on the page, with its keys', () => {
	const page = configurationReference();
	for (const { path, isSection } of fields) expect(page).toMatch(isSection ? `\n## ${path.join('.')}\n` : `\n| ${path.at(-1)} | `);
});

test('what has no effect in this version is marked, and nothing else', () => {
	const planned = fields.filter(
		({ meta, path }) => meta.planned && !fields.some((outer) => isInside(path, outer.path) && outer.meta.planned),
	);
	expect(planned.map(({ path }) => path.join('.'))).toEqual(['monitor.alerting']);
	expect(configurationReference().match(/no effect in this version|without effect in this version/g)).toHaveLength(planned.length);
});

const isInside = (path: readonly string[], outer: readonly string[]) =>
	path.length > outer.length && outer.every((part, index) => path[index] === part);
