import type { CrashReport } from '../domain/report.ts';
import { readJournal } from '../journal/journal.ts';
import { areOfCluster, clusterReports, type ReportsOptions } from './cluster-reports.ts';
import type { Settings } from './settings.ts';
import { findReport } from './show.ts';

/** The report of the crash that is meant, from the cluster or from the journal here. @throws {UserError} there is none, or several */
export async function meantCrash(start: string, { config }: Pick<Settings, 'config'>, options: ReportsOptions): Promise<CrashReport> {
	if (areOfCluster(options)) {
		using reports = await clusterReports(options);
		return await reports.find(start);
	}
	using journal = readJournal(config.journal.path);
	return findReport(journal, start);
}
