import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { cliInContainer, type Host, host, type Kernel } from '../../support/container.ts';
import { mountTest } from '../../support/crash.ts';

const bySystemd = '|/usr/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h %d';
const coredumpFolder = 'var/lib/systemd/coredump';

/** What doctor says in the container, by subjects. There is no cluster, which it says last. */
async function doctor(machine: Host, kernel: Kernel, ...args: readonly string[]) {
	const { stdout, stderr } = await cliInContainer(machine, kernel, ['doctor', '--kubeconfig', '/nowhere', ...args]);
	expect(stderr).toBe('');
	const told = stdout.split(/\n(?=ok|warning|error)/).map((text) => text.trim().replace(/^(\S+) +/, '$1 '));
	return (subject: string) => told.filter((text) => text.replace(/^\S+ /, '').startsWith(`${subject}:`));
}

/** As Debian 13 installs it. */
function installSystemd(machine: Host): void {
	machine.folder(coredumpFolder);
	machine.folder('etc/systemd');
	machine.write('usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so', '');
	machine.write('usr/lib/systemd/coredump.conf', '[Coredump]\n#ProcessSizeMax=32G\n');
	machine.write('usr/lib/systemd/system/systemd-coredump.socket', '[Socket]\nAccept=yes\nMaxConnections=16\n');
	machine.write('usr/lib/systemd/system/systemd-coredump@.service', '[Service]\nRuntimeMaxSec=5min\n');
}

