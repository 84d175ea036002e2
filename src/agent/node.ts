import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Part } from './part.ts';
import { makePieces, type OnCluster } from './pieces.ts';
import type { ConfigWithFiles } from './reload.ts';
import { startWork, type Work } from './work.ts';

/**
 * The part that works on the crashes of one machine. When the configuration changes, what depends on it is stopped and started; the journal stays
 * open in between.
 *
 * @throws {JournalError} the journal is in use by another agent, or can't be used
 */
export async function nodePart(configured: ConfigWithFiles, onCluster: OnCluster | undefined, telemetry: Telemetry): Promise<Part> {
	let pieces = await makePieces(configured, onCluster, telemetry);
	telemetry.componentReady('journal');
	const failure = Promise.withResolvers<never>();
	failure.promise.catch(() => {}); // whoever waits for it hears of it
	let work: Work | undefined;

	async function start(): Promise<void> {
		work = await startWork(pieces, telemetry);
		work.ended.catch(failure.reject);
	}
	const stop = async () => (await work?.stop()) ?? 0;

	return {
		start,
		stop,
		failed: failure.promise,
		async prepare(change) {
			const before = pieces;
			const next = await makePieces(change, onCluster, telemetry, before);
			return async (signal) => {
				pieces = next;
				if (!change.keys.some(concernsWork)) return;
				telemetry.workStopped({ givenBack: await stop() });
				if (next.journal !== before.journal) before.journal[Symbol.dispose]();
				if (!signal.aborted) await start();
			};
		},
		[Symbol.dispose]: () => pieces.journal[Symbol.dispose](),
	};
}

/** All but what can be changed under running work. */
const concernsWork = (key: string) => !/^(log|monitor)\./.test(key) || key.startsWith('monitor.crashReports.');
