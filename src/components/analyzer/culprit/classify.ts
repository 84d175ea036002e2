import { basename } from 'node:path';
import { normalName } from '../../../domain/function-name/function-name.ts';
import type { Frame } from '../../../domain/report.ts';
import { type FrameClass, frameRules } from './rules.ts';

/** A frame with what the rules say of it. */
export type Suspect = {
	readonly frame: Frame;
	/** Normalised; empty where the frame has no name. */
	readonly name: string;
	readonly is: FrameClass;
	/** Id of the rule that says so; absent where none fits. */
	readonly rule?: string;
};

export function classify(frame: Frame): Suspect {
	const name = frame.function === undefined ? '' : normalName(frame.function);
	const rule = compiled.find((one) => one.fits(name, frame))?.rule;
	return rule ? { frame, name, is: rule.is, rule: rule.id } : { frame, name, is: 'other' };
}

const compiled = frameRules.map((rule) => {
	const names = rule.names && pattern(rule.names);
	const modules = rule.modules && pattern(rule.modules);
	const plainIn = rule.plainIn && pattern(rule.plainIn);
	return {
		rule,
		fits: (name: string, { file, module }: Frame) =>
			(name !== '' && names?.test(name) && !(rule.isCommon && isOwnSource(file))) ||
			(file !== undefined && !(rule.isHeader && name.includes('::')) && rule.files?.some((part) => file.includes(part))) ||
			(name === '' && module !== undefined && modules?.test(basename(module))) ||
			(isPlain.test(name) && module !== undefined && plainIn?.test(basename(module))),
	};
});

const isPlain = /^[A-Za-z]\w*$/;

/** The C library's sources have relative paths, or lie where distributions build; `main` has the name of every program's own. */
const isOwnSource = (file: string | undefined) =>
	file?.startsWith('/') === true && !/^\/(?:usr|lib|build)\/|glibc|jemalloc|libstdc/.test(file);

function pattern(wildcards: readonly string[]): RegExp {
	const sources = wildcards.map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*'));
	return new RegExp(`^(?:${sources.join('|')})$`, 's');
}
