import type { Channel } from './files.ts';
import type { SimulatedNode } from './node.ts';

type Situation = (node: SimulatedNode, name: string) => void;

const second = 1_000;
const minute = 60 * second;
/** Those that name the host. */
const named: readonly Channel[] = ['attributes', 'path pattern', 'environment'];
const any: readonly Channel[] = ['journald', ...named];
/** The pods of a situation go when all is over. */
const overMs = 6 * minute;

/** Each begins now; what it is about happens within some seconds. */
export const situations: Readonly<Record<string, Situation>> = {
	'recorded by journald': (node, situation) => soon(node, () => node.crash({ situation, pod: milvus(node), channel: 'journald' })),
	'host name in the file’s attributes': (node, situation) =>
		soon(node, () => node.crash({ situation, pod: milvus(node), channel: 'attributes' })),
	'host name in the path': (node, situation) => soon(node, () => node.crash({ situation, pod: milvus(node), channel: 'path pattern' })),
	'host name in the environment': (node, situation) =>
		soon(node, () => node.crash({ situation, pod: milvus(node), channel: 'environment' })),
	'no host name': (node, situation) => soon(node, () => node.crash({ situation, pod: milvus(node), channel: 'bare' })),
	'one name, two namespaces, one crashes': (node, situation) => {
		const [one] = twins(node);
		soon(node, () => node.crash({ situation, pod: one, channel: node.random.one(any) }));
	},
	'one name, two namespaces, both crash': (node, situation) => {
		const channel = node.random.one(any);
		const hasNamespace = node.random.isTrue(0.5);
		const both = twins(node);
		soon(node, () => {
			for (const pod of both) node.crash({ situation, pod, channel, signal: 11, hasNamespace });
		});
	},
	'host name that was cut': (node, situation) => {
		const start = `${'milvus-with-a-name-of-more-than-sixty-three-characters'}-${node.now().toString(36)}-x`;
		const [one] = [milvus(node, { name: `${start}-querynode-0` }), milvus(node, { name: `${start}-querynode-1` })];
		soon(node, () => node.crash({ situation, pod: one, channel: node.random.one(any) }));
	},
	'network of the node': (node, situation) => {
		const pod = milvus(node, { isHostNetwork: true });
		soon(node, () => node.crash({ situation, pod, channel: node.random.one(any) }));
	},
	'pod deleted since': (node, situation) => {
		const pod = milvus(node);
		soon(node, () => {
			const { overAt } = node.crash({ situation, pod, channel: node.random.one(any) });
			node.remove(pod, overAt + node.random.between(700, 4_000));
		});
	},
	'pod of a StatefulSet came back': (node, situation) => {
		const first = milvus(node);
		const channel = node.random.one(any);
		soon(node, () => {
			const { overAt } = node.crash({ situation, pod: first, channel });
			const goneAt = overAt + node.random.between(1_000, 3_000);
			node.remove(first, goneAt);
			node.at(goneAt + node.random.between(200, 2_000), () => {
				const second = milvus(node, { name: first.name, startedAt: node.now(), incarnation: 1 });
				node.at(node.now() + node.random.between(3_000, 40_000), () => node.crash({ situation, pod: second, channel }));
			});
		});
	},
	'several crash in one second': (node, situation) => {
		const pods = [milvus(node), milvus(node), milvus(node)];
		const channel = node.random.one(any);
		soon(node, () => {
			for (const pod of pods) node.crash({ situation, pod, channel, signal: 6 });
		});
	},
	'several crash in one second, no host name': (node, situation) => {
		const pods = [milvus(node), milvus(node)];
		soon(node, () => {
			for (const pod of pods) node.crash({ situation, pod, channel: 'bare', signal: 6 });
		});
	},
	'child process, container lives on': (node, situation) => {
		const pod = milvus(node);
		soon(node, () => {
			node.crash({ situation, pod, channel: node.random.one(any), isMain: false });
			if (node.random.isTrue(0.3))
				node.at(node.now() + node.random.between(50, 200) * second, () => node.end(pod, { exitCode: node.random.one([0, 137, 143]) }));
		});
	},
	'child process, then its parent': (node, situation) => {
		const pod = milvus(node);
		const channel = node.random.one(any);
		soon(node, () => {
			node.crash({ situation, pod, channel, isMain: false, signal: 6, dumpMs: 300 });
			node.at(node.now() + node.random.between(500, 9_000), () => node.crash({ situation, pod, channel, signal: 6 }));
		});
	},
	'shell of a probe, and Milvus': (node, situation) => {
		const pod = milvus(node);
		const channel = node.random.one(any);
		soon(node, () => {
			node.crash({ situation, pod, channel, isMain: false, signal: 11, executable: '/bin/bash', dumpMs: 150 });
			if (node.random.isTrue(0.5)) node.crash({ situation, pod, channel, signal: 11, dumpMs: 200 });
		});
	},
	'sidecar, and Milvus': (node, situation) => {
		const pod = node.pod({ containers: ['querynode', 'proxy-agent'] });
		node.remove(pod, node.now() + overMs);
		const channel = node.random.one(any);
		soon(node, () => {
			node.crash({ situation, pod, channel, container: 'proxy-agent', executable: '/usr/bin/envoy', signal: 11, isOfMilvus: false });
			if (node.random.isTrue(0.5)) node.crash({ situation, pod, channel, signal: 11 });
		});
	},
	'other pods and the machine, and Milvus': (node, situation) => {
		const kind = node.random.one(['etcd', 'minio', 'attu'] as const);
		const other = node.pod({ kind });
		node.remove(other, node.now() + overMs);
		const pod = milvus(node);
		soon(node, () => {
			const channel = node.random.one([...any, 'bare'] as const);
			node.crash({ situation, pod: other, channel, signal: 11, executable: `/usr/bin/${kind}`, isOfMilvus: false });
			node.crashOutside(situation, node.random.one([...any, 'bare'] as const));
			node.crash({ situation, pod, channel, signal: 11 });
		});
	},
	'writing the core takes minutes': (node, situation) => {
		const pod = milvus(node);
		const dumpMs = node.random.between(60, 300) * second;
		soon(node, () => node.crash({ situation, pod, channel: node.random.one(any), dumpMs }));
	},
	'killed while its core was written': (node, situation) => {
		const pod = milvus(node);
		soon(node, () =>
			node.crash({ situation, pod, channel: node.random.one(any), dumpMs: node.random.between(60, 120) * second, exitCode: 137 }),
		);
	},
	'crash loop': (node, situation) => loop(node, situation, node.random.between(1_200, 12_000)),
	'crash loop, some looks missed': (node, situation) => {
		loop(node, situation, node.random.between(1_200, 12_000));
		node.at(node.now() + node.random.between(5, 30) * second, () =>
			node.world.unwatched(node.random.between(10, 60) * second, node.random.isTrue(0.8)),
		);
	},
	'end without a core': (node, situation) => {
		const pod = milvus(node);
		const [exitCode, reason] = node.random.one([
			[137, 'OOMKilled'],
			[80, 'Error'],
			[1, 'Error'],
			[134, 'Error'],
			[139, 'Error'],
		] as const);
		soon(node, () => node.endAlone(situation, pod, exitCode, reason));
	},
	'core lost, but recorded': (node, situation) =>
		soon(node, () => node.crash({ situation, pod: milvus(node), channel: 'journald', isLost: true })),
	'API server away': (node, situation) => {
		const pod = milvus(node);
		soon(node, () => {
			node.world.unwatched(node.random.between(30, 200) * second, node.random.isTrue(0.8));
			node.crash({ situation, pod, channel: node.random.one(any) });
		});
	},
	'agent down meanwhile': (node, situation) => {
		const pod = milvus(node);
		soon(node, () => {
			node.crash({ situation, pod, channel: node.random.one(any) });
			node.at(node.now() + node.random.between(0, 10_000), () =>
				node.world.down(node.random.between(3, 120) * second, node.random.between(500, 20_000)),
			);
		});
	},
	'core found late': (node, situation) => {
		const pod = milvus(node);
		soon(node, () => node.crash({ situation, pod, channel: node.random.one(any), coreDelayMs: node.random.between(35, 180) * second }));
	},
	'record read late': (node, situation) => {
		const pod = milvus(node);
		soon(node, () => node.crash({ situation, pod, channel: 'journald', recordDelayMs: node.random.between(6, 180) * second }));
	},
	'forged entry in journald': (node, situation) => {
		const [pod, victim] = [milvus(node), milvus(node)];
		soon(node, () => {
			if (node.forge(victim)) throw new Error('a forged entry was believed');
			node.crash({ situation, pod, channel: node.random.one(named) });
		});
	},
};

const soon = (node: SimulatedNode, what: () => void) => node.at(node.now() + node.random.between(2_000, 15_000), what);

function milvus(node: SimulatedNode, given: Parameters<SimulatedNode['pod']>[0] = {}) {
	const pod = node.pod(given);
	node.remove(pod, node.now() + overMs);
	return pod;
}

/** Pods of one name in two namespaces. */
function twins(node: SimulatedNode) {
	const name = `milvus-${node.now().toString(36)}`;
	return [milvus(node, { name, namespace: 'one' }), milvus(node, { name, namespace: 'other' })] as const;
}

function loop(node: SimulatedNode, situation: string, backOffMs: number): void {
	const pod = milvus(node);
	const channel = node.random.one(any);
	const signal = node.random.one([6, 11]);
	const runs = node.random.between(3, 7);
	let at = node.now() + node.random.between(2_000, 10_000);
	for (let run = 0; run < runs; run++) {
		const dumpMs = node.random.between(100, 900);
		node.at(at, () => node.crash({ situation, pod, channel, signal, dumpMs, backOffMs }));
		at += dumpMs + 2_600 + backOffMs + node.random.between(200, 5_000);
	}
}
