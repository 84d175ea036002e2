import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setCorePattern } from './crash.ts';
import type { Missing } from './needed.ts';
import { systemdCoredump, whyNoSystemdCoredump } from './systemd-coredump/systemd-coredump.ts';

/** A way by which a machine keeps cores, in force until the end of the block. */
export type CoreWay = AsyncDisposable & {
	/** The folder that holds them. */
	readonly cores: string;
	/** The folder of the machine's journal, where there is one. */
	readonly journal?: string;
	/** Where the kernel writes, as the process that crashes sees it, the folder must be mounted in each pod; a handler writes on the machine. */
	readonly isWrittenInPod: boolean;
};

export type Way = {
	readonly name: string;
	readonly missing: Missing;
	/** @param folder an empty one, which is the caller's to remove */
	take(folder: string): Promise<CoreWay>;
};

const fileName = 'core.%e.%P.%h.%t';

const pathPattern: Way = {
	name: 'a path as pattern',
	missing: null,
	async take(folder) {
		const cores = join(folder, 'cores');
		mkdirSync(cores, { recursive: true });
		return Object.assign(await setCorePattern(join(cores, fileName)), { cores, isWrittenInPod: true });
	},
};

/** As clusters have them: a few lines that write what they are given to a folder of the node. */
export const pipeHandler: Way = {
	name: 'a pipe handler',
	missing: null,
	async take(folder) {
		const cores = join(folder, 'cores');
		mkdirSync(cores, { recursive: true });
		const handler = join(folder, 'keep-core');
		writeFileSync(handler, `#!/bin/sh\nexec cat >"${cores}/$1"\n`);
		chmodSync(handler, 0o755);
		return Object.assign(await setCorePattern(`|${handler} ${fileName}`), { cores, isWrittenInPod: false });
	},
};

const systemd: Way = {
	name: 'systemd-coredump',
	missing: await whyNoSystemdCoredump(),
	async take(folder) {
		return Object.assign(await systemdCoredump(folder), { isWrittenInPod: false });
	},
};

export const ways: readonly Way[] = [systemd, pathPattern, pipeHandler];
