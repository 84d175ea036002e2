import { type Place, type Run, start } from './start.ts';
import { leftBehind, notLookedAt, type Ran, saidOfUninstalling } from './words.ts';

export type { Place as HelmPlace } from './start.ts';
export type { Ran } from './words.ts';

export type Release = {
	readonly namespace: string;
	readonly release: string;
	/** How long helm waits for each thing that it waits for, such as a hook. A run that takes 30 s more is ended. */
	readonly timeoutMs: number;
};

/** Each ends at the signal with the signal's reason, and helm is gone by then. */
export type Helm = {
	/**
	 * Runs the hooks, deletes what the manifest names, but for what is to be kept, and then the record with all revisions. It does not wait for
	 * the objects to be gone. Where it ends before that, the release is `uninstalling`, and can be uninstalled again.
	 *
	 * It is not begun while there is an object of the release that can't be looked at: Helm would leave it, and forget the release all the same.
	 */
	uninstall(what: Release, signal: AbortSignal): Promise<Ran>;
	/** Makes what the manifest of that revision names, as one revision more. It does not wait for pods to run. */
	rollback(what: Release & { readonly revision: number }, signal: AbortSignal): Promise<Ran>;
};

/** The program `helm`, on one cluster as one user: Helm's own settings, and other kubeconfigs, lead it nowhere else. */
export function helm(place: Place): Helm {
	return {
		async uninstall({ namespace, release, timeoutMs }, signal) {
			const wrong = mistakeIn(namespace, release);
			if (wrong !== undefined) return failed(wrong);
			// Why something could not be deleted, helm tells only so.
			const flags = [`--namespace=${namespace}`, `--timeout=${timeoutMs}ms`, '--cascade=background', '--debug'];
			const run = (...more: readonly string[]): Run => ({ args: ['uninstall', ...flags, ...more, '--', release], release, timeoutMs });
			const tried = await start(place, run('--dry-run'), signal);
			if (tried.is !== 'said') return tried;
			const unseen = notLookedAt(tried.stderr);
			if (unseen !== undefined) return failed(`nothing was uninstalled, as Helm would leave and forget what it can't look at: ${unseen}`);
			const ran = await start(place, run(), signal);
			if (ran.is !== 'said') return ran;
			const left = leftBehind(ran.stdout);
			if (left !== undefined) return failed(`Helm has forgotten release ${release}, and left what it could not look at: ${left}`);
			return { is: 'done', words: saidOfUninstalling(ran.stdout) };
		},
		async rollback({ namespace, release, revision, timeoutMs }, signal) {
			const wrong = mistakeIn(namespace, release) ?? mistakeInRevision(revision);
			if (wrong !== undefined) return failed(wrong);
			const flags = [`--namespace=${namespace}`, `--timeout=${timeoutMs}ms`];
			const ran = await start(place, { args: ['rollback', ...flags, '--', release, String(revision)], release, timeoutMs }, signal);
			return ran.is === 'said' ? { is: 'done', words: `release ${release} is as in revision ${revision} again` } : ran;
		},
	};
}

const failed = (words: string): Ran => ({ is: 'failed', words });

/** As in ValidateReleaseName of Helm, and RFC 1123 for namespaces. */
function mistakeIn(namespace: string, release: string): string | undefined {
	if (release.length > 53 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(release))
		return `${JSON.stringify(release)} is no name of a Helm release`;
	if (namespace.length > 63 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(namespace))
		return `${JSON.stringify(namespace)} is no name of a namespace`;
	return undefined;
}

const mistakeInRevision = (revision: number) =>
	Number.isSafeInteger(revision) && revision > 0 ? undefined : `${revision} is no revision of a Helm release`;
