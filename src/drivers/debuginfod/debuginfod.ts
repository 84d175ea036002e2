import { isSystemError } from '../../base/errors.ts';
import { formatSpan } from '../../base/quantity.ts';
import { timeLimit } from '../../base/time-limit.ts';
import { addressOf } from './address.ts';
import { type Came, fetched, whatIsWrong } from './asking.ts';
import { buildFileName, type FileKind } from './file-kind.ts';
import { keptFiles } from './kept-files.ts';
import { memory } from './memory.ts';
import { outage } from './outage.ts';
import type { RoomLimits } from './room.ts';

export { type BuiltFile, builtFile, readBuilt } from './built-file.ts';
export { type BuildFileName, buildFileName, type FileKind } from './file-kind.ts';

export type Answer =
	/** It is of the build that was asked for, and whole. */
	| { readonly is: 'file'; readonly path: string }
	/** The server has none. */
	| { readonly is: 'none' }
	/** In words; what came of it, if anything, is not used. */
	| { readonly is: 'failed'; readonly reason: string }
	/** The server is left alone now, for a reason in words. */
	| { readonly is: 'not asked'; readonly reason: string };

/** A server of executables, libraries and their debug information by build-id. Source: debuginfod(8), WEBAPI. */
export type Debuginfod = {
	/** Its address, without what may be secret in it. */
	readonly shown: string;
	/** The questions for one crash. @param signal ends them */
	session(signal: AbortSignal): Session;
};

export type Session = Disposable & {
	/**
	 * A file of the build, of those that were fetched before, or from the server.
	 *
	 * @param buildId in hex
	 * @throws the signal's reason
	 */
	fileOf(buildId: string, kind: FileKind): Promise<Answer>;
};

/** What became of one request. */
export type DebuginfodCall = { readonly address: string; readonly kind: FileKind; readonly outcome: Came['is']; readonly ms: number };

export type DebuginfodOptions = {
	/** It begins with http:// or https://; user name and password in it are sent to it alone. */
	readonly address: string;
	/** Where files are kept, laid out as a folder of debug information is; made if it is not there. */
	readonly folder: string;
	readonly limits?: DebuginfodLimits;
	/** In ms, from any moment on. */
	readonly now?: () => number;
	readonly onCall?: (call: DebuginfodCall) => void;
};

export type DebuginfodLimits = RoomLimits & {
	readonly mostFileBytes: number;
	/** Without a byte. A server may have to unpack a package first. */
	readonly silenceMs: number;
	/** For all files of one crash. */
	readonly sessionMs: number;
	/** For how long a server is left alone that failed. */
	readonly restMs: number;
	/** For how long a file is not asked for again that the server does not have, or has wrong. */
	readonly rememberMs: number;
};

export const usualLimits: DebuginfodLimits = {
	mostFileBytes: 2 * 2 ** 30,
	mostBytes: 4e9,
	floorBytes: 256 << 20,
	inUseMs: 30 * 60_000,
	silenceMs: 30_000,
	sessionMs: 5 * 60_000,
	restMs: 5 * 60_000,
	rememberMs: 3600_000,
};

/** Asks one server. It is told build-ids, and nothing else of a crash. */
export function debuginfod({
	folder,
	limits = usualLimits,
	now = () => performance.now(),
	onCall = () => {},
	...given
}: DebuginfodOptions): Debuginfod {
	const address = addressOf(given.address);
	const kept = keptFiles(folder, limits);
	const server = outage(limits.restMs, now);
	const remembered = memory<Answer>(limits.rememberMs, now);

	async function answerOf(buildId: string, kind: FileKind, signal: AbortSignal): Promise<Answer> {
		const name = buildFileName(buildId, kind);
		const path = await kept.find(name, async (file) => (await whatIsWrong(file, buildId)) === undefined);
		if (path !== undefined) return { is: 'file', path };
		const known = remembered.recall(name);
		if (known) return known;
		if (server.reason !== undefined) return { is: 'not asked', reason: server.reason };
		const start = now();
		const came = await fetched(buildId, kind, { address, kept, limits }, signal);
		onCall({ address: address.shown, kind, outcome: came.is, ms: Math.round(now() - start) });
		return judged(came, name);
	}

	function judged(came: Came, name: string): Answer {
		switch (came.is) {
			case 'file':
				server.over();
				return came;
			case 'none':
				server.over();
				return remembered.keep(name, came);
			case 'refused':
				server.failed(came.reason, false);
				return remembered.keep(name, { is: 'failed', reason: came.reason });
			case 'no room':
				return { is: 'failed', reason: came.reason };
			case 'failed':
				server.failed(came.reason, came.isSure);
				return { is: 'failed', reason: came.reason };
			default:
				return came satisfies never;
		}
	}

	function leaveAlone(reason: string): Answer {
		server.failed(reason, true);
		return { is: 'not asked', reason };
	}

	function session(signal: AbortSignal): Session {
		const limit = timeLimit(signal, limits.sessionMs);
		const asked = new Map<string, Promise<Answer>>();

		async function told(buildId: string, kind: FileKind): Promise<Answer> {
			try {
				return await answerOf(buildId, kind, limit.signal);
			} catch (error) {
				signal.throwIfAborted();
				if (limit.isOver) return leaveAlone(`the files of one crash took longer than ${formatSpan(limits.sessionMs)}`);
				if (isSystemError(error)) return leaveAlone(`its files can't be kept in ${folder}: ${error.message}`);
				throw error;
			}
		}

		return {
			fileOf(buildId, kind) {
				const name = buildFileName(buildId, kind);
				const answer = asked.get(name) ?? told(buildId, kind);
				asked.set(name, answer);
				return answer;
			},
			[Symbol.dispose]: () => limit[Symbol.dispose](),
		};
	}

	return { shown: address.shown, session };
}
