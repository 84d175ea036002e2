import { expect, test } from 'vitest';
import type { Check } from '../../../src/cli/doctor/check.ts';
import { connectionsCheck, pipeCheck, sizeCheck, spaceChecks, storageCheck, timeCheck } from '../../../src/cli/doctor/coredump-limits.ts';
import { type Demand, demandOf } from '../../../src/cli/doctor/demand.ts';
import type { CoredumpSettings, HandlerLimits } from '../../../src/readers/systemdconf/systemdconf.ts';

const gibibyte = 1024 ** 3;
const usual = demandOf();
const large: Demand = { coreBytes: 64 * gibibyte, whose: 'a/querynode-0, by the limit of its memory', crashesAtOnce: 20 };

const settings = (more: Partial<CoredumpSettings> = {}): CoredumpSettings => ({
	...{ storage: 'external', processSizeMax: 32 * gibibyte, externalSizeMax: 32 * gibibyte, maxUse: undefined, keepFree: undefined },
	...more,
});
const limits = (more: Partial<HandlerLimits> = {}): HandlerLimits => ({
	...{ maxConnections: 16, maxConnectionsPerSource: 0, runtimeMaxMs: 300_000 },
	...more,
});
const disk = (sizeGiB: number, freeGiB: number) => ({ sizeBytes: sizeGiB * gibibyte, freeBytes: freeGiB * gibibyte });

test('each limit of systemd-coredump is told with what to change, and by the words of a report', async () => {
	const { POSITIVE_INFINITY: unlimited } = Number;
	const checks: readonly (Check | undefined)[] = [
		...[0, 4, 8].map((limit) => pipeCheck(limit, usual)),
		pipeCheck(16, large),
		connectionsCheck(limits(), usual),
		connectionsCheck(limits({ maxConnectionsPerSource: 8 }), usual),
		connectionsCheck(limits({ maxConnectionsPerSource: 4 }), usual),
		connectionsCheck(limits({ maxConnectionsPerSource: 64 }), large),
		...(['external', 'journal', 'none'] as const).map((storage) => storageCheck({ ...settings(), storage })),
		sizeCheck(settings(), usual),
		sizeCheck(settings({ externalSizeMax: unlimited }), large),
		sizeCheck(settings(), large),
		sizeCheck(settings({ processSizeMax: 2 * gibibyte, externalSizeMax: 2 * gibibyte }), usual),
		sizeCheck(settings({ externalSizeMax: 2 * gibibyte }), usual),
		sizeCheck(settings({ processSizeMax: 0 }), usual), // stored whole, without systemd's own stack
		...spaceChecks(settings(), disk(500, 100), usual),
		...spaceChecks(settings({ maxUse: 0, keepFree: 0 }), disk(500, 100), large),
		...spaceChecks(settings({ maxUse: 100 * gibibyte }), disk(20, 2), usual),
		...spaceChecks(settings({ maxUse: 100 * gibibyte }), disk(500, 5), usual),
		timeCheck(limits(), usual),
		timeCheck(limits({ runtimeMaxMs: unlimited }), large),
		timeCheck(limits(), large),
	];
	const told = checks.map((check) => `${check?.state} ${check?.subject}: ${check?.finding}\n${check?.todo ? `\t→ ${check.todo}\n` : ''}`);
	await expect(told.join('')).toMatchFileSnapshot('../../fixtures/doctor/coredump-limits.txt');
});

test('of what is not known nothing is told', () => {
	expect(sizeCheck(settings({ processSizeMax: undefined, externalSizeMax: undefined }), usual)).toBeUndefined();
	expect(connectionsCheck(limits({ maxConnections: undefined, maxConnectionsPerSource: undefined }), usual)).toBeUndefined();
	expect(timeCheck(limits({ runtimeMaxMs: undefined }), usual)).toBeUndefined();
});

test('what Milvus may need is what the pods of this node may use, and without a limit at least the least', () => {
	const pod = (name: string, memoryBytes: number | undefined) => ({
		...{ namespace: 'a', name, memoryBytes, mounts: [] },
		membership: { instance: { namespace: 'a', name: 'a', kind: 'helm' } as const },
	});
	const whose = (name: string) => `a/${name}, by the limit of its memory`;
	expect(demandOf([])).toEqual(usual);
	expect(demandOf([pod('x', 4e9), pod('y', 64e9)])).toEqual({ coreBytes: 64e9, whose: whose('y'), crashesAtOnce: 8 });
	expect(demandOf([pod('x', 1e9), pod('y', 2e9)])).toMatchObject({ coreBytes: 2e9, whose: whose('y') });
	expect(demandOf([pod('x', 1e9), pod('y', undefined)])).toEqual(usual);
	expect(demandOf([pod('x', 64e9), pod('y', undefined)])).toMatchObject({ coreBytes: 64e9, whose: whose('x') });
	expect(demandOf(Array.from({ length: 30 }, () => pod('x', undefined)))).toEqual({ ...usual, crashesAtOnce: 30 });
});
