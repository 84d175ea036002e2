import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type ConfigDocument, readDocument } from './document.ts';
import { ConfigError } from './error.ts';
import { type Field, fieldsOf, valueAt } from './fields.ts';
import { Problems } from './problems.ts';
import { type Config, configSchema, type ModeDefaults, nodeDefaults } from './schema.ts';

export { changedKeys } from './changes.ts';
export { ConfigError } from './error.ts';
export { type Config, defaultPanicKeywords } from './schema.ts';
export { shownConfig } from './shown.ts';

export type LoadOptions = {
	/** Absent: only the defaults. */
	readonly file?: string;
	/** What named the file, if not the command itself. */
	readonly namedBy?: string;
	readonly mode: 'standalone' | 'node';
	/** Where one machine keeps what the defaults of mode standalone name. */
	readonly paths: { readonly stateHome: string; readonly corePatternDirectory: string };
};

export type Loaded = {
	readonly config: Config;
	/** What works, but not as its writer may think. */
	readonly warnings: readonly string[];
	/** The file that was read. */
	readonly source: string | undefined;
};

/** @throws {ConfigError} */
export function loadConfig({ file, namedBy, mode, paths }: LoadOptions): Loaded {
	const schema = configSchema(mode === 'node' ? nodeDefaults : standaloneDefaults(paths));
	const defaults = schema.parse({});
	if (file === undefined) return { config: defaults, warnings: [], source: undefined };
	const fields = [...fieldsOf(schema)];
	const document = readDocument(file, { example: 'collector', what: 'milvus-coredump-agent: the configuration', namedBy });
	const { content, opinion } = withOpinionOnTop(document);
	const lineOf = (path: readonly PropertyKey[]) =>
		document.lineOf(opinion === 'analyzer' && path[0] === 'aiAnalysis' ? ['analyzer', ...path] : path);
	const problems = new Problems(file, { lineOf, repeated: document.repeated }, fields);
	if (opinion === 'twice')
		problems.add(['analyzer', 'aiAnalysis'], 'aiAnalysis is there twice, under analyzer and at the top level; keep one');
	const given = withoutEmpty(content, new Set(fields.map(({ path }) => path.join('.'))));
	const result = schema.safeParse(given);
	for (const issue of result.error?.issues ?? []) problems.addIssue(issue, given);
	refuseOtherBackends(given, problems);
	if (result.success) {
		refuseSharedPort(result.data, problems);
		refuseLevelOfZstd(result.data, problems);
		refuseHalfS3(result.data, problems);
		refuseModelNowhere(result.data, problems);
	}
	if (problems.lines.length > 0 || !result.success) throw new ConfigError(problems.lines.join('\n'));
	addWarnings(given, { config: result.data, defaults, fields }, problems);
	warnOfNothingToRemove(result.data, problems);
	warnOfUnknownPrice(result.data, problems);
	if (mode === 'standalone') warnOfNobodyWhoClears(given, result.data, problems);
	return { config: result.data, warnings: problems.lines, source: file };
}

const standaloneDefaults = ({ stateHome, corePatternDirectory }: LoadOptions['paths']): ModeDefaults => ({
	journalPath: join(stateHome, 'journal.db'),
	coredumpPath: corePatternDirectory,
	scratchPath: join(stateHome, 'scratch'),
	localPath: join(stateHome, 'cores'),
});

/** `aiAnalysis` is understood under `analyzer` too. */
function withOpinionOnTop({ content }: ConfigDocument): { readonly content: unknown; readonly opinion: 'top' | 'analyzer' | 'twice' } {
	const inner = valueAt(content, ['analyzer', 'aiAnalysis']);
	if (inner === undefined) return { content, opinion: 'top' };
	const { aiAnalysis: _, ...analyzer } = content.analyzer as Record<string, unknown>;
	const outer = content.aiAnalysis ?? null;
	const opinion = inner === null ? 'top' : outer === null ? 'analyzer' : 'twice';
	return { content: { ...content, analyzer, aiAnalysis: outer ?? inner }, opinion };
}

/** A key that is known and has nothing behind it is as if it were not there. */
function withoutEmpty(value: unknown, known: ReadonlySet<string>, path: readonly string[] = []): unknown {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
	const kept = Object.entries(value).filter(([key, inner]) => inner !== null || !known.has([...path, key].join('.')));
	return Object.fromEntries(kept.map(([key, inner]) => [key, withoutEmpty(inner, known, [...path, key])]));
}

function refuseOtherBackends(given: unknown, problems: Problems): void {
	const backend = valueAt(given, ['storage', 'backend']);
	if (backend === 'nfs' && valueAt(given, ['storage', 'nfs', 'path']) === undefined)
		problems.add(['storage', 'backend'], 'storage.backend is nfs; set storage.nfs.path to the directory where the share is mounted');
}

