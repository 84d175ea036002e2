import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { debuginfod, usualLimits } from '../../drivers/debuginfod/debuginfod.ts';
import { type Check, ok, warning } from './check.ts';

const subject = 'analyzer.symbols.debuginfod';
/** No linker makes it: a server answers that it has no such file, and nothing is written. */
const noBuild = '0'.repeat(40);
const silenceMs = 10_000;

/** Whether the server answers that is asked for symbols. */
export async function symbolChecks({ analyzer: { symbols, scratchPath } }: Config): Promise<Check[]> {
	if (symbols.debuginfod === 'off') return [];
	const folder = join(scratchPath, 'debuginfod');
	const server = debuginfod({ address: symbols.debuginfod, folder, limits: { ...usualLimits, silenceMs } });
	using session = server.session(new AbortController().signal);
	const answer = await session.fileOf(noBuild, 'debuginfo');
	if (answer.is === 'none') return [ok(subject, `${server.shown} answers`)];
	const reason = answer.is === 'file' ? 'it has a build that can not be' : answer.reason;
	return [
		warning(
			subject,
			`${server.shown}: ${reason}`,
			'set it to the address of a debuginfod server, or to off: until then reports go without',
		),
	];
}
