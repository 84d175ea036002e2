import { describe, expect, test } from 'vitest';
import { checked, parseAnswer } from '../../src/components/opinion/answer.ts';
import type { Answer } from '../../src/domain/opinion.ts';

const answer: Answer = {
	summary: 'A null index is read.',
	rootCause: 'LoadIndex is called before the index is there.',
	impact: 'The query node restarts.',
	recommendations: ['Upgrade.'],
	confidence: 0.7,
	codeSuggestions: [
		{ file: 'SegmentSealedImpl.cpp', function: 'LoadIndex', lineNumber: 42, issue: 'no check', suggestion: 'check it', priority: 'high' },
	],
	relatedIssues: ['milvus#28065'],
};
const json = JSON.stringify(answer, undefined, 2);

describe('an answer of a model', () => {
	test.for([
		['as it was asked for', json],
		['in a code fence', `\`\`\`json\n${json}\n\`\`\``],
		['behind thoughts of which only the end is marked', `maybe {"summary": 1}?</think>\n${json}`],
		['behind its thoughts', `<think>maybe {"summary": 1}</think>\n${json}`],
		['among other words', `Here is what I found:\n${json}\nI hope that helps {you}.`],
		['with a brace in a text', JSON.stringify({ ...answer, summary: 'a } and a \\" in it' })],
	] as const)('%s is read', ([, text]) => {
		expect(parseAnswer(text)).toMatchObject({ impact: answer.impact, confidence: 0.7 });
	});

	test.for([
		['nothing', '', /no JSON object/],
		['words', 'I cannot help with that.', /no JSON object/],
		['thoughts that never end', `<think>${json}`, /no JSON object/],
		['one that was cut', json.slice(0, -30), /not valid JSON/],
		['a number as text', JSON.stringify({ ...answer, confidence: 'high' }), /^confidence: /],
		['one with more than was asked for', JSON.stringify({ ...answer, action: 'kubectl delete' }), /action/],
		['one without a part', JSON.stringify({ ...answer, impact: undefined }), /^impact: /],
		['a list', '[1]', /no JSON object/],
		['parts of the wrong kind', JSON.stringify({ ...answer, codeSuggestions: [{ file: 1 }] }), /codeSuggestions\.0\.file/],
	] as const)('is not %s, and what is wrong is said', ([, text, problem]) => {
		expect(parseAnswer(text)).toEqual({ problem: expect.stringMatching(problem) });
	});
});

describe('what an answer names', () => {
	const report = {
		threads: [
			{
				id: 1,
				crashed: true,
				frames: [
					{
						function: 'milvus::segcore::SegmentSealedImpl::LoadIndex(milvus::LoadIndexInfo const&)',
						file: '/src/core/SegmentSealedImpl.cpp',
						line: 40,
					},
					{ function: 'github.com/milvus-io/milvus/internal/querynodev2.(*QueryNode).Start' },
					{ function: 'void milvus::Load<int>(int)' },
					{ function: '(anonymous namespace)::foo(int)' },
				],
			},
		],
		knownIssues: [{ id: 'a', issues: ['milvus-io/milvus#28065'], symptom: 's', advice: 'a', cleanup: 'neutral', match: 1 }],
	} as const;
	const about = (file: string, name: string) =>
		({ ...answer.codeSuggestions[0], file, function: name }) as Answer['codeSuggestions'][number];
	const unverified = (file: string, name: string) =>
		checked({ ...answer, codeSuggestions: [about(file, name)] }, report as never).unverifiedSuggestions.length === 1;

	test('is verified where it is in a stack, however it is written', () => {
		for (const [file, name] of [
			['SegmentSealedImpl.cpp', 'LoadIndex'],
			['internal/core/src/SegmentSealedImpl.cpp', ''],
			['', 'milvus::segcore::SegmentSealedImpl::LoadIndex(const LoadIndexInfo&)'],
			['', 'SegmentSealedImpl::LoadIndex'],
			['', '(*QueryNode).Start'],
			['', 'QueryNode.Start'],
			['', 'querynodev2.(*QueryNode).Start'],
			['', 'Load'],
			['', 'milvus::Load'],
		] as const)
			expect([file, name, unverified(file, name)]).toEqual([file, name, false]);
	});

	test('is unverified where it is in none', () => {
		for (const [file, name] of [
			['Other.cpp', 'LoadIndex'],
			['SegmentSealedImpl.cpp', 'DropIndex'],
			['', 'Index'],
			['', 'milvus.(*Ghost).Nothing'],
			['', '(*Ghost).Nothing'],
			['', '(anything)'],
			['', '()'],
			['', 'other::LoadIndex'],
			['', '(anonymous namespace)::evil'],
			['', ''],
		] as const)
			expect([file, name, unverified(file, name)]).toEqual([file, name, true]);
	});

	test('of issues is verified where the knowledge base names them for this crash', () => {
		const relatedIssues = [
			'milvus#28065',
			'#28065',
			'https://github.com/milvus-io/milvus/issues/28065',
			'milvus#1',
			'knowhere#28065',
			'a bug',
		];
		expect(checked({ ...answer, relatedIssues }, report as never).unverifiedIssues).toEqual(['milvus#1', 'knowhere#28065', 'a bug']);
	});
});
