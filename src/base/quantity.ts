const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** A size for people, in powers of 1000: `454.7 KB`. */
export function formatBytes(bytes: number): string {
	const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
	return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** A time span for people, in its largest fitting unit: `4 s`, `3 min`, `5 h`, `2 d`. */
export function formatSpan(milliseconds: number): string {
	const seconds = Math.max(0, milliseconds / 1000);
	if (seconds < 1) return `${Math.round(milliseconds)} ms`;
	if (seconds < 90) return `${Math.round(seconds)} s`;
	if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
	if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
	return `${Math.round(seconds / 86_400)} d`;
}
