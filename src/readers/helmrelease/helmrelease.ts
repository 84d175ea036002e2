import { gunzipped, PackedDataError } from '../bytes/bytes.ts';
import { ReleaseRecordError } from './error.ts';
import { fieldsOf, type Piece, parsed } from './json-fields.ts';
import { type ManifestObject, objectsIn } from './manifest.ts';
import { listOf, textOf } from './untyped.ts';

export type { Claims } from './claims.ts';
export { ReleaseRecordError } from './error.ts';
export type { ManifestObject } from './manifest.ts';

/** One revision of a release, as Helm keeps it; without the values that it was given, which hold passwords. */
export type HelmRelease = {
	readonly name: string;
	readonly namespace: string;
	readonly revision: number;
	/** `deployed`, `failed`, `superseded`, `uninstalling`, `uninstalled`, `pending-install`, … */
	readonly status: string;
	readonly chart: { readonly name: string; readonly version: string };
	readonly objects: readonly ManifestObject[];
	readonly hooks: readonly Hook[];
};

/** What Helm makes at certain moments; it is not part of the manifest. */
export type Hook = {
	readonly object: ManifestObject;
	/** `pre-delete`, `post-install`, … */
	readonly events: readonly string[];
	/** `before-hook-creation`, `hook-succeeded`, `hook-failed`. */
	readonly deletePolicies: readonly string[];
};

/** A Secret holds 768 KiB of it packed, which is some 4 MiB of templates and values. */
const mostBytes = 16 << 20;
const mostHooks = { number: 200, bytes: 256 << 10 };
const quote = '"'.charCodeAt(0);
const gzipMagic = Buffer.of(0x1f, 0x8b, 0x08);

/**
 * Reads the record of a release: the key `release` of a Secret `sh.helm.release.v1.NAME.vREVISION` of type `helm.sh/release.v1`
 * (Helm's pkg/storage/driver/util.go and secrets.go, pkg/release/v1). Whoever may write Secrets in its namespace can write what they like there.
 *
 * @param data as the API gives it: base64 of base64 of gzip of JSON; the gzip is missing in old ones
 * @throws {ReleaseRecordError} in words that quote nothing
 */
export async function readRelease(data: string): Promise<HelmRelease> {
	const text = await unpacked(Buffer.from(Buffer.from(data, 'base64').toString('latin1'), 'base64'));
	const fields = fieldsOf(text, whole(text), ['name', 'namespace', 'version', 'info', 'chart', 'manifest', 'hooks']);
	const { status } = nested(text, fields.info, ['status']);
	const { metadata } = nested(text, fields.chart, ['metadata']);
	const chart = nested(text, metadata, ['name', 'version']);
	return {
		name: word(text, fields.name, 'name'),
		namespace: word(text, fields.namespace, 'namespace'),
		revision: number(text, fields.version, 'version'),
		status: word(text, status, 'info.status'),
		chart: { name: word(text, chart.name, 'chart.metadata.name'), version: word(text, chart.version, 'chart.metadata.version') },
		objects: await objectsIn(string(text, fields.manifest, 'manifest')),
		hooks: fields.hooks ? await hooksIn(text, fields.hooks) : [],
	};
}

const whole = (text: Buffer): Piece => ({ from: 0, to: text.length });

async function unpacked(bytes: Buffer): Promise<Buffer> {
	if (!bytes.subarray(0, gzipMagic.length).equals(gzipMagic)) return bytes;
	try {
		return await gunzipped(bytes, mostBytes);
	} catch (cause) {
		if (!(cause instanceof PackedDataError)) throw cause;
		throw new ReleaseRecordError(cause.message, { cause });
	}
}

function nested<Name extends string>(text: Buffer, piece: Piece | undefined, names: readonly Name[]): Partial<Record<Name, Piece>> {
	return piece ? fieldsOf(text, piece, names) : {};
}

function string(text: Buffer, piece: Piece | undefined, field: string): string {
	// What is no string may be large.
	const value = piece && text[piece.from] === quote ? parsed(text, piece) : undefined;
	if (typeof value !== 'string' || value === '') throw new ReleaseRecordError(`has no ${field}`);
	return value;
}

/** What may be shown. */
function word(text: Buffer, piece: Piece | undefined, field: string): string {
	const value = string(text, piece, field);
	if (!/^[!-~]{1,253}$/.test(value)) throw new ReleaseRecordError(`has an odd ${field}`);
	return value;
}

function number(text: Buffer, piece: Piece | undefined, field: string): number {
	const value = piece && piece.to - piece.from < 20 ? parsed(text, piece) : undefined;
	if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new ReleaseRecordError(`has no ${field}`);
	return value;
}

async function hooksIn(text: Buffer, piece: Piece): Promise<Hook[]> {
	if (piece.to - piece.from > mostHooks.bytes) throw new ReleaseRecordError(`has more than ${mostHooks.bytes >> 10} KiB of hooks`);
	const value = parsed(text, piece);
	const list = Array.isArray(value) ? value : [];
	if (list.length > mostHooks.number) throw new ReleaseRecordError(`has more than ${mostHooks.number} hooks`);
	const hooks: Hook[] = [];
	for (const one of list) {
		const texts = (field: string) =>
			listOf(one, field).filter((item) => typeof item === 'string' && /^[a-z-]{1,40}$/.test(item)) as string[];
		const [events, deletePolicies] = [texts('events'), texts('delete_policies')];
		for (const object of await objectsIn(textOf(one, 'manifest') ?? '')) hooks.push({ object, events, deletePolicies });
	}
	return hooks;
}
