import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hostRoot, otherSide, pathOnHost, systemdFiles, systemdVersion } from '../../src/drivers/host/host.ts';
import { root, runWithoutRights, temporaryFolder } from '../support/crash.ts';

/** A machine's files below a folder. A text that begins with `-> ` is a link. */
async function machine(files: Readonly<Record<string, string>>) {
	const folder = await temporaryFolder();
	for (const [path, text] of Object.entries(files)) {
		const place = join(folder.path, path);
		mkdirSync(dirname(place), { recursive: true });
		if (text.startsWith('-> ')) symlinkSync(text.slice(3), place);
		else writeFileSync(place, text);
	}
	return folder;
}

test('a path has two sides: the machine, and the container that has it at /host', () => {
	expect(['/host/var/x', '/var/x', '/hosts/x', '/host'].map((path) => [hostRoot(path), pathOnHost(path), otherSide(path)])).toEqual([
		['/host', '/var/x', '/var/x'],
		['', '/var/x', '/host/var/x'],
		['', '/hosts/x', '/host/hosts/x'],
		['', '/host', '/host/host'],
	]);
});

describe("systemd's files", () => {
	const files = (folder: string) => systemdFiles(folder, 'configuration', 'coredump.conf');

	test('the main file comes first, then the drop-ins by name, each from the strongest place', async () => {
		await using folder = await machine({
			'etc/systemd/coredump.conf': 'main',
			'usr/lib/systemd/coredump.conf': 'hidden by that in /etc',
			'etc/systemd/coredump.conf.d/50-b.conf': 'b of /etc',
			'usr/lib/systemd/coredump.conf.d/50-b.conf': 'hidden',
			'usr/lib/systemd/coredump.conf.d/10-a.conf': 'a of /usr',
			'run/systemd/coredump.conf.d/60-c.conf': 'c of /run',
			'etc/systemd/coredump.conf.d/70-folder.conf/x': 'a folder is none',
			'etc/systemd/coredump.conf.d/notes.txt': 'none',
		});
		expect(await files(folder.path)).toEqual(['main', 'a of /usr', 'b of /etc', 'c of /run']);
	});

	test('newer ones have the main file in /usr/lib; where there is none, the defaults hold', async () => {
		await using newer = await machine({ 'etc/systemd/x': '', 'usr/lib/systemd/coredump.conf': 'main' });
		expect(await files(newer.path)).toEqual(['main']);
		await using none = await machine({ 'etc/systemd/system/x': '' });
		expect(await files(none.path)).toEqual([]);
	});

	test('links lead where they would on the machine, and to /dev/null masks', async () => {
		await using folder = await machine({
			'etc/systemd': '-> /etc/static/systemd',
			'etc/static/systemd/coredump.conf': '-> ../../../../../usr/share/main.conf',
			'usr/share/main.conf': 'main',
			'etc/static/systemd/coredump.conf.d/50-b.conf': '-> /dev/null',
			'usr/lib/systemd/coredump.conf.d/50-b.conf': 'masked',
			'etc/static/systemd/coredump.conf.d/60-c.conf': '-> 60-c.conf',
			'etc/static/systemd/coredump.conf.d/70-d.conf': '-> /nowhere',
		});
		expect(await files(folder.path)).toEqual(['main', '']);
	});

	test("nothing is known where the administrator's folder is not to be seen, or a file may not be read", async () => {
		await using folder = await machine({ 'usr/lib/systemd/coredump.conf': 'main' });
		expect(await files(folder.path)).toBeUndefined();
		await using closed = await machine({ 'etc/systemd/coredump.conf': '' });
		chmodSync(join(closed.path, 'etc/systemd/coredump.conf'), 0);
		chmodSync(closed.path, 0o755);
		const script = `import { systemdFiles } from '${root}/src/drivers/host/host.ts'; console.log(await systemdFiles(process.argv[1], 'configuration', 'coredump.conf'))`;
		expect(await runWithoutRights(script, closed.path)).toBe('undefined');
	});

	test('of a unit something must be there', async () => {
		await using folder = await machine({
			'etc/systemd/system/a.socket.d/override.conf': 'override',
			'usr/lib/systemd/system/b.socket': 'b',
			'etc/systemd/system/b.socket.d/override.conf': 'override',
		});
		expect(await systemdFiles(folder.path, 'unit', 'a.socket')).toBeUndefined();
		expect(await systemdFiles(folder.path, 'unit', 'b.socket')).toEqual(['b', 'override']);
	});

	test('the version stands in the name of its library', async () => {
		for (const [path, version] of [
			['usr/lib/systemd/libsystemd-shared-239.so', 239],
			['usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so', 257],
			['usr/lib64/systemd/libsystemd-shared-252.4-598.13.so', 252],
			['usr/lib/systemd/systemd', undefined],
		] as const) {
			await using folder = await machine({ [path]: '' });
			expect(await systemdVersion(folder.path), path).toBe(version);
		}
	});
});
