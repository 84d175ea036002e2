import { basename } from 'node:path';
import { defined } from '../../../base/defined.ts';
import { codeOf } from '../../../base/errors.ts';
import type { Bodies, Traces } from '../../../domain/events.ts';
import { coredumpAttributes } from '../../../drivers/attributes/attributes.ts';
import { unpackForeign } from '../../../drivers/compression/compression.ts';
import { type Corefile, CorefileError, readHead, readPass } from '../../../readers/corefile/corefile.ts';
import { type Origin, originOf, readOrigin } from '../../../readers/corename/corename.ts';

/** What the images call it; what is made to try things out is called after it. */
const milvusProgram = /^milvus(?:$|[-_])/;

const environmentNames = ['HOSTNAME', 'POD_NAMESPACE'];

type Core = Bodies['FoundCore'];
type CoreRecord = Bodies['CoreRecord'];

/**
 * What a core says of where its process ran. One that is gone, or is none any more, is known by its name only.
 *
 * @param record what systemd-coredump recorded of it: the only one to be believed about the cgroup
 * @throws {NoUnpackerError} the program that unpacks it is not installed
 */
export async function tracesOf(found: Core, record: CoreRecord | undefined, corePattern: string | undefined): Promise<Traces> {
	const { path } = found.core;
	const corefile = await unlessGone(() => contentOf(found));
	const attributes = (await unlessGone(() => coredumpAttributes(path))) ?? {};
	const options = { attributes, pattern: corePattern };
	const origin = (await unlessGone(() => readOrigin(path, options))) ?? originOf(basename(path), attributes, corePattern);
	return tracesFrom(found, corefile, origin, record);
}

/** An uncompressed one is asked for its environment too, for which another would have to be read whole. */
const contentOf = ({ core: { path, encoding } }: Core): Promise<Corefile> =>
	(encoding === 'raw' ? readPass : readHead)(path, { environmentNames, unpackForeign });

async function unlessGone<T>(read: () => Promise<T>): Promise<T | undefined> {
	try {
		return await read();
	} catch (error) {
		if (error instanceof CorefileError || codeOf(error) === 'ENOENT') return undefined;
		throw error;
	}
}

/** The same of what was read already. */
export function tracesFrom(
	{ time, writtenAt }: Pick<Core, 'time' | 'writtenAt'>,
	corefile: Pick<Corefile, 'siginfo' | 'threads' | 'executable' | 'initialStack'> | undefined,
	origin: Origin,
	record: CoreRecord | undefined,
): Traces {
	const environment = corefile?.initialStack?.environment ?? {};
	const executable = corefile?.executable ?? origin.executable ?? record?.executable;
	return {
		time,
		writtenAt,
		...defined({
			signal: corefile?.siginfo?.signal ?? corefile?.threads[0]?.signal ?? origin.signal ?? record?.signal,
			host: origin.hostname ?? record?.host ?? environment.HOSTNAME,
			namespace: environment.POD_NAMESPACE,
			isMilvus: isMilvus(executable, record?.name ?? origin.name),
		}),
		...ofRecord(record),
	};
}

/** The same of a crash of which nothing is left but the record. */
export const tracesOfRecord = (record: CoreRecord): Traces => ({
	time: record.time,
	writtenAt: record.recordedAt,
	signal: record.signal,
	...defined({ host: record.host, isMilvus: isMilvus(record.executable, record.name) }),
	...ofRecord(record),
});

/** What a record adds: which container it was, or that it was none. */
export const ofRecord = (record: CoreRecord | undefined): Pick<Traces, 'container' | 'isOutsidePods'> => {
	if (!record) return {};
	return record.container ? { container: record.container } : { isOutsidePods: true };
};

/** Threads are called otherwise, and some name their core by the thread that crashed: another name than Milvus' says nothing. */
function isMilvus(executable: string | undefined, name: string | undefined): boolean | undefined {
	if (executable !== undefined) return milvusProgram.test(basename(executable));
	return (name !== undefined && milvusProgram.test(name)) || undefined;
}
