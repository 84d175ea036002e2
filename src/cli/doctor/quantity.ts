const decimal = { n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 };
const binary = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 };
const factors: ReadonlyMap<string, number> = new Map(Object.entries({ ...decimal, ...binary }));

/** What a quantity of Kubernetes says: `16Gi`, `500M`, `1e9`; https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
export function quantityOf(text: string): number | undefined {
	const [, number, suffix = ''] = /^(\d+(?:\.\d*)?(?:[eE]\d{1,2})?)([a-zA-Z]*)$/.exec(text) ?? [];
	const factor = factors.get(suffix);
	return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}
