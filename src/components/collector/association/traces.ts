import { basename } from 'node:path';
import { defined } from '../../../base/defined.ts';
import type { Bodies } from '../../../domain/events.ts';
import { coredumpAttributes } from '../../../drivers/attributes/attributes.ts';
import { unpackForeign } from '../../../drivers/compression/compression.ts';
import { type Corefile, readHead, readPass } from '../../../readers/corefile/corefile.ts';
import { readOrigin } from '../../../readers/corename/corename.ts';
import type { Traces } from './association.ts';

/** What `kubectl exec` and the images call it. */
const milvusProgram = 'milvus';

const environmentNames = ['HOSTNAME', 'POD_NAMESPACE'];

/**
 * What a core says of where its process ran. An uncompressed one is asked for its environment too, for which another would have to be read whole.
 *
 * @param record what systemd-coredump recorded of it: the only one to be believed about the cgroup
 * @throws {CorefileError} it is no core any more
 */
export async function tracesOf(
	{ core, time, writtenAt }: Bodies['FoundCore'],
	record: Bodies['CoreRecord'] | undefined,
	corePattern: string | undefined,
): Promise<Traces> {
	const reading = { environmentNames, unpackForeign };
	const corefile: Corefile = await (core.encoding === 'raw' ? readPass(core.path, reading) : readHead(core.path, reading));
	const origin = await readOrigin(core.path, { attributes: await coredumpAttributes(core.path), pattern: corePattern });
	const environment = corefile.initialStack?.environment ?? {};
	const executable = corefile.executable ?? origin.executable ?? record?.executable;
	return {
		timeMs: Date.parse(time),
		writtenAtMs: Date.parse(writtenAt),
		...defined({
			signal: corefile.siginfo?.signal ?? corefile.threads[0]?.signal ?? origin.signal ?? record?.signal,
			host: origin.hostname ?? environment.HOSTNAME ?? record?.host,
			namespace: environment.POD_NAMESPACE,
			container: record?.container,
		}),
		isMilvus: executable === undefined ? origin.name === milvusProgram : basename(executable) === milvusProgram,
	};
}

/** The same of a crash of which nothing is left but the record. */
export const tracesOfRecord = ({ time, recordedAt, signal, host, container, executable, name }: Bodies['CoreRecord']): Traces => ({
	timeMs: Date.parse(time),
	writtenAtMs: Date.parse(recordedAt),
	signal,
	...defined({ host, container }),
	isMilvus: executable === undefined ? name === milvusProgram : basename(executable) === milvusProgram,
});
