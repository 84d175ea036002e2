import { lastOf } from './assignments.ts';
import { sizeOf, sizeOrUnlimited } from './values.ts';

/** What systemd-coredump does with a core: coredump.conf(5). Sizes are in bytes. */
export type CoredumpSettings = {
	readonly storage: 'none' | 'external' | 'journal';
	/** A plain core is cut at the larger of these two; undefined where it is not said, and the version of systemd is not known. */
	readonly processSizeMax: number | undefined;
	/** A core that takes more than this, packed if it is packed, is not kept. */
	readonly externalSizeMax: number | undefined;
	/** Undefined: a share of the file system. */
	readonly maxUse: number | undefined;
	readonly keepFree: number | undefined;
};

/**
 * @param texts of coredump.conf and its drop-ins, in the order in which they count
 * @param version of systemd, on which the defaults depend
 */
export function coredumpSettings(texts: readonly string[], version: number | undefined): CoredumpSettings {
	const last = <T>(key: string, read: (value: string) => T | undefined) => lastOf(texts, 'Coredump', key, read);
	const usual = version === undefined ? undefined : defaultSizeMax(version);
	return {
		storage: last('Storage', storageOf) ?? 'external',
		processSizeMax: last('ProcessSizeMax', sizeOf) ?? usual,
		externalSizeMax: last('ExternalSizeMax', sizeOrUnlimited) ?? usual,
		maxUse: last('MaxUse', sizeOf),
		keepFree: last('KeepFree', sizeOf),
	};
}

const storageOf = (value: string) => (['none', 'external', 'journal'] as const).find((one) => one === value);

const gibibyte = 1024 ** 3;

/** PROCESS_SIZE_MAX and EXTERNAL_SIZE_MAX of coredump.c, which grew in systemd 251; the comments in coredump.conf were left behind. */
const defaultSizeMax = (version: number) => (version >= 251 ? 32 : 2) * gibibyte;

/** What is kept of the space; 0: no limit. */
export type SpaceLimits = {
	/** When cores take more than this together, the oldest go. */
	readonly maxUse: number;
	/** When less than this is free, all go but the newest. */
	readonly keepFree: number;
};

/** The limits in force on a file system of that size: coredump-vacuum.c. */
export function spaceLimits({ maxUse, keepFree }: Pick<CoredumpSettings, 'maxUse' | 'keepFree'>, sizeBytes: number): SpaceLimits {
	return {
		maxUse: maxUse ?? Math.min(sizeBytes * 0.1, 4 * gibibyte),
		keepFree: keepFree ?? Math.min(sizeBytes * 0.15, 4 * gibibyte),
	};
}
