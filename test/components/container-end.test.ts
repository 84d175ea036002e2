import { describe, expect, test } from 'vitest';
import type { Association, Restart } from '../../src/domain/report.ts';
import { signalName } from '../../src/domain/signals.ts';
import { analyseEnd } from '../support/analysis.ts';

const where: Association = {
	...{ method: 'container status', confidence: 'exact', node: 'node-1', namespace: 'prod', pod: 'search-milvus-querynode-0' },
	...{ podUid: '1', container: 'querynode', component: 'querynode', image: 'milvusdb/milvus:v2.3.2', restartCount: 1 },
};

/** What is found out of a container that ended so. */
async function ended(
	exitCode: number,
	{ reason = 'Error', log, ...how }: Partial<Restart> & { readonly reason?: string; readonly log?: string } = {},
) {
	const number = exitCode > 128 ? exitCode - 128 : undefined;
	const restart: Restart = {
		...(number === undefined ? {} : { signal: { number, name: signalName(number) } }),
		...{ isPanic: false, isStartUp: false, isHealed: false, missed: 0, ...how },
	};
	return analyseEnd({ association: { ...where, exitCode, reason }, restart }, log);
}

const goPanic = `panic: All attempts results:
attempt #1:find no available rootcoord, check rootcoord state

goroutine 1 [running]:
github.com/milvus-io/milvus/internal/util/retry.Do(0x1, 0x2)
	/go/src/github.com/milvus-io/milvus/internal/util/retry/retry.go:42 +0x1f
main.main()
	/go/src/github.com/milvus-io/milvus/cmd/main.go:12 +0x1d
`;

describe('a container that ended without a core', () => {
	test.each([
		[137, { reason: 'OOMKilled' }, 'killed', 'SIGKILL', /^OOMKilled: it used more memory than its limit/],
		[137, {}, 'killed', 'SIGKILL', /^SIGKILL: killed from outside, and not for its memory/],
		[137, { killMessage: 'Container querynode failed liveness probe, will be restarted' }, 'killed', 'SIGKILL', /failed liveness probe/],
		[143, {}, 'killed', 'SIGTERM', /^SIGTERM: asked to end from outside/],
		[139, {}, 'fault', 'SIGSEGV', /^SIGSEGV: told by exit code 139/],
		[134, {}, 'abort', 'SIGABRT', /^SIGABRT: told by exit code 134/],
		[80, {}, 'deliberate exit', undefined, /^exit code 80: it lost its session with etcd/],
		[2, {}, 'deliberate exit', undefined, /^exit code 2: the code of a Go panic/],
		[1, {}, 'deliberate exit', undefined, /^exit code 1: it ended itself$/],
		[128, { reason: 'StartError' }, 'unknown', undefined, /^StartError: the container could not be started/],
	] as const)('exit code %i %j is %s', async (exitCode, how, kind, signal, reason) => {
		const report = await ended(exitCode, how);
		expect(report).toMatchObject({
			kind,
			reason: expect.stringMatching(reason),
			core: null,
			score: null,
			culprit: null,
			evidence: ['restart'],
		});
		expect(report.signal?.name).toBe(signal);
	});

	test('is explained by what it wrote, where that says more', async () => {
		const report = await ended(134, { log: goPanic, isPanic: true });
		expect(report).toMatchObject({ kind: 'go panic', signal: { name: 'SIGABRT' }, evidence: ['log', 'restart'], stack: 'log' });
		expect(report.reason).toMatch(/^Go panic: All attempts results/);
		expect(report.knownIssues[0]).toMatchObject({ cleanup: 'never' });
	});

	test('that used too much memory died of that, whatever it wrote before', async () => {
		const report = await ended(137, { reason: 'OOMKilled', log: goPanic });
		expect(report).toMatchObject({ kind: 'killed', signal: { name: 'SIGKILL' }, culprit: null, message: null });
		expect(report.reason).toMatch(/^OOMKilled/);
	});

	test('is compared with the release that has a fix', async () => {
		const log = "terminate called after throwing an instance of 'std::runtime_error'\n  what():  Error in GetObject[errcode:503]\n";
		const restart = { isPanic: true, isStartUp: false, isHealed: false, missed: 0 };
		const fixes = ['v2.5.8', 'v2.5.10'].map(async (tag) => {
			const association = { ...where, image: `milvusdb/milvus:${tag}`, exitCode: 134 };
			const { knownIssues } = await analyseEnd({ association, restart }, log);
			return knownIssues.find(({ fixedIn }) => fixedIn === '2.5.9')?.isFixedInImage;
		});
		expect(await Promise.all(fixes)).toEqual([false, true]);
	});
});
