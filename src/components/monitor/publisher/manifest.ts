import { createHash } from 'node:crypto';
import { defined } from '../../../base/defined.ts';
import { apiVersion, type CrashObject, labelsOf, objectName, resource } from '../../../domain/crash-object/crash-object.ts';
import { cutText, shortened } from '../../../domain/crash-object/shorten.ts';
import type { CrashReport, Repeats } from '../../../domain/report.ts';
import { resource as path } from '../../../drivers/kubernetes/kubernetes.ts';
import { summaryOf } from '../../../report/report.ts';

/** Says what was written last, so that a list of metadata tells whether it is still what is wanted. */
export const hashAnnotation = 'diagnostics.milvus.io/hash';

/** @param place the agent's node, and its own namespace for crashes without a pod */
export function manifestOf(
	report: CrashReport,
	repeats: Repeats,
	place: { readonly node: string; readonly namespace: string },
): CrashObject {
	const { pod, namespace } = report.association;
	const { headline, what, culprit, knownIssue, storedAs } = summaryOf(report);
	const short = (text: string | undefined, bytes: number) => text && cutText(text, bytes);
	const spec = shortened(report);
	const labels = labelsOf(report, place.node);
	return {
		apiVersion,
		kind: resource.kind,
		metadata: {
			namespace: pod !== undefined && namespace !== undefined ? namespace : place.namespace,
			name: objectName(report),
			labels,
			annotations: { [hashAnnotation]: hashOf([spec, labels]) },
		},
		spec,
		status: {
			phase: report.status,
			...repeats,
			...defined({ storedAs: short(storedAs, 300) }),
			summary: {
				headline: cutText(headline, 400),
				what: cutText(what, 80),
				...defined({ culprit: short(culprit, 200), knownIssue: short(knownIssue, 100) }),
			},
		},
	};
}

export const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

export const pathOf = ({ metadata: { namespace, name } }: CrashObject): string => path(apiVersion, resource.plural, namespace, name);
