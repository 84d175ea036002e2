import { describe, expect, test } from 'vitest';
import { containerOf } from '../../src/readers/cgroup/cgroup.ts';

const podUid = '8a6f3c1e-52d7-4b09-9f14-0c7be2d18a55';
const escaped = podUid.replaceAll('-', '_');
const containerId = '4f1d7c0b9e2a8356d1c4b7a0e93f5268bb0d4c71a6e8f2390517cdab84e6f031';
const other = '9b2c41d07f6e8a35c1b0d4e7f29a6358e0d1c7b4a9f3625180cd7be4a1f06d92';
/** UID of a static pod as the kubelet makes it: an MD5. */
const hash = 'd4f1d7c0b9e2a8356d1c4b7a0e93f526';

const burstable = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${escaped}.slice`;
const nested = `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${escaped}.slice`;

describe('containers of pods', () => {
	const found: Readonly<Record<string, string>> = {
		'containerd, driver systemd': `${burstable}/cri-containerd-${containerId}.scope`,
		'best effort': `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${escaped}.slice/cri-containerd-${containerId}.scope`,
		'guaranteed: no quality of service in the path': `/kubepods.slice/kubepods-pod${escaped}.slice/cri-containerd-${containerId}.scope`,
		'CRI-O': `${burstable}/crio-${containerId}.scope`,
		'CRI-O with crun, which makes a cgroup of its own': `${burstable}/crio-${containerId}.scope/container`,
		'Docker by cri-dockerd': `${burstable}/docker-${containerId}.scope`,
		'driver cgroupfs': `/kubepods/burstable/pod${podUid}/${containerId}`,
		'driver cgroupfs, guaranteed': `/kubepods/pod${podUid}/${containerId}`,
		'driver cgroupfs, CRI-O': `/kubepods/besteffort/pod${podUid}/crio-${containerId}`,
		'driver cgroupfs below another root': `/kubeharness/kubepods/burstable/pod${podUid}/${containerId}`,
		'driver systemd below another root': `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${escaped}.slice/cri-containerd-${containerId}.scope`,
		'kind: the node is a container': `/docker/${other}${nested}/cri-containerd-${containerId}.scope`,
		'kind with the driver systemd': `/system.slice/docker-${other}.scope${nested}/cri-containerd-${containerId}.scope`,
		'as seen from a cgroup namespace': `/../../..${burstable}/cri-containerd-${containerId}.scope`,
		'systemd in the container': `${burstable}/cri-containerd-${containerId}.scope/init.scope`,
		'a session in the container': `${burstable}/cri-containerd-${containerId}.scope/user.slice/user-0.slice/session-1.scope`,
		'Docker in the container': `${burstable}/cri-containerd-${containerId}.scope/docker/${other}`,
		'a cluster in the container': `${burstable}/cri-containerd-${containerId}.scope/kubelet/kubepods/pod11112222-3333-4444-5555-666677778888/${other}`,
		'the drivers differ': `/system.slice/containerd.service/kubepods-burstable-pod${escaped}.slice:cri-containerd:${containerId}`,
		'/proc/PID/cgroup, version 2': `0::${burstable}/cri-containerd-${containerId}.scope\n`,
		'/proc/PID/cgroup, version 1': `12:cpuset:/kubepods/burstable/pod${podUid}/${containerId}\n11:name=systemd:/kubepods/burstable/pod${podUid}/${containerId}\n`,
		'/proc/PID/cgroup, hybrid': `2:cpu,cpuacct:/kubepods/pod${podUid}/${containerId}\n1:name=systemd:/system.slice/containerd.service\n0::/\n`,
		'/proc/PID/cgroup, the drivers differ': `0::/kubepods-pod${escaped}.slice:cri-containerd:${containerId}`,
	};

	test.each(Object.entries(found))('%s', (_name, cgroup) => {
		expect(containerOf(cgroup)).toEqual({ podUid, containerId });
	});

	test.each([
		`/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${hash}.slice/cri-containerd-${containerId}.scope`,
		`/kubepods/burstable/pod${hash}/${containerId}`,
	])('a static pod has a hash for its UID: %s', (cgroup) => {
		expect(containerOf(cgroup)).toEqual({ podUid: hash, containerId });
	});
});

test.each([
	'',
	'/',
	'/init.scope',
	'/system.slice/kubelet.service',
	'/system.slice/containerd.service',
	`/docker/${containerId}`,
	`/system.slice/docker-${containerId}.scope`,
	burstable,
	`${burstable}/`,
	`${burstable}/cri-containerd-${containerId.slice(1)}.scope`,
	`${burstable}/cri-containerd-${containerId}0.scope`,
	`${burstable}/CRI-${containerId}.scope`,
	`${burstable}/crio-conmon-${containerId}.scope`,
	`/kubepods/pod${podUid}/crio-conmon-${containerId}`,
	`/kubepods/burstable/pod${podUid}`,
	`/kubepods/burstable/pod${podUid}x/${containerId}`,
	`/kubepods/burstable/pod${podUid.replace('-', '_')}/${containerId}`,
	`/machine/pod${podUid}/${containerId}`,
	`/user.slice/user-1000.slice/user@1000.service${burstable}/cri-containerd-${containerId}.scope`,
	`0::/system.slice/ssh.service\n`,
	'0::',
	':::::',
	'\n\n\n',
])('no container of a pod: %j', (cgroup) => {
	expect(containerOf(cgroup)).toBeUndefined();
});

test('long and odd paths cost no time', () => {
	const start = performance.now();
	for (const text of [
		`${'/kubepods'.repeat(20_000)}`,
		`/${'a-'.repeat(50_000)}kubepods`,
		`/${'kubepods-pod'.repeat(20_000)}`,
		'\n'.repeat(1e6),
	])
		expect(containerOf(text)).toBeUndefined();
	expect(performance.now() - start).toBeLessThan(2_000);
});
