import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { type CrashReport, crashReport } from '../../src/domain/report.ts';
import type { SoakCore } from './cores.ts';
import { coreNameOf, ledgerOf } from './ledger.ts';
import type { SoakNode } from './node.ts';
import type { Observer } from './observer.ts';
import type { SoakStore } from './stores.ts';

/** What a node was given, made anew by the name of each. */
export type Given = { readonly node: SoakNode; readonly count: number; core(index: number): SoakCore };

/**
 * Compares what is there in the end with what was given.
 *
 * @returns in words each thing that was lost, doubled, half-written or left behind
 */
export async function judge(store: SoakStore, all: readonly Given[], observer: Observer): Promise<readonly string[]> {
	const problems: string[] = [];
	const expected = new Set<string>();
	for (const { node, count, core } of all) {
		const { reports, rejections, backlog } = ledgerOf(node.journal);
		problems.push(...rejections);
		if (backlog !== 0) problems.push(`${backlog} pieces of work are not settled`);
		const byName = Map.groupBy(reports, coreNameOf);
		for (let index = 0; index < count; index++) {
			const given = core(index);
			const [report, ...more] = byName.get(given.name) ?? [];
			byName.delete(given.name);
			if (more.length > 0) problems.push(`${given.name} has ${more.length + 1} reports`);
			problems.push(...(report ? await problemsOf(given, report) : [`${given.name} has no report`]));
		}
		for (const name of byName.keys()) problems.push(`a report tells of ${name}, which was not given`);
		const left = [node.cores, node.notes].flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
		problems.push(...left.map((name) => `${name} is left behind on the node`));
	}
	const names = [...(await store.list()).keys()];
	problems.push(...names.filter((name) => !expected.has(name)).map((name) => `${name} is stored, and nobody's`));
	problems.push(...(await store.halves()).map((name) => `${name} is left half-written`));
	return problems;

	async function problemsOf({ name, sha256 }: SoakCore, report: CrashReport): Promise<string[]> {
		const { storage, status } = report;
		if (status !== 'stored' || storage?.form !== 'full') return [`${name} is ${status}: ${JSON.stringify(storage)}`];
		const stored = store.nameOf(storage.location);
		const beside = stored.replace(/\.core\.zst$/, '.json');
		if (expected.has(stored)) return [`${name} is stored as ${stored}, as another is`];
		expected.add(stored).add(beside);
		const bytes = await store.read(stored);
		if (!bytes) return [`${name} is not there as ${stored}`];
		const sum = sumOf(bytes);
		const text = await store.read(beside);
		return [
			...(sum === storage.sha256 && bytes.length === storage.sizeBytes ? [] : [`${stored} is other than the journal says`]),
			...(sumOf(zstdDecompressSync(bytes)) === sha256 ? [] : [`${stored} holds another content than ${name}`]),
			...(text && isSame(text, report) ? [] : [`${beside} is not the report`]),
			...[...(observer.seen.get(stored) ?? [])].filter((seen) => seen !== sum).map(() => `${stored} was seen half-written`),
		];
	}
}

const sumOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const isSame = (text: Buffer, report: CrashReport) =>
	JSON.stringify(crashReport.parse(JSON.parse(text.toString()))) === JSON.stringify(crashReport.parse(report));
