import { createHash } from 'node:crypto';
import { imageOrBuild } from '../../domain/history.ts';
import type { ModelProvider } from '../../domain/model-provider.ts';
import type { CrashReport } from '../../domain/report.ts';
import type { Language } from './question.ts';
import { promptVersion } from './request.ts';

/**
 * What a question is about: the same for two crashes that one answer is enough for, those of one bug in one image. A crash of which nothing tells which
 * bug it is has a question of its own.
 *
 * @param anew the revision for which it is asked again although there may be an answer
 * @returns SHA-256, hex
 */
export function aboutOf(
	report: CrashReport,
	{ service, model }: Pick<ModelProvider, 'service' | 'model'>,
	language: Language,
	anew?: number,
): string {
	const { id, fingerprint } = report;
	const bug = fingerprint === null || anew !== undefined ? [id, anew ?? 0] : [fingerprint, imageOrBuild(report)];
	return createHash('sha256')
		.update(JSON.stringify([...bug, promptVersion, service, model, language]))
		.digest('hex');
}
