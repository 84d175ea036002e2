import type { Association } from '../../src/domain/report.ts';
import { isRight, type Judged } from './judge.ts';

const confidences = ['exact', 'strong', 'weak', 'none'] as const satisfies readonly Association['confidence'][];

export type Figures = {
	readonly crashes: number;
	readonly right: number;
	/** Wrong pods where it was said to be certain. */
	readonly wrongForSure: number;
	readonly apart: number;
	readonly together: number;
};

export function figuresOf(judged: readonly Judged[]): Figures {
	const sure = judged.filter(({ association }) => association?.confidence === 'exact' || association?.confidence === 'strong');
	return {
		crashes: judged.length,
		right: judged.filter(isRight).length,
		wrongForSure: sure.filter(({ verdict }) => verdict === 'wrong pod' || verdict === 'told in vain').length,
		together: judged.filter(({ areTogether }) => areTogether === true).length,
		apart: judged.filter(({ areTogether }) => areTogether === false).length,
	};
}

/** At least 99 of 100 right, none wrong of which it was said to be certain. */
export const isReached = ({ crashes, right, wrongForSure, together, apart }: Figures) =>
	right >= crashes * 0.99 && wrongForSure === 0 && together >= (together + apart) * 0.99;

export function tables(judged: readonly Judged[]): string[] {
	const { crashes, right, wrongForSure, together, apart } = figuresOf(judged);
	const given = (confidence: string) =>
		judged.filter(({ association, truth }) => truth.isOfMilvus && association?.confidence === confidence);
	return [
		'| | goal | reached |',
		'| --- | --- | --- |',
		`| right answers | 99 % | ${right} of ${crashes} |`,
		`| wrong pods that were said to be exact or strong | none | ${wrongForSure} |`,
		`| core and restart of one crash in one report, and no other's | 99 % | ${together} of ${together + apart} |`,
		'',
		'| confidence | answers | right | wrong pod |',
		'| --- | --- | --- | --- |',
		...confidences.map((one) =>
			row(one, given(one).length, given(one).filter(isRight).length, given(one).filter(({ verdict }) => verdict === 'wrong pod').length),
		),
		'',
		'| situation | crashes | right pod | none, as nothing tells | left alone, rightly | none, though known | wrong pod | missed | told in vain | apart |',
		'| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
		...[...Map.groupBy(judged, ({ truth }) => truth.situation)]
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([situation, some]) => {
				const count = (verdict: Judged['verdict']) => some.filter((one) => one.verdict === verdict).length;
				return row(
					situation,
					some.length,
					...(['right', 'none, rightly', 'left alone, rightly', 'none, though known', 'wrong pod', 'missed', 'told in vain'] as const).map(
						count,
					),
					some.filter(({ areTogether }) => areTogether === false).length,
				);
			}),
	];
}

const row = (...cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
