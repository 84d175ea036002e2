import { setImmediate as othersTurn } from 'node:timers/promises';
import { parseDocument } from 'yaml';
import { defined } from '../../base/defined.ts';
import { type Claims, claimsOf } from './claims.ts';
import { ReleaseRecordError } from './error.ts';
import { fieldOf, listOf, textOf } from './untyped.ts';

/** An object as a chart made it; its namespace is that of the release where none is told. */
export type ManifestObject = {
	readonly apiVersion: string;
	readonly kind: string;
	readonly namespace?: string;
	readonly name: string;
	/** Whether its annotations have a `helm.sh/resource-policy`: `keep`, or one that Helm does not know. */
	readonly resourcePolicy?: 'keep' | 'other';
	readonly claims?: Claims;
};

/** More than any chart makes, and so much that reading it takes 80 MB for a moment. */
const most = { bytes: 4 << 20, signsInDocument: 40_000, signs: 200_000, objects: 2_000 };

/**
 * The objects of a manifest, in their order. Documents are parted as Helm parts them: at each `---` that begins a line, also within a text.
 *
 * @throws {ReleaseRecordError}
 */
export async function objectsIn(manifest: string): Promise<ManifestObject[]> {
	if (manifest.length > most.bytes) throw new ReleaseRecordError(`has a manifest of more than ${most.bytes >> 20} MiB`);
	const objects: ManifestObject[] = [];
	let signs = 0;
	for (const document of manifest.trimStart().split(/^---[ \t]*/m)) {
		if (document.trim() === '') continue;
		const here = countSigns(document);
		signs += here;
		if (here > most.signsInDocument || signs > most.signs) throw new ReleaseRecordError('has a manifest that is larger than charts make');
		objects.push(...flatten(parse(document)));
		if (objects.length > most.objects) throw new ReleaseRecordError(`has a manifest of more than ${most.objects} objects`);
		await othersTurn();
	}
	return objects;
}

/** As many values as a text of YAML may have: each stands on a line of its own, or behind one of these signs. */
function countSigns(text: string): number {
	let count = 0;
	for (let at = 0; at < text.length; at++) if ('\n,[{?'.includes(text.charAt(at))) count++;
	return count;
}

function parse(document: string): unknown {
	try {
		// As Go reads it: of keys that stand twice the last counts.
		const parsed = parseDocument(document, { prettyErrors: false, uniqueKeys: false, merge: true, logLevel: 'error' });
		if (parsed.errors.length === 0) return parsed.toJS({ maxAliasCount: 100 });
	} catch {
		// Nested too deeply, or too many aliases.
	}
	throw new ReleaseRecordError('has a manifest that is not YAML'); // whose words would quote it
}

/** A list is what is in it; what is kept of it is kept whole. */
function flatten(value: unknown): readonly ManifestObject[] {
	if (value === null || value === undefined) return []; // comments
	const kind = textOf(value, 'kind');
	const items = kind?.endsWith('List') && Array.isArray(fieldOf(value, 'items')) ? listOf(value, 'items') : [value];
	return items.map((item) => objectOf(item, policyOf(value) ?? policyOf(item)));
}

function policyOf(value: unknown): ManifestObject['resourcePolicy'] {
	const policy = textOf(value, 'metadata', 'annotations', 'helm.sh/resource-policy');
	if (policy === undefined) return undefined;
	return policy.trim().toLowerCase() === 'keep' ? 'keep' : 'other';
}

function objectOf(value: unknown, resourcePolicy: ManifestObject['resourcePolicy']): ManifestObject {
	const [apiVersion, kind, name] = [textOf(value, 'apiVersion'), textOf(value, 'kind'), textOf(value, 'metadata', 'name')];
	const namespace = textOf(value, 'metadata', 'namespace') || undefined;
	if (!apiVersion || !kind || !name) throw new ReleaseRecordError('has an object without apiVersion, kind or name in its manifest');
	const isNamed = names.apiVersion.test(apiVersion) && names.kind.test(kind) && names.name.test(name);
	if (!isNamed || (namespace !== undefined && !names.name.test(namespace)))
		throw new ReleaseRecordError('has an object in its manifest whose name is none');
	return { apiVersion, kind, name, ...defined({ namespace, resourcePolicy, claims: claimsOf(value) }) };
}

/** Names of roles have colons. */
const names = {
	apiVersion: /^(?:[a-z0-9][a-z0-9.-]{0,252}\/)?v[a-z0-9]{1,62}$/,
	kind: /^[A-Za-z][A-Za-z0-9]{0,62}$/,
	name: /^[A-Za-z0-9](?:[A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?$/,
};
