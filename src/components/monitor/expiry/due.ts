import type { ClusterReport, ClusterReports } from '../../../domain/cluster-reports.ts';
import type { EpochMs } from '../../../domain/stage.ts';

export type Limits = {
	/** Since the last crash that a report stands for. */
	readonly maxAgeMs: number;
	/** In the whole cluster. */
	readonly maxNumber: number;
};

export type Due = { readonly report: ClusterReport; readonly why: 'age' | 'number' };

/** What has expired, the oldest first: what is too old, and of the rest what is too many. */
export function due(reports: Iterable<ClusterReport>, { maxAgeMs, maxNumber }: Limits, now: EpochMs): readonly Due[] {
	const there = [...reports].filter(({ isEnding }) => !isEnding);
	const isOld = ({ lastTime }: ClusterReport) => now - lastTime > maxAgeMs;
	if (there.length <= maxNumber && !there.some(isOld)) return [];
	there.sort((a, b) => a.lastTime - b.lastTime || (a.uid < b.uid ? -1 : 1));
	const tooMany = there.length - maxNumber;
	return there.flatMap((report, index): Due[] => {
		if (isOld(report)) return [{ report, why: 'age' }];
		return index < tooMany ? [{ report, why: 'number' }] : [];
	});
}

/** Whether that still holds a while later: neither has it been amended, nor are there fewer now. */
export function isStillDue({ report, why }: Due, reports: ClusterReports, { maxNumber }: Limits): boolean {
	if (reports.byUid(report.uid)?.resourceVersion !== report.resourceVersion) return false;
	return why === 'age' || reports.size > maxNumber;
}
