/** The label that names a chart with its version: `milvus-5.0.19`. */
const chartLabel = 'helm.sh/chart';

export type Labels = Readonly<Record<string, string>>;

/**
 * Whether labels fit a selector: `key=value`, or a bare key, which any value fits. A chart is named without its version, and fits in any:
 * `helm.sh/chart=milvus` fits `milvus-5.0.19`, and not `milvus-operator-1.3.8`.
 */
export function fits(labels: Labels, selector: string): boolean {
	const [key = '', wanted] = selector.split(/=(.*)/s, 2);
	const value = labels[key];
	if (value === undefined || wanted === undefined) return value !== undefined;
	return value === wanted || (key === chartLabel && value.startsWith(`${wanted}-`) && /^\d/.test(value.slice(wanted.length + 1)));
}

/** As the API server takes it. It knows nothing of charts: what it gives must be looked through by `fits`. */
export const serverSelector = (selector: string): string => (selector.startsWith(`${chartLabel}=`) ? chartLabel : selector);
