import { isSystemError } from '../../base/errors.ts';
import type { Core, CrashReport } from '../../domain/report.ts';
import { unpackForeign } from '../../drivers/compression/compression.ts';
import { expectOriginal } from '../../drivers/original/original.ts';
import { CorefileError } from '../../readers/corefile/corefile.ts';
import type { AnalyseOptions } from './analyse.ts';
import { containerOf } from './container.ts';
import { findModules } from './modules.ts';
import { ScratchError, scratchFolder } from './scratch.ts';
import { slimCore } from './slim/slim.ts';

export type SlimFileOptions = Pick<AnalyseOptions, 'places' | 'layersOf' | 'scratch'>;

/** A slim core, in a file that is gone with it, or why there is none. */
export type SlimFile = AsyncDisposable &
	({ readonly is: 'slim'; readonly path: string; readonly sizeBytes: number } | { readonly is: 'not slim'; readonly reason: string });

const timeLimitMs = 10 * 60_000;

/**
 * Makes a slim core of the core of a crash.
 *
 * @throws {ContentLost} it is gone, or another by now
 */
export async function slimFile(
	core: Core,
	{ time, association }: Pick<CrashReport, 'time' | 'association'>,
	{ places, layersOf, scratch }: SlimFileOptions,
	signal: AbortSignal,
): Promise<SlimFile> {
	await using stack = new AsyncDisposableStack();
	const none = (reason: string): SlimFile => ({ is: 'not slim', reason, [Symbol.asyncDispose]: async () => {} });
	try {
		await expectOriginal(core);
		const folder = stack.use(await scratchFolder(scratch.path));
		await using files = new AsyncDisposableStack();
		const container = layersOf && (await containerOf(association, layersOf, folder.path));
		if (container?.root) files.use(container.root);
		const where = container ? { ...places, sysroot: undefined, container: container.root } : places;
		const slim = await slimCore(core, folder.path, {
			modulesOf: (corefile) => findModules(corefile, where, Date.parse(time)),
			maxBytes: scratch.maxBytes,
			timeLimitMs,
			unpackForeign,
			signal,
		});
		await expectOriginal(core);
		if (slim.is === 'not slim') return none(slim.reason);
		const kept = stack.move();
		return { is: 'slim', path: slim.path, sizeBytes: slim.sizeBytes, [Symbol.asyncDispose]: () => kept.disposeAsync() };
	} catch (error) {
		if (error instanceof ScratchError || error instanceof CorefileError || isSystemError(error)) return none(error.message);
		throw error;
	}
}
