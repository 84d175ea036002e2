import { createHash } from 'node:crypto';
import { formatSpan } from '../../../base/quantity.ts';
import { labels, labelValue, manager, objectName } from '../../../domain/crash-object/crash-object.ts';
import { cutText } from '../../../domain/crash-object/shorten.ts';
import type { Span } from '../../../domain/outbox.ts';
import type { CrashReport } from '../../../domain/report.ts';
import { summaryOf } from '../../../report/report.ts';
import type { Subject } from './owner.ts';

export const reasons = ['CrashDetected', 'CoredumpCollected', 'CoreLost', 'CrashLoop'] as const;
export type Reason = (typeof reasons)[number];

export type Told = {
	readonly subject: Omit<Subject, 'isInstance'> & { readonly fieldPath?: string };
	readonly reason: Reason;
	/** The newest of its kind. */
	readonly report: CrashReport;
	/** In which that is published. */
	readonly publishedIn: CrashReport;
	readonly span: Span;
	/** Within which it counts as a loop. */
	readonly windowMs: number;
	readonly node: string;
};

/** The API server takes more, but tools cut what is longer: the kubelet and client-go keep to it too. */
const mostMessageBytes = 1000;

/**
 * An Event of the core group: that of events.k8s.io counts repetitions only in a series, which `kubectl describe` and most tools do not show,
 * and the API server lets nobody change anything else of it.
 *
 * One thing that happens again to one object is one Event that counts: under a name that is always the same.
 */
export function eventOf(told: Told) {
	const { subject, reason, span, node } = told;
	const digest = createHash('sha256').update([subject.uid, reason, node].join('\n')).digest('hex').slice(0, 16);
	const name = subject.name.slice(0, 253 - 1 - digest.length).replace(/[.-]+$/, '');
	return {
		apiVersion: 'v1',
		kind: 'Event',
		metadata: { namespace: subject.namespace, name: `${name}.${digest}` },
		involvedObject: subject,
		reason,
		message: cutText(messageOf(told), mostMessageBytes),
		type: 'Warning',
		count: span.count,
		firstTimestamp: inSeconds(span.first),
		lastTimestamp: inSeconds(span.last),
		source: { component: manager, host: node },
		reportingComponent: manager,
		reportingInstance: node,
	};
}

export type KubernetesEvent = ReturnType<typeof eventOf>;

function messageOf({ subject, reason, report, publishedIn, span, windowMs }: Told): string {
	const { headline, what, culprit, storedAs } = summaryOf(report);
	const { association, id, lostCore, storage } = report;
	const see = `kubectl -n ${subject.namespace} describe crash ${objectName(publishedIn)}`;
	const crash = `crash ${id} (${what}${culprit === undefined ? '' : ` in ${culprit}`})`;
	const who = subject.kind === 'Pod' ? (association.container ?? 'a process') : (association.component ?? association.pod);
	switch (reason) {
		case 'CrashDetected':
			return `${who} crashed: ${headline}, crash ${id}; more by ${see}`;
		case 'CoredumpCollected':
			return `The core dump of ${crash} is stored as ${storedAs}; more by ${see}`;
		case 'CoreLost': {
			const why = lostCore ? `${lostCore.reason}; ${lostCore.advice}` : storage?.form === 'none' ? storage.reason : 'it is gone';
			return `There is no core dump of ${crash}: ${why}; more by ${see}`;
		}
		case 'CrashLoop': {
			const instance = association.instance ?? subject.name;
			const all = `kubectl -n ${subject.namespace} get crash -l ${labels.instance}=${labelValue(instance)}`;
			return `${instance} crashed ${span.count} times on this node within ${formatSpan(windowMs)}, the last time by ${crash}; all by ${all}`;
		}
		default:
			return reason satisfies never;
	}
}

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/: times of the API have no fractions. */
const inSeconds = (at: number) => new Date(at).toISOString().replace(/\.\d+/, '');
