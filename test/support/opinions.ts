import type { Opinion } from '../../src/domain/opinion.ts';

const time = '2026-11-23T06:26:30.000Z';

/** What a model may say of the crash of `events`, and that it says nothing. */
export const opinions: { readonly given: Extract<Opinion, { is: 'given' }>; readonly none: Opinion } = {
	given: {
		is: 'given',
		revision: 1,
		time,
		provider: 'glm',
		model: 'glm-4.5-flash',
		promptVersion: 1,
		usage: { in: 812, out: 240 },
		cost: 0,
		answer: {
			summary: 'A pointer that was never set is read while an index is loaded.',
			rootCause: 'The request is handled before the segment has its index.',
			impact: 'The query node restarts; searches on its segments fail until then.',
			recommendations: ['Upgrade to a release with the fix.', 'Look whether the *index node* is late.'],
			confidence: 0.65,
			codeSuggestions: [
				{ file: 'crash.cc', function: 'crash', lineNumber: 10, issue: 'no check', suggestion: 'check for null', priority: 'high' },
				{ file: 'ghost.cc', function: '', lineNumber: 0, issue: 'none such', suggestion: 'none', priority: 'low' },
			],
			relatedIssues: ['milvus-io/milvus#28065'],
		},
		unverifiedSuggestions: [1],
		unverifiedIssues: ['milvus-io/milvus#28065'],
	},
	none: { is: 'not available', revision: 1, time, reason: 'GLM does not accept the key' },
};
