// What the templates of the Helm chart are filled with besides values: rights and defaults, as the agent itself has them.
import { stringify } from 'yaml';
import { fieldsOf } from '../../src/config/fields.ts';
import { configSchema, nodeDefaults } from '../../src/config/schema.ts';
import { controllerRights, nodeAgentRights, type Right } from '../../src/domain/rights.ts';

/** The rules of the roles, with their reasons. */
export function rightsFile(): string {
	const rules = (rights: readonly Right[]) =>
		rights.map(({ purpose, group, resource, names, verbs }) => ({
			purpose,
			rule: { apiGroups: [group], resources: [resource], ...(names && { resourceNames: names }), verbs },
		}));
	const ofOwn = ({ isOfOwn }: Right) => isOfOwn === true;
	return file('src/domain/rights.ts', {
		nodeAgent: rules(nodeAgentRights),
		controller: rules(controllerRights.filter((right) => !ofOwn(right))),
		controllerInOwnNamespace: rules(controllerRights.filter(ofOwn)),
	});
}

/** What holds where the configuration says nothing: some of it decides what the pods look like. */
export function defaultsFile(): string {
	const defaults: Record<string, unknown> = {};
	for (const { path, meta } of fieldsOf(configSchema(nodeDefaults))) {
		if (meta.default === undefined || path.length !== 2) continue;
		const [section = '', key = ''] = path;
		defaults[section] = { ...(defaults[section] as object | undefined), [key]: meta.default };
	}
	return file('src/config/schema.ts', defaults);
}

const file = (source: string, content: object) =>
	`# Made by \`npm run docs\` from ${source}.\n${stringify(content, { lineWidth: 0, aliasDuplicateObjects: false })}`;
