import type { CrashReport } from './report.ts';

/** The crash reports as they are now. */
export interface Reports {
	report(id: string): CrashReport | undefined;
}
