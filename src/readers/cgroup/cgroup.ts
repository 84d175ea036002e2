export type ContainerOfPod = {
	/** As the API shows it; of a static pod the hash that its mirror pod has in the annotation `kubernetes.io/config.mirror`. */
	readonly podUid: string;
	/** 64 hex digits, without the runtime's `containerd://`; that of the pod's sandbox for its pause container. */
	readonly containerId: string;
};

/**
 * Which container of which pod a process belongs to, by where the kubelet and the runtimes put it: the drivers systemd and cgroupfs, below any
 * cgroup root, of containerd, CRI-O and Docker.
 *
 * @param cgroup a path, or the lines of /proc/PID/cgroup: cgroups(7)
 * @returns undefined for what is in no container of a pod: the machine's own services, a runtime's monitor, what a user's own manager started
 */
export function containerOf(cgroup: string): ContainerOfPod | undefined {
	for (const line of cgroup.split('\n', mostLines)) {
		const found = containerOfPath(line.replace(/^\d+:[^:]*:/, ''));
		if (found) return found;
	}
	return undefined;
}

/** A line for each hierarchy of version 1, and one for version 2. */
const mostLines = 64;

const uid = '[0-9a-f]{8}(?<dash>[-_])[0-9a-f]{4}\\k<dash>[0-9a-f]{4}\\k<dash>[0-9a-f]{4}\\k<dash>[0-9a-f]{12}|[0-9a-f]{32}';
const podSlice = `(?:[^/:]+-)?kubepods(?:-burstable|-besteffort)?-pod(?<uid>${uid})\\.slice`;
const id = '(?<id>[0-9a-f]{64})';

/** `…-podUID.slice`, with `_` for `-` in the UID: systemd would read a `-` as a level of its own. */
const slice = new RegExp(`^${podSlice}$`);
/** A pod's folder below `kubepods`. */
const folder = new RegExp(`^pod(?<uid>${uid})$`);
/** A runtime with the driver cgroupfs below a kubelet with the driver systemd takes the words for systemd as the name of a folder. */
const unmanaged = new RegExp(`^${podSlice}:[\\w-]+:${id}$`);
/** `cri-containerd-ID.scope`, `crio-ID.scope`, `docker-ID.scope`; with cgroupfs `ID`, `crio-ID`. */
const container = new RegExp(`^(?:(?!crio-conmon-)[a-z][a-z-]*-)?${id}(?:\\.scope)?$`);

function containerOfPath(path: string): ContainerOfPod | undefined {
	const names = path.split('/');
	// The outermost pod is the one that the cluster knows; what a container makes below its own cgroup is its own affair.
	for (const [index, name] of names.entries()) {
		if (name === 'user.slice') return undefined; // below it users make cgroups of any name
		const whole = unmanaged.exec(name)?.groups;
		if (whole) return { podUid: dashed(whole.uid), containerId: whole.id ?? '' };
		const pod = (slice.exec(name) ?? folder.exec(name))?.groups;
		if (!pod || (name.startsWith('pod') && !names.slice(0, index).includes('kubepods'))) continue;
		const containerId = container.exec(names[index + 1] ?? '')?.groups?.id;
		return containerId === undefined ? undefined : { podUid: dashed(pod.uid), containerId };
	}
	return undefined;
}

const dashed = (found: string | undefined) => (found ?? '').replaceAll('_', '-');
