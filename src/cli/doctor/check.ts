/** One thing that was looked at. */
export type Check = {
	readonly state: 'ok' | 'warning' | 'error';
	readonly subject: string;
	readonly finding: string;
	readonly todo?: string;
};

export const ok = (subject: string, finding: string): Check => ({ state: 'ok', subject, finding });
export const warning = (subject: string, finding: string, todo: string): Check => ({ state: 'warning', subject, finding, todo });
export const error = (subject: string, finding: string, todo: string): Check => ({ state: 'error', subject, finding, todo });