function refuseHalfS3({ storage: { backend, s3 } }: Config, problems: Problems): void {
	if (backend !== 's3') return;
	if (s3.bucket === undefined)
		problems.add(['storage', 'backend'], 'storage.backend is s3, and storage.s3.bucket is missing: name the bucket');
	for (const name of ['accessKey', 'secretKey'] as const) {
		if (s3[name] !== undefined && s3[`${name}File`] !== undefined)
			problems.add(['storage', 's3', `${name}File`], `storage.s3.${name} is there twice, itself and as a file; keep one`);
	}
	const has = (name: 'accessKey' | 'secretKey') => (s3[name] ?? s3[`${name}File`]) !== undefined;
	if (has('accessKey') !== has('secretKey')) {
		const [given, other] = has('accessKey') ? ['accessKey', 'secretKey'] : ['secretKey', 'accessKey'];
		problems.add(['storage', 's3'], `storage.s3.${given} is there without ${other}; give both (or their files), or none`);
	}
}

function refuseModelNowhere({ aiAnalysis: { enabled, provider, baseURL, apiKey, apiKeyFile } }: Config, problems: Problems): void {
	if (enabled && provider === 'openai-compatible' && baseURL === undefined)
		problems.add(
			['aiAnalysis', 'provider'],
			'aiAnalysis.provider is openai-compatible, and aiAnalysis.baseURL is missing: say where the service is',
		);
	if (apiKey !== undefined && apiKeyFile !== undefined)
		problems.add(['aiAnalysis', 'apiKeyFile'], 'aiAnalysis.apiKey is there twice, itself and as a file; keep one');
}

/** With a limit on what a month may cost, what has no price escapes it. */
function warnOfUnknownPrice({ aiAnalysis }: Config, problems: Problems): void {
	const { enabled, enableCostControl, provider, model, pricing, apiKey, apiKeyFile } = aiAnalysis;
	const isFree = provider === 'openai-compatible' && apiKey === undefined && apiKeyFile === undefined;
	if (enabled && enableCostControl && !isFree && !Object.hasOwn(pricing, model))
		problems.add(
			['aiAnalysis', 'model'],
			`aiAnalysis.pricing has no price of ${model}: it counts as free, and aiAnalysis.maxCostPerMonth does not hold it; set in and out`,
		);
}

function refuseSharedPort({ monitor: { prometheusEnabled, metricsPort, healthPort } }: Config, problems: Problems): void {
	if (prometheusEnabled && metricsPort === healthPort && metricsPort !== 0)
		problems.add(
			['monitor', 'healthPort'],
			`monitor.healthPort is ${healthPort}, as monitor.metricsPort is; give each a port of its own, or 0`,
		);
}

/** A store that many share is cleared by who leads in a cluster. */
function warnOfNobodyWhoClears(given: unknown, { storage: { backend } }: Config, problems: Problems): void {
	if (backend === 'local') return;
	for (const name of ['maxStorageSize', 'maxInstanceSize', 'retentionDays']) {
		const path = ['storage', name];
		if (valueAt(given, path) === undefined) continue;
		const advice = backend === 's3' ? 'give the bucket a rule for the lifecycle of its objects' : 'delete there what is too old';
		problems.add(
			path,
			`storage.${name} has no effect on backend ${backend} without a cluster, whose controller would hold to it: ${advice}`,
		);
	}
}

const mostOfGzip = 9;

function refuseLevelOfZstd({ storage: { compression, compressionLevel } }: Config, problems: Problems): void {
	if (compression === 'gzip' && compressionLevel > mostOfGzip)
		problems.addValue(['storage', 'compressionLevel'], compressionLevel, `at most ${mostOfGzip}, as storage.compression is gzip`);
}

function warnOfNothingToRemove({ discovery, cleaner: { enabled, mode, namespaces } }: Config, problems: Problems): void {
	const path = ['cleaner', 'mode'];
	if (mode !== 'enforce') return;
	if (!enabled) problems.add(path, 'cleaner.mode is enforce, and cleaner.enabled is false: no instance is looked for, nor removed');
	else if (namespaces.length === 0)
		problems.add(path, 'cleaner.mode is enforce, and cleaner.namespaces names none: no instance is removed; name those in which it may be');
	for (const [index, name] of namespaces.entries()) {
		if (discovery.namespaces === 'all' || discovery.namespaces.includes(name)) continue;
		problems.add(
			['cleaner', 'namespaces', index],
			`cleaner.namespaces names ${name}, at which discovery.namespaces does not look: no instance is removed there`,
		);
	}
}

type Context = { readonly config: Config; readonly defaults: Config; readonly fields: readonly Field[] };

function addWarnings(given: unknown, { config, defaults, fields }: Context, problems: Problems): void {
	for (const { path, meta, isSection } of fields) {
		if (isSection || valueAt(given, path) === undefined) continue;
		const name = path.join('.');
		if (meta.secret)
			problems.add(path, `${name} is a secret, readable for all who can read this file: let only its owner do so (chmod 600)`);
		if (meta.planned && !isDeepStrictEqual(valueAt(config, path), valueAt(defaults, path)))
			problems.add(path, `${name} has no effect in this version`);
	}
	const { compression, compressionThreads } = config.storage;
	if (compression === 'gzip' && compressionThreads > 1)
		problems.add(['storage', 'compressionThreads'], 'storage.compressionThreads has no effect with gzip, which has one');
}
