import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments, visit, type YAMLError } from 'yaml';
import { ConfigError, unreadable } from './error.ts';

/** A YAML file, before anybody asks what its keys mean. */
export type ConfigDocument = {
	readonly content: Readonly<Record<string, unknown>>;
	/** Keys that stand twice in one section, by their lines. */
	readonly repeated: readonly number[];
	/** The line of a key or of an item of a list; of the nearest thing around it where it has none of its own. */
	lineOf(path: readonly PropertyKey[]): number;
};

export type DocumentOptions = {
	/** A key that such files begin with, for who gives something else. */
	readonly example: string;
	/** What the file is for. */
	readonly what: string;
	/** What named the file, where that is not plain to see. */
	readonly namedBy?: string | undefined;
};

/**
 * No message quotes the file: a secret may stand where it is broken.
 *
 * @throws {ConfigError}
 */
export function readDocument(file: string, { example, what, namedBy }: DocumentOptions): ConfigDocument {
	const counter = new LineCounter();
	const options = { lineCounter: counter, prettyErrors: false, stringKeys: true, merge: true, logLevel: 'error' } as const;
	const documents: readonly Document[] = parseAllDocuments(
		read(file, namedBy ? `${what} ${file} (from ${namedBy})` : `${what} ${file}`),
		options,
	);
	const document = documents[0] ?? new Document(); // an empty file has none
	const lineAt = (offset: number) => counter.linePos(offset).line;
	const fail: Fail = (offset, problem) => {
		throw new ConfigError(`${file}:${lineAt(offset)}: ${problem}`);
	};

	const isRepeated = ({ code }: YAMLError) => code === 'DUPLICATE_KEY';
	const broken = document.errors.find((error) => !isRepeated(error));
	if (broken) fail(broken.pos[0], `not YAML, at column ${counter.linePos(broken.pos[0]).col}: ${hint(broken)}`);
	const second = documents[1];
	if (second) fail(second.range?.[0] ?? 0, `here begins a second YAML document; keep one of the ${documents.length}`);
	const { contents } = document;
	const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
	if (!isEmpty && !isMap(contents)) fail(startOf(contents), `expected sections with keys, such as "${example}:"`);
	checkAliases(document, fail);
	return {
		content: plain(document, fail),
		repeated: document.errors.filter(isRepeated).map(({ pos }) => lineAt(pos[0])),
		lineOf: (path) => lineAt(offsetOf(document, path)),
	};
}

type Fail = (offset: number, problem: string) => never;

/** No file that people write is so long. */
const mostBytes = 1 << 20;

function read(file: string, name: string): string {
	let descriptor: number | undefined;
	try {
		// Not blocking: opening a FIFO would wait for its writer.
		descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
		const stat = fstatSync(descriptor);
		if (!stat.isFile()) throw new ConfigError(`${name}: ${stat.isDirectory() ? 'is a directory' : 'is not a regular file'}`);
		if (stat.size > mostBytes) throw new ConfigError(`${name}: is longer than ${mostBytes >> 20} MiB`);
		return readFileSync(descriptor, 'utf8');
	} catch (cause) {
		throw cause instanceof ConfigError ? cause : unreadable(name, cause);
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

/** The parser's own words hold pieces of the file after a colon, and with these codes in their middle. */
function hint({ code, message }: YAMLError): string {
	switch (code) {
		case 'TAB_AS_INDENT':
			return 'YAML is indented with spaces, not with tabs';
		case 'TAG_RESOLVE_FAILED':
			return 'a text that begins with ! must be in quotes';
		case 'BAD_DQ_ESCAPE':
			return 'unknown escape sequence; a text with \\ must be in single quotes';
		default:
			return message.split(': ')[0] ?? '';
	}
}

/** Refuses aliases that lead nowhere or round in a circle. */
function checkAliases(document: Document, fail: Fail): void {
	visit(document, {
		Alias(_, alias, around) {
			const target = alias.resolve(document);
			if (!target)
				fail(startOf(alias), 'an alias (*name) without an anchor (&name) before it; a text that begins with * must be in quotes');
			if (around.includes(target)) fail(startOf(alias), 'an alias (*name) that is part of what it stands for');
		},
		Pair(_, { key, value }) {
			if (isMergeKey(key) && !mergedFrom(value, document).every(isMap)) fail(startOf(key), '<< expects an alias (*name) of a section');
		},
	});
}

function plain(document: Document, fail: Fail): Record<string, unknown> {
	try {
		return document.toJS({ maxAliasCount: 100 }) ?? {};
	} catch {
		return fail(0, 'too many aliases (*name); write their values out'); // the only thing that is left to go wrong
	}
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number {
	let node: unknown = document.contents;
	let offset = startOf(node);
	for (const part of path) {
		const entry = entryOf(node, part, document);
		if (!entry) break;
		offset = startOf(entry.name);
		node = entry.value;
	}
	return offset;
}

/** A key or an item and what is behind it, also where an alias or a merge brings it in. */
function entryOf(node: unknown, part: PropertyKey, document: Document): { readonly name: unknown; readonly value: unknown } | undefined {
	const collection = resolved(node, document);
	if (isSeq(collection)) {
		const item = collection.items[Number(part)];
		return item === undefined ? undefined : { name: item, value: item };
	}
	if (!isMap(collection)) return undefined;
	const pair = collection.items.find(({ key }) => isScalar(key) && key.value === part);
	if (pair) return { name: pair.key, value: pair.value };
	const merged = collection.items.filter(({ key }) => isMergeKey(key)).flatMap(({ value }) => mergedFrom(value, document));
	return merged.map((source) => entryOf(source, part, document)).find((entry) => entry !== undefined);
}

function mergedFrom(value: unknown, document: Document): readonly unknown[] {
	const source = resolved(value, document);
	return isSeq(source) ? source.items.map((item) => resolved(item, document)) : [source];
}

const resolved = (node: unknown, document: Document) => (isAlias(node) ? node.resolve(document) : node);
const isMergeKey = (key: unknown) => isScalar(key) && key.source === '<<';
const startOf = (node: unknown) => (isNode(node) ? (node.range?.[0] ?? 0) : 0);
