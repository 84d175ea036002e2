import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Document, isMap, isScalar, LineCounter, parseAllDocuments } from 'yaml';
import { type Field, fieldsOf, valueAt } from './fields.ts';
import { Problems } from './problems.ts';
import { type Config, configSchema, type ModeDefaults, nodeDefaults } from './schema.ts';

export { type Config, defaultPanicKeywords } from './schema.ts';
export { shownConfig } from './shown.ts';

/** The configuration is wrong: a line for each mistake, with where it is and what to do. */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';
}

export type LoadOptions = {
	/** Absent: only the defaults. */
	readonly file?: string;
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
export function loadConfig({ file, mode, paths }: LoadOptions): Loaded {
	const schema = configSchema(mode === 'node' ? nodeDefaults : standaloneDefaults(paths));
	if (file === undefined) return { config: schema.parse({}), warnings: [], source: undefined };
	const fields = [...fieldsOf(schema)];
	const { content, problems } = parse(file, fields);
	const result = schema.safeParse(content);
	for (const issue of result.error?.issues ?? []) problems.addIssue(issue, content);
	refuseOtherBackends(content, problems);
	if (problems.lines.length > 0 || !result.success) throw new ConfigError(problems.lines.join('\n'));
	return { config: result.data, warnings: warningsFor(content, fields, problems), source: file };
}

const standaloneDefaults = ({ stateHome, corePatternDirectory }: LoadOptions['paths']): ModeDefaults => ({
	journalPath: join(stateHome, 'journal.db'),
	coredumpPath: corePatternDirectory,
	scratchPath: join(stateHome, 'scratch'),
	localPath: join(stateHome, 'cores'),
});

type Parsed = { readonly content: unknown; readonly problems: Problems };

function parse(file: string, fields: readonly Field[]): Parsed {
	const counter = new LineCounter();
	const documents = parseAllDocuments(read(file), { lineCounter: counter, prettyErrors: false });
	const document = documents[0] ?? new Document(); // an empty file has none
	const [error] = document.errors;
	if (error) {
		const { line, col } = counter.linePos(error.pos[0]);
		const hint = error.code === 'TAB_AS_INDENT' ? 'YAML is indented with spaces, not with tabs' : error.message;
		throw new ConfigError(`${file}:${line}: not YAML, at column ${col}: ${hint}`);
	}
	const problems = new Problems(file, document, counter, fields);
	if (documents.length > 1) throw new ConfigError(`${file}: holds ${documents.length} YAML documents; expected one`);
	if (!isEmpty(document.contents) && !isMap(document.contents))
		throw new ConfigError(`${file}:1: expected sections with keys, such as "collector:"`);
	try {
		return {
			content: moved(
				withoutEmpty(document.toJS({ maxAliasCount: 100 }) ?? {}, new Set(fields.map(({ path }) => path.join('.')))),
				problems,
			),
			problems,
		};
	} catch (cause) {
		throw new ConfigError(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
	}
}

function read(file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch (cause) {
		const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
		const words: Readonly<Record<string, string>> = {
			ENOENT: 'there is no such file',
			EISDIR: 'is a directory',
			EACCES: 'no permission to read it',
		};
		throw new ConfigError(`${file}: ${words[code] ?? String(cause)}`, { cause });
	}
}

const isEmpty = (node: unknown) => node === null || (isScalar(node) && node.value === null);

/** A key that is known and has nothing behind it is as if it were not there. */
function withoutEmpty(value: unknown, known: ReadonlySet<string>, path: readonly string[] = []): unknown {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
	const kept = Object.entries(value).filter(([key, inner]) => inner !== null || !known.has([...path, key].join('.')));
	return Object.fromEntries(kept.map(([key, inner]) => [key, withoutEmpty(inner, known, [...path, key])]));
}

/** `aiAnalysis` is understood under `analyzer` too. */
function moved(content: unknown, problems: Problems): unknown {
	const inner = valueAt(content, ['analyzer', 'aiAnalysis']);
	if (inner === undefined) return content;
	const { analyzer, ...rest } = content as Record<string, Record<string, unknown>>;
	if ('aiAnalysis' in rest) {
		problems.add(['analyzer', 'aiAnalysis'], 'aiAnalysis is there twice, under analyzer and at the top level; keep one');
		return rest;
	}
	const { aiAnalysis, ...others } = analyzer as Record<string, unknown>;
	return { ...rest, analyzer: others, aiAnalysis };
}

function refuseOtherBackends(content: unknown, problems: Problems): void {
	const backend = valueAt(content, ['storage', 'backend']);
	if (backend === 's3' || backend === 'nfs')
		problems.add(['storage', 'backend'], `storage.backend is ${backend}; this version stores to a local directory only: set it to local`);
}

function warningsFor(content: unknown, fields: readonly Field[], problems: Problems): readonly string[] {
	for (const { path, meta, isSection } of fields) {
		const value = valueAt(content, path);
		if (value === undefined || isSection) continue;
		const name = path.join('.');
		if (meta.secret)
			problems.add(
				path,
				`${name} is written in the file, for all to read who can read it; better keep it in the environment or in a file of its own`,
			);
		if (meta.planned && !isDeepStrictEqual(value, meta.default)) problems.add(path, `${name} has no effect in this version`);
	}
	return problems.lines;
}
