import { describe, expect, test } from 'vitest';
import { overlayDirectories, readMounts } from '../../src/readers/mountinfo/mountinfo.ts';

const overlaysIn = (text: string) => readMounts(text).map(overlayDirectories);
const snapshots = '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots';
const range = (from: number, to: number) =>
	Array.from({ length: Math.abs(from - to) + 1 }, (_, index) => from + Math.sign(to - from) * index);

describe('the directories of an overlay', () => {
	test('are read from a container of containerd', () => {
		const line = `59 150 0:39 / /run/containerd/io.containerd.runtime.v2.task/k8s.io/${'ab'.repeat(32)}/rootfs rw,relatime - overlay overlay rw,lowerdir=${snapshots}/2/fs,upperdir=${snapshots}/3/fs,workdir=${snapshots}/3/work`;
		expect(readMounts(line)[0]?.mountPoint).toBe(`/run/containerd/io.containerd.runtime.v2.task/k8s.io/${'ab'.repeat(32)}/rootfs`);
		expect(overlaysIn(line)).toEqual([{ upper: `${snapshots}/3/fs`, lowers: [`${snapshots}/2/fs`] }]);
	});

	test('are found where containerd names them relative to their folder, as there are many', () => {
		const lowers = range(51, 4).map((number) => `${number}/fs`);
		const line = `154 150 0:57 / /run/containerd/io.containerd.runtime.v2.task/k8s.io/${'cd'.repeat(32)}/rootfs rw,relatime - overlay overlay rw,lowerdir=${lowers.join(':')},upperdir=${snapshots}/52/fs,workdir=${snapshots}/52/work`;
		expect(overlaysIn(line)).toEqual([{ upper: `${snapshots}/52/fs`, lowers: lowers.map((path) => `${snapshots}/${path}`) }]);
	});

	test('are read from a container of containers/storage, with all that the agent sees of the mount', () => {
		const overlay = '/var/lib/containers/storage/overlay';
		const layer = `${overlay}/d946a1814cb26fbf770608563d45a6303d6b54ca8ad731a48c406c6d32076800`;
		const links = ['GYHHXWA4675NARAZFGAU2BUQ7U', 'VRWPL3O3756BL3LO7QQLD5TEVT'].map((name) => `${overlay}/l/${name}`);
		const line = `67 63 0:39 / /host${layer}/merged rw,relatime shared:12 master:7 propagate_from:3 unbindable - overlay overlay rw,lowerdir=${links.join(':')},upperdir=${layer}/diff,workdir=${layer}/work,uuid=on,fsync=volatile`;
		expect(overlaysIn(line)).toEqual([{ upper: `${layer}/diff`, lowers: links }]);
	});

	test('may have any names', () => {
		// As Linux 6.18 shows what `mount -o lowerdir=x\:y:sp ace,upperdir=/u/1/fs,workdir=w` made.
		const line = String.raw`66 43 0:39 / /m\040m rw,relatime - overlay o rw,lowerdir=/x\134:y:/sp\040ace:/a\054b,upperdir=/u/1/fs,workdir=w`;
		expect(readMounts(line)[0]?.mountPoint).toBe('/m m');
		expect(overlaysIn(line)).toEqual([{ upper: '/u/1/fs', lowers: ['/x:y', '/sp ace', '/a,b'] }]);
	});

	test('are one option each where they were given so', () => {
		// As Linux 6.18 shows what fsconfig(2) made.
		const line =
			'516 491 0:99 / /tmp/o/m rw,relatime - overlay none rw,lowerdir+=/tmp/o/a:b,lowerdir+=/tmp/o/c,upperdir=/tmp/o/u,workdir=/tmp/o/w,uuid=on';
		expect(overlaysIn(line)).toEqual([{ upper: '/tmp/o/u', lowers: ['/tmp/o/a:b', '/tmp/o/c'] }]);
	});

	test('that hold only the data of others are left out', () => {
		expect(overlaysIn('1 2 0:39 / /m ro - overlay o ro,lowerdir=/a:/b::/data1::/data2,metacopy=on')).toEqual([{ lowers: ['/a', '/b'] }]);
	});

	test('are not known where the mount does not tell where they are', () => {
		expect(
			overlaysIn(
				[
					'1 2 0:39 / /m ro - overlay o ro,lowerdir=a:b',
					'1 2 0:39 / /m rw - overlay o rw,lowerdir=a:b,upperdir=u,workdir=w',
					'1 2 0:39 / /m rw - overlay o rw',
					'1 2 254:0 / / rw - ext4 /dev/vda rw,lowerdir=/a',
				].join('\n'),
			),
		).toEqual([undefined, undefined, undefined, undefined]);
	});
});

test('lines that are none, or cut off, are left out', () => {
	expect(readMounts('\n1 2 0:39 / /m rw - overlay\n1 2 0:39 / /m rw\nrubbish\n1 2 0:39 / /n rw - tmpfs none rw\n')).toEqual([
		{ mountPoint: '/n', type: 'tmpfs', superOptions: [{ name: 'rw', value: '' }] },
	]);
});
