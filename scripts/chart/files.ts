// What the templates of the Helm chart are filled with besides values: rights and defaults, as the agent itself has them.
import { stringify } from 'yaml';
import { fieldsOf } from '../../src/config/fields.ts';
import { configSchema, nodeDefaults } from '../../src/config/schema.ts';
import { enforcingRights } from '../../src/domain/enforcing-rights.ts';
import { controllerRights, nodeAgentRights, type Right } from '../../src/domain/rights.ts';

/** The rules of the roles, with their reasons. */
export function rightsFile(): string {
	const rules = (rights: readonly Right[]) =>
		together(rights).map(({ right: { purpose, group, names, verbs }, resources }) => ({
			purpose,
			rule: { apiGroups: [group], resources, ...(names && { resourceNames: names }), verbs },
		}));
	const ofOwn = ({ isOfOwn }: Right) => isOfOwn === true;
	return file('src/domain/rights.ts and enforcing-rights.ts', {
		nodeAgent: rules(nodeAgentRights.filter((right) => !ofOwn(right))),
		nodeAgentInOwnNamespace: rules(nodeAgentRights.filter(ofOwn)),
		controller: rules(controllerRights.filter((right) => !ofOwn(right))),
		controllerInOwnNamespace: rules(controllerRights.filter(ofOwn)),
		enforcing: Object.fromEntries(Object.entries(enforcingRights).map(([what, rights]) => [what, rules(rights)])),
	});
}

/** Of one group, and for one purpose. */
function together(rights: readonly Right[]) {
	const alike = Map.groupBy(rights, ({ resource, ...right }) => JSON.stringify(right));
	return alike
		.values()
		.map(([right, ...others]) => {
			if (!right) throw new Error('a group is never empty');
			return { right, resources: [right, ...others].map(({ resource }) => resource) };
		})
		.toArray();
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
