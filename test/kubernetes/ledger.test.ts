import { expect, test } from 'vitest';
import { clusterLedger } from '../../src/components/opinion/cluster-ledger.ts';
import { emptyBook, type Ledger, LedgerUnavailable } from '../../src/domain/ledger.ts';
import { opinionsName as name } from '../../src/domain/rights.ts';
import { connect } from '../../src/drivers/kubernetes/kubernetes.ts';
import { type Kept, ledgerContract } from '../contract/ledger.ts';
import type { Stored } from '../support/kubernetes/api.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';

const never = new AbortController().signal;

/** An empty ConfigMap in a namespace of its own, and agents with connections of their own. */
async function scene() {
	const cluster = await sharedControlPlane();
	const namespace = await cluster.namespace();
	const path = `/api/v1/namespaces/${namespace.name}/configmaps/${name}`;
	const metadata = { name, namespace: namespace.name, labels: { app: 'milvus-coredump-agent' }, annotations: { by: 'somebody' } };
	await cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
	const made = new AsyncDisposableStack();
	made.use(namespace);
	const agent = async (kubeconfig = cluster.kubeconfig) => {
		const connected = made.use(await connect({ kubeconfig, environment: {} }));
		return clusterLedger({ cluster: connected, namespace: namespace.name });
	};
	return {
		...{ cluster, namespace: namespace.name, path, agent },
		object: () => cluster.call<Stored>('GET', path),
		[Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
	};
}

async function kept(): Promise<Kept> {
	const { cluster, path, agent, object, ...more } = await scene();
	return {
		ledger: await agent(),
		another: agent,
		afterRestart: agent,
		async text() {
			const { metadata, data } = await object();
			return data && `${metadata.resourceVersion} ${data.book}`;
		},
		async spoil(book) {
			await cluster.call('PUT', path, { ...(await object()), data: { book } });
		},
		[Symbol.asyncDispose]: more[Symbol.asyncDispose],
	};
}

const write = (ledger: Ledger) => ledger.change((book) => [{ ...book }, undefined], never);
const refusal = (ledger: Ledger) =>
	write(ledger).then(
		() => expect.fail('it is written'),
		(error: Error) => {
			expect(error).toBeInstanceOf(LedgerUnavailable);
			expect(error.message).not.toContain('\n');
			return error.message;
		},
	);

describeKubernetes('a ledger in the cluster', () => {
	ledgerContract(kept);

	test('changes nothing of the object but the book', async () => {
		await using scenery = await scene();
		const { cluster, path } = scenery;
		await cluster.call('PUT', path, { ...(await scenery.object()), data: { other: 'text' } });
		await write(await scenery.agent());
		const { metadata, data } = await scenery.object();
		expect(metadata).toMatchObject({ labels: { app: 'milvus-coredump-agent' }, annotations: { by: 'somebody' } });
		expect(data).toEqual({ other: 'text', book: JSON.stringify(emptyBook) });
	});

	test('says by which command a book that can not be read is begun anew', async () => {
		await using scenery = await scene();
		const { cluster, path } = scenery;
		await cluster.call('PUT', path, { ...(await scenery.object()), data: { book: '{' } });
		const ledger = await scenery.agent();
		const [, command = ''] = (await refusal(ledger)).split('to begin anew: kubectl ');
		await cluster.kubectl(...command.replaceAll("'", '').split(' '));
		await write(ledger);
		expect((await scenery.object()).data).toEqual({ book: JSON.stringify(emptyBook) });
	});

	test('says what to do where the object is not there, and makes none', async () => {
		await using scenery = await scene();
		const { cluster, path, namespace } = scenery;
		await cluster.call('DELETE', path);
		expect(await refusal(await scenery.agent())).toBe(
			`there is no ConfigMap ${namespace}/${name}, in which the cost of asking models is kept: apply the chart or deploy/rbac.yaml again`,
		);
		await expect(scenery.object()).rejects.toMatchObject({ status: 404 });
	});

	test('names the right that is missing', async () => {
		await using scenery = await scene();
		const { cluster, namespace } = scenery;
		await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody', namespace } });
		const ledger = await scenery.agent(await cluster.kubeconfigOf(namespace, 'nobody'));
		expect(await refusal(ledger)).toMatch(
			/cannot get resource "configmaps".*; the right is in the chart and in deploy\/rbac\.yaml: apply them again$/,
		);
	});

	test('is not there while the API server is not', async () => {
		await using scenery = await scene();
		using cluster = await connect({ kubeconfig: scenery.cluster.kubeconfig, environment: {}, timeoutMs: 1 });
		expect(await refusal(clusterLedger({ cluster, namespace: scenery.namespace }))).toContain("can't get configmaps");
	});

	test('gives up where it is always overtaken', async () => {
		await using scenery = await scene();
		using cluster = await connect({ kubeconfig: scenery.cluster.kubeconfig, environment: {} });
		const overtaken: typeof cluster = {
			...cluster,
			async replace(path, body, options, signal) {
				const { data, metadata } = await scenery.object();
				await scenery.cluster.call('PUT', path, {
					apiVersion: 'v1',
					kind: 'ConfigMap',
					metadata,
					data: { ...data, other: String(Math.random()) },
				});
				return cluster.replace(path, body, options, signal);
			},
		};
		const ledger = clusterLedger({ cluster: overtaken, namespace: scenery.namespace, random: () => 0 });
		expect(await refusal(ledger)).toBe(`ConfigMap ${scenery.namespace}/${name} is written by too many at once: 12 tries were overtaken`);
	});
});
