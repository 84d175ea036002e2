import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type HelmRelease, ReleaseRecordError, readRelease } from '../../src/readers/helmrelease/helmrelease.ts';
import { root } from '../support/crash.ts';

const base64 = (bytes: Buffer | string) => Buffer.from(bytes).toString('base64');
/** As the Secret has it, in the answer of the API. */
const kept = (json: Buffer | string) => base64(base64(gzipSync(json)));

const deployment = `---
# Source: milvus/templates/querynode.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: a-milvus-querynode
`;
const record = {
	name: 'a',
	info: { status: 'deployed', notes: 'the password is secret' },
	chart: { metadata: { name: 'milvus', version: '5.0.19' }, templates: [{ data: 'x' }], values: { password: 'secret' } },
	config: { minio: { rootPassword: 'secret' } },
	manifest: deployment,
	version: 3,
	namespace: 'db',
};
const read = (changes: object = {}): Promise<HelmRelease> => readRelease(kept(JSON.stringify({ ...record, ...changes })));

describe('a release record', () => {
	test('tells what was installed, as what, and how it stands, and none of the values', async () => {
		const release = await read();
		expect(release).toEqual({
			...{ name: 'a', namespace: 'db', revision: 3, status: 'deployed' },
			chart: { name: 'milvus', version: '5.0.19' },
			objects: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'a-milvus-querynode' }],
			hooks: [],
		});
		expect(JSON.stringify(release)).not.toContain('secret');
	});

	test('that is not packed, as old ones are, is read too', async () => {
		expect(await readRelease(base64(base64(JSON.stringify(record))))).toMatchObject({ name: 'a', revision: 3 });
	});

	test('parts its manifest where Helm does, and takes nothing for an object that is none', async () => {
		const manifest = `
---
# only a comment
---apiVersion: v1
kind: ConfigMap
metadata: { name: glued }
---
apiVersion: v1
kind: List
items:
- { apiVersion: v1, kind: Service, metadata: { name: one, namespace: other } }
- { apiVersion: v1, kind: Service, metadata: { name: two } }
---

---
{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a:reader"}}
`;
		expect((await read({ manifest })).objects).toEqual([
			{ apiVersion: 'v1', kind: 'ConfigMap', name: 'glued' },
			{ apiVersion: 'v1', kind: 'Service', name: 'one', namespace: 'other' },
			{ apiVersion: 'v1', kind: 'Service', name: 'two' },
			{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: 'a:reader' },
		]);
	});

	test('has the policy of an object, and the claims of its pods', async () => {
		const manifest = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: a-milvus, annotations: { helm.sh/resource-policy: ' Keep' } }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: a-etcd, name: a-etcd }
spec:
  persistentVolumeClaimRetentionPolicy: { whenDeleted: Delete }
  template: { spec: { volumes: [{ name: config, configMap: {} }, { name: old, persistentVolumeClaim: { claimName: old } }] } }
  volumeClaimTemplates: [{ metadata: { name: data } }]
