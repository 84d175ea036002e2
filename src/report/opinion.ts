import type { Opinion, Suggestion } from '../domain/opinion.ts';
import type { CrashReport } from '../domain/report.ts';
import type { Section } from './content.ts';

/** What a model thinks, apart from what is known. Never more than its words: nothing of it was checked but what it names. */
export function opinionSection({ id, opinion }: Pick<CrashReport, 'id'> & { readonly opinion: Opinion | null | undefined }): Section {
	if (!opinion) return { is: 'facts', facts: [] };
	if (opinion.is === 'not available') {
		const title = `AI analysis: not available (${opinion.reason})`;
		return { title, is: 'list', isWarning: false, items: [`milvus-coredump-agent reanalyze ${id} --model NAME asks again`] };
	}
	const { answer, model, isRemembered, unverifiedSuggestions, unverifiedIssues } = opinion;
	const { summary, rootCause, impact, recommendations, confidence, codeSuggestions, relatedIssues } = answer;
	const from = isRemembered ? ', given to an earlier crash of this bug and image' : '';
	const rows: readonly (readonly [string, string])[] = [
		['in short', summary],
		['root cause', rootCause],
		['impact', impact],
		...several('advice', recommendations),
		...several(
			'code',
			codeSuggestions.map((one, index) => suggestion(one, unverifiedSuggestions.includes(index))),
		),
		...several(
			'related',
			relatedIssues.map((issue) => `${issue}${unverifiedIssues.includes(issue) ? unverified : ''}`),
		),
		['confidence', `${Math.round(confidence * 100)} %, as the model says`],
	];
	return { title: `AI analysis: the opinion of ${model}${from}, not a fact`, is: 'facts', facts: rows.filter(([, text]) => text !== '') };
}

const several = (label: string, texts: readonly string[]) => texts.map((text, index) => [index === 0 ? label : '', text] as const);

const unverified = ' (unverified)';

function suggestion({ file, function: name, lineNumber, issue, suggestion: text, priority }: Suggestion, isUnverified: boolean): string {
	const place = [name, file && `${file}${lineNumber > 0 ? `:${lineNumber}` : ''}`].filter(Boolean).join(' at ') || 'no place named';
	return `${place}${isUnverified ? unverified : ''}, priority ${priority}: ${issue} → ${text}`;
}