describe("in the agent's container", () => {
	mountTest('systemd-coredump is looked at where the machine is mounted, and the sockets of the container say nothing', async () => {
		await using machine = await host();
		installSystemd(machine);
		const told = await doctor(machine, { corePattern: bySystemd });
		expect(told('core_pattern')).toEqual(['ok core_pattern: systemd-coredump keeps cores in /var/lib/systemd/coredump']);
		expect(told('collector.coredumpPath')).toEqual(['ok collector.coredumpPath: /host/var/lib/systemd/coredump is there and can be read']);
		expect(told('ulimit -c')).toEqual(['ok ulimit -c: does not matter: cores go to a program']);
		expect(told('core_pipe_limit')).toEqual(['ok core_pipe_limit: 16 crashes at once']);
		expect(told('systemd-coredump.socket')).toEqual(['ok systemd-coredump.socket: MaxConnections=16: 16 crashes at once']);
		expect(told('systemd-coredump@.service')).toEqual(['ok systemd-coredump@.service: RuntimeMaxSec=5 min: time for a core of 26.8 GB']);
		expect(told('coredump.conf').slice(0, 2)).toEqual([
			'ok coredump.conf: Storage=external: cores become files',
			'ok coredump.conf: cores of up to 34.4 GB',
		]);
		expect(told('systemd-coredump')).toEqual([]);
	});

	mountTest('what the administrator changed counts, and what fits no core of Milvus is told', async () => {
		await using machine = await host();
		installSystemd(machine);
		machine.write(
			'etc/systemd/coredump.conf.d/50-small.conf',
			'[Coredump]\nStorage=none\nExternalSizeMax=1G\nProcessSizeMax=1G\nMaxUse=2G\nKeepFree=8E\n',
		);
		machine.write('etc/systemd/system/systemd-coredump.socket.d/override.conf', '[Socket]\nMaxConnectionsPerSource=2\n');
		machine.write('run/systemd/system/systemd-coredump@.service.d/50.conf', '[Service]\nRuntimeMaxSec=30\n');
		const told = await doctor(machine, { corePattern: bySystemd, corePipeLimit: 0 });
		for (const [subject, ...starts] of [
			['core_pipe_limit', 'warning core_pipe_limit: is 0: the kernel does not wait'],
			['systemd-coredump.socket', 'warning systemd-coredump.socket: MaxConnectionsPerSource=2: when more crash at once (here up to 8)'],
			['systemd-coredump@.service', 'warning systemd-coredump@.service: RuntimeMaxSec=30 s, but a core of 8.0 GB'],
			[
				'coredump.conf',
				'error coredump.conf: Storage=none: no core: systemd-coredump stored none',
				'warning coredump.conf: a core of 8.0 GB (a Milvus with the least memory that it asks for) would not be whole: core cut at 1.1 GB',
				'warning coredump.conf:',
				'warning coredump.conf: all cores together may take 2.1 GB (MaxUse=)',
			],
		] as const)
			expect(told(subject), subject).toEqual(starts.map((start) => expect.stringMatching(new RegExp(`^${RegExp.escape(start)}`))));
		expect(told('coredump.conf')[2]).toMatch(/free for cores, less than KeepFree=, .*: each new core removes all older ones at once\n/);
	});

	mountTest('what is not mounted is not known, and no limit is made up', async () => {
		await using machine = await host();
		machine.folder(coredumpFolder);
		const told = await doctor(machine, { corePattern: bySystemd });
		expect(told('systemd-coredump')).toEqual([
			'warning systemd-coredump: coredump.conf, systemd-coredump.socket, systemd-coredump@.service, the version of systemd can not be seen in /host/etc/systemd and /host/usr/lib/systemd: some of its limits are not known\n         → mount both of the node below /host, read-only',
		]);
		expect([...told('coredump.conf'), ...told('systemd-coredump.socket'), ...told('systemd-coredump@.service')]).toEqual([]);
	});

	mountTest('the limit of the container counts where the kernel writes, or tells it to systemd-coredump', async () => {
		await using machine = await host();
		machine.folder(coredumpFolder);
		machine.folder('var/crash');
		const atLimit = async (corePattern: string, coreLimit: string) => (await doctor(machine, { corePattern, coreLimit }))('ulimit -c')[0];
		const none =
			'warning ulimit -c: is 0 in containers, as in this one: they leave no core\n         → raise the limit of the container: LimitCORE=infinity for its runtime (containerd.service, crio.service)';
		expect(await atLimit('/var/crash/core.%p', '0')).toBe(none);
		expect(await atLimit('|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h', '0')).toBe(none);
		expect(await atLimit('/var/crash/core.%p', 'unlimited')).toBe('ok ulimit -c: unlimited in containers, as in this one');
	});

	mountTest('a folder that the kernel writes to must be mounted in the pods, and open for their users', async () => {
		await using machine = await host();
		machine.folder('var/crash');
		machine.write('config.yaml', 'collector: { coredumpPath: /host/var/crash }\n');
		const kernel = { corePattern: '/var/crash/core.%p' };
		const told = await doctor(machine, kernel, '--config', '/host/config.yaml');
		expect(told('core_pattern')).toEqual(['ok core_pattern: "/var/crash/core.%p": cores go to /var/crash']);
		expect(told('core_pattern in containers')).toEqual([
			"warning core_pattern in containers: /var/crash is looked up in each container's own root: a core is lost with its container where the pod does not mount that path\n         → mount /var/crash of the node at /var/crash in the pods of Milvus (hostPath), or have systemd-coredump take the cores",
			'warning core_pattern in containers: others than its owner may not write to /var/crash: a Milvus that does not run as root leaves no core\n         → on the node, as root: chmod 1777 /var/crash',
		]);
		chmodSync(join(machine.path, 'var/crash'), 0o1777);
		expect((await doctor(machine, kernel, '--config', '/host/config.yaml'))('core_pattern in containers')).toHaveLength(1);
	});

	mountTest('a relative pattern is answered with what takes the cores of containers too', async () => {
		await using machine = await host();
		machine.folder(coredumpFolder);
		const told = await doctor(machine, { corePattern: 'core' });
		expect(told('core_pattern')).toEqual([
			'warning core_pattern: "core" is relative: each process writes its core into its own working directory; the agent sees only /host/var/lib/systemd/coredump\n         → on the node, as root: apt-get install systemd-coredump, which takes the cores of containers too',
		]);
		const elsewhere = await doctor(machine, { corePattern: '/var/crash/core' });
		expect(elsewhere('core_pattern')[0]).toMatch(/→ set collector\.coredumpPath to \/host\/var\/crash$/);
	});

	mountTest('a journal that lasts until the next boot is looked for where the machine is mounted', async () => {
		await using machine = await host();
		machine.folder(coredumpFolder);
		const journald = async () => (await doctor(machine, { corePattern: bySystemd }))('journald')[0];
		expect(await journald()).toMatch(
			/^warning journald: \/host\/var\/log\/journal can not be read .*\n +→ mount \/var\/log\/journal of the node at \/host\/var\/log\/journal, read-only, and on the node, as root: mkdir -p/,
		);
		machine.folder('run/log/journal');
		expect(await journald()).toMatch(/→ set collector\.journaldPath to \/host\/run\/log\/journal$/);
	});
});