`;
		expect((await read({ manifest })).objects).toEqual([
			{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'a-milvus', resourcePolicy: 'keep' },
			{
				apiVersion: 'apps/v1',
				kind: 'StatefulSet',
				name: 'a-etcd',
				claims: { templates: ['data'], areDeletedWithIt: true, named: ['old'] },
			},
		]);
	});

	test('has its hooks, with when they run and when they go', async () => {
		const hooks = [
			{
				name: 'h',
				kind: 'Job',
				events: ['pre-delete'],
				delete_policies: ['hook-succeeded'],
				manifest: 'apiVersion: batch/v1\nkind: Job\nmetadata: {name: h}',
			},
		];
		expect((await read({ hooks })).hooks).toEqual([
			{ object: { apiVersion: 'batch/v1', kind: 'Job', name: 'h' }, events: ['pre-delete'], deletePolicies: ['hook-succeeded'] },
		]);
	});
});

describe('a record that Helm did not write', () => {
	const many = (count: number, text: string) => text.repeat(count);
	const broken: Readonly<Record<string, [() => string, string]>> = {
		'nothing at all': [() => '', 'is not JSON'],
		'no base64': [() => '\u{1f600}', 'is not JSON'],
		'packed data that ends in the middle': [() => base64(base64(gzipSync('{}').subarray(0, 15))), 'the gzip data is damaged'],
		'a gzip bomb': [() => kept(Buffer.alloc(64 << 20)), 'is longer than 16 MiB when it is unpacked'],
		'a list': [() => kept('[]'), 'is not a JSON object where one is expected'],
		'half of an object': [() => kept('{"name": "a", "info": {'), 'is not JSON'],
		'no manifest': [() => kept(JSON.stringify({ ...record, manifest: undefined })), 'has no manifest'],
		'a manifest that is no text': [() => kept(JSON.stringify({ ...record, manifest: [deployment] })), 'has no manifest'],
		'a chart whose name would be a second line': [
			() => kept(JSON.stringify({ ...record, chart: { metadata: { name: 'milvus\nroot', version: '1' } } })),
			'has an odd chart.metadata.name',
		],
		'no chart': [() => kept(JSON.stringify({ ...record, chart: {} })), 'has no chart.metadata.name'],
		'a field twice, of which Helm takes the last': [
			() => kept(JSON.stringify({ ...record, Manifest: 'kind: Other' })),
			'has the field "manifest" twice',
		],
		'a field twice, in letters that Go takes for the same': [() => kept(JSON.stringify({ ...record, 'manife\u017ft': '' })), 'twice'],
		'millions of lists': [
			() => kept(`{"hooks": [${many(1_500_000, '[],')}[]], ${JSON.stringify(record).slice(1)}`),
			'has more than 256 KiB of hooks',
		],
		'a manifest that is no YAML': [() => kept(JSON.stringify({ ...record, manifest: 'kind: [' })), 'has a manifest that is not YAML'],
		'a manifest that nests deeply': [
			() => kept(JSON.stringify({ ...record, manifest: many(30_000, '[') })),
			'has a manifest that is not YAML',
		],
		'a manifest of many values': [
			() => kept(JSON.stringify({ ...record, manifest: `[${many(40_000, '[],')}]` })),
			'is larger than charts make',
		],
		'a manifest that multiplies by its aliases': [
			() => {
				const lines = Array.from({ length: 30 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}, *a${index}]`);
				return kept(JSON.stringify({ ...record, manifest: `a0: &a0 x\n${lines.join('\n')}` }));
			},
			'has a manifest that is not YAML',
		],
		'a manifest without end': [
			() => kept(JSON.stringify({ ...record, manifest: many(5 << 20, 'x') })),
			'has a manifest of more than 4 MiB',
		],
		'an object without a name': [
			() => kept(JSON.stringify({ ...record, manifest: 'apiVersion: v1\nkind: Pod' })),
			'without apiVersion, kind or name',
		],
		'a name that leads elsewhere': [
			() => kept(JSON.stringify({ ...record, manifest: 'apiVersion: v1\nkind: Pod\nmetadata: {name: ../../nodes/a}' })),
			'has an object in its manifest whose name is none',
		],
	};
	for (const [name, [data, message]] of Object.entries(broken)) {
		test(`${name} is refused in words that quote nothing of it`, async () => {
			const refused = await readRelease(data()).catch((error: Error) => error);
			expect(refused).toBeInstanceOf(ReleaseRecordError);
			expect((refused as Error).message).toContain(message);
			expect((refused as Error).message).not.toContain('secret');
		});
	}

	test('keeps its values to itself, however large they are, and takes little memory', async () => {
		const lists = `[${many(2_000_000, '[],')}[]]`;
		const values = kept(
			`{"config": ${lists}, "chart": {"values": ${lists}, ${JSON.stringify(record.chart).slice(1)}, ${JSON.stringify({ ...record, chart: undefined }).slice(1)}`,
		);
		const objects = Array.from(
			{ length: 5 },
			() => `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: [${many(19_000, '[],')}]}`,
		);
		const script = `
			import { readRelease } from ${JSON.stringify(join(root, 'src/readers/helmrelease/helmrelease.ts'))};
			import { text } from 'node:stream/consumers';
			for (const data of (await text(process.stdin)).split(' ')) console.log(await readRelease(data).then(({ name }) => name, ({ message }) => message));
		`;
		const reading = promisify(execFile)(process.execPath, ['--max-old-space-size=64', '--input-type=module', '-e', script]);
		reading.child.stdin?.end([values, kept(JSON.stringify({ ...record, manifest: objects.join('\n---\n') }))].join(' '));
		expect((await reading).stdout.split('\n')).toEqual(['a', 'a', '']);
	});
});
