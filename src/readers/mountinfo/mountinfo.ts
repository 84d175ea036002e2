export { type OverlayDirectories, overlayDirectories } from './overlay.ts';

/** One mount, as far as it is looked at: proc_pid_mountinfo(5). */
export type Mount = {
	readonly mountPoint: string;
	/** `overlay`, `ext4`, … */
	readonly type: string;
	/** What the file system itself was told, in order; flags have no value. Values are unescaped once, as the kernel escaped them once. */
	readonly superOptions: readonly { readonly name: string; readonly value: string }[];
};

/** Reads `/proc/PID/mountinfo`. A line that is cut off, or not one of it, is left out. */
export function readMounts(text: string): Mount[] {
	return text.split('\n').flatMap((line) => {
		// Before the hyphen stand any number of optional fields.
		const [mount = '', filesystem = ''] = line.split(' - ', 2);
		const mountPoint = mount.split(' ')[4];
		const [type, , superOptions] = filesystem.split(' ');
		if (mountPoint === undefined || type === undefined || superOptions === undefined) return [];
		return { mountPoint: unescaped(mountPoint), type: unescaped(type), superOptions: superOptions.split(',').map(option) };
	});
}

function option(text: string): { name: string; value: string } {
	const [name = '', value = ''] = text.split(/=(.*)/s, 2);
	return { name, value: unescaped(value) };
}

/** Octal, a byte each; the kernel writes the bytes of names that are not ASCII as they are. */
const unescaped = (text: string) =>
	text.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
