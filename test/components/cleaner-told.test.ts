import { expect, test } from 'vitest';
import { contentsOf } from '../../src/components/cleaner/told.ts';
import type { Contents, ObjectName } from '../../src/domain/contents.ts';

const namespace = 'milvus';
const object = (kind: string, name: string): ObjectName => ({ apiVersion: kind === 'ConfigMap' ? 'v1' : 'apps/v1', kind, namespace, name });
const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `my-release-${prefix}-${index}`);
const report = { name: 'my-release-milvus-querynode-7984c5d87b-rtdcj-4b227777d4dd', count: 4 };

/** As many as Milvus' chart has in cluster mode, with etcd, MinIO and Pulsar. */
function cluster({ isLost = false, claims = 16, objects = 36 } = {}) {
	const why = 'for a pod of StatefulSet my-release-pulsarv3-bookie, and no part of the release';
	const volumes = named('pulsarv3-bookie-journal', claims).map((name) => ({ namespace, name, isLost, why }));
	const kept = volumes.map(({ name }) => ({ ...object('PersistentVolumeClaim', name), apiVersion: 'v1' }));
	return {
		is: 'known',
		goes: [
			...named('config', objects).map((name) => object('ConfigMap', name)),
			...named('pulsarv3-set', 9).map((name) => object('StatefulSet', name)),
			...(isLost ? kept : []),
		],
		stays: isLost ? [] : kept.map((claim) => ({ ...claim, why })),
		volumes,
	} as const satisfies Contents;
}

test('all of a Milvus cluster is told, each once: what goes, and what becomes of the volumes', () => {
	for (const isLost of [false, true]) {
		const told = contentsOf(cluster({ isLost }), [report]);
		expect(told.omitted).toBeUndefined();
		expect(told.goes).toHaveLength(45);
		expect(told.volumes).toHaveLength(16);
		expect(told.stays).toEqual([]);
	}
});

test('of what is more, volumes and what has pods are told first, and neither leaves no room for the other', () => {
	const told = contentsOf(cluster({ claims: 200, objects: 200 }), [report]);
	expect(told.goes?.slice(0, 9).map(({ kind }) => kind)).toEqual(Array.from({ length: 9 }, () => 'StatefulSet'));
	expect(told.goes?.length).toBeGreaterThan(20);
	expect(told.volumes?.length).toBeGreaterThan(15);
	expect(told.omitted).toBe(200 + 209 - (told.goes?.length ?? 0) - (told.volumes?.length ?? 0));
});

test('what many reports take, contents do not', () => {
	const many = contentsOf(
		cluster(),
		Array.from({ length: 30 }, () => ({ ...report, name: report.name.repeat(4) })),
	);
	const few = contentsOf(cluster(), [report]);
	expect(many.omitted).toBeGreaterThan(0);
	expect(JSON.stringify(many).length).toBeLessThan(JSON.stringify(few).length - 1000);
	expect(many.volumes?.length).toBeGreaterThan(8);
	expect(many.goes?.length).toBeGreaterThan(8);
});
