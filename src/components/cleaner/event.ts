import { createHash } from 'node:crypto';
import { type Phase, resource, type Status, type Target } from '../../domain/cleanup-object/cleanup-object.ts';
import { manager } from '../../domain/crash-object/crash-object.ts';
import { cutText } from '../../domain/crash-object/shorten.ts';
import type { Stored } from './stored.ts';

/** As the kubelet and client-go cut them. */
const mostMessageBytes = 1000;

const types: Readonly<Record<Phase, 'Warning' | 'Normal'>> = {
	Pending: 'Warning',
	DryRun: 'Warning',
	Vetoed: 'Normal',
	Recovered: 'Normal',
	Running: 'Warning',
	Done: 'Normal',
	Failed: 'Warning',
};

/**
 * An Event of the core group, where a person looks who wonders about an instance: at the custom resource, or the workload of a Helm release.
 * The same for the same change of a phase, whoever tells of it.
 */
export function eventOf({ namespace, name, uid, spec }: Stored, status: Status) {
	const { phase, reason, since } = status;
	const digest = createHash('sha256').update([uid, phase, since].join('\n')).digest('hex').slice(0, 16);
	const at = since.replace(/\.\d+/, ''); // times of the API have no fractions
	const message = `cleanup is ${phase}: ${reason}${adviceOf(name, status)}; more by kubectl -n ${namespace} describe ${resource.shortNames[0]} ${name}`;
	return {
		apiVersion: 'v1',
		kind: 'Event',
		metadata: { namespace, name: `${name.slice(0, 253 - 1 - digest.length)}.${digest}` },
		involvedObject: { namespace, ...objectOf(spec.target) },
		reason: `Cleanup${phase}`,
		message: cutText(message, mostMessageBytes),
		type: types[phase],
		...{ count: 1, firstTimestamp: at, lastTimestamp: at },
		...{ source: { component: manager }, reportingComponent: manager, reportingInstance: manager },
	};
}

function adviceOf(name: string, { phase, enforcement, howToVeto, saved }: Status): string {
	switch (phase) {
		case 'Recovered':
			return '';
		case 'Running':
		case 'Done':
		case 'Failed':
			return saved ? `; to bring it back: ${manager} restore ${name}` : '';
		default:
			return `; ${enforcement}; to keep it: ${howToVeto}`;
	}
}

const objectOf = ({ workload, uid, apiVersion, kind, name }: Target) => ({ ...(workload ?? { apiVersion, kind, name }), uid });
