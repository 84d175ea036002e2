import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../base/errors.ts';
import { readChecked } from '../../../config/checked.ts';
import { ConfigError, unreadable } from '../../../config/error.ts';
import type { Problems } from '../../../config/problems.ts';
import { type Entry, file as fileSchema } from './entry.ts';

export type { Entry as KnownIssueEntry } from './entry.ts';
export { type CrashTraits, matchKnownIssues, originOf } from './match.ts';

const builtIn = join(import.meta.dirname, 'known-issues.yaml');

const what = 'milvus-coredump-agent: known issues';

/**
 * The known issues that come with the program, and the user's own. An entry with the id of an earlier one replaces it.
 *
 * @param paths files, or folders of which all `*.yaml` and `*.yml` count, in the order of their names, but for names that begin with a dot
 *   (so that a mounted ConfigMap is read once)
 * @throws {ConfigError} with a line for each mistake in any of the files
 */
export function loadKnownIssues(paths: readonly string[]): readonly Entry[] {
	const mistakes: string[] = [];
	const entries = new Map<string, Entry>();
	for (const path of [builtIn, ...paths]) {
		for (const file of orMistake(() => filesAt(path), mistakes)) {
			for (const entry of orMistake(() => entriesOf(file), mistakes)) entries.set(entry.id, entry);
		}
	}
	if (mistakes.length > 0) throw new ConfigError(mistakes.join('\n'));
	return [...entries.values()];
}

/** What becomes another text when any of these files may hold something else; nothing is read. */
export function knownIssuesState(paths: readonly string[]): string {
	return paths.flatMap((path) => orProblem(() => filesAt(path).map(fileState), path)).join('\n');
}

function fileState(file: string): string {
	const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
	return [file, dev, ino, size, mtimeNs, ctimeNs].join(':');
}

/** Why it can't be read is told by loading it. */
function orProblem(read: () => readonly string[], path: string): readonly string[] {
	try {
		return read();
	} catch (error) {
		return [`${path}: ${messageOf(error)}`];
	}
}

function orMistake<T>(read: () => readonly T[], mistakes: string[]): readonly T[] {
	try {
		return read();
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		mistakes.push(error.message);
		return [];
	}
}

function filesAt(path: string): readonly string[] {
	if (!fromDisk(path, () => statSync(path)).isDirectory()) return [path];
	const names = fromDisk(path, () => readdirSync(path)).filter((name) => !name.startsWith('.') && /\.ya?ml$/.test(name));
	return names.toSorted().map((name) => join(path, name));
}

const entriesOf = (file: string): readonly Entry[] => readChecked(file, fileSchema, { example: 'version', what }, addRepeatedIds).issues;

function fromDisk<T>(path: string, read: () => T): T {
	try {
		return read();
	} catch (cause) {
		throw unreadable(`${what} ${path}`, cause);
	}
}

/** In two files an id twice is a replacement, in one a mistake. */
function addRepeatedIds(content: unknown, problems: Problems): void {
	const { issues } = content as { readonly issues?: unknown };
	if (!Array.isArray(issues)) return;
	const seen = new Set<string>();
	for (const [index, issue] of issues.entries()) {
		const id: unknown = issue?.id;
		if (typeof id !== 'string') continue;
		if (seen.has(id)) problems.addValue(['issues', index, 'id'], id, 'an id that is not in this file yet');
		seen.add(id);
	}
}
