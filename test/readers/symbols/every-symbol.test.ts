import { expect, test } from 'vitest';
import { memoryBytes } from '../../../src/readers/bytes/bytes.ts';
import { openSymbols } from '../../../src/readers/symbols/symbols.ts';
import { seeded } from '../../support/gopclntab.ts';
import { fileWithSymbols, type MadeUp, places } from '../../support/symbol-tables.ts';

test('whatever lies across what, the answer is the one of looking at every symbol for each address', async () => {
	const random = seeded(26);
	let known = 0;
	for (let round = 0; round < 400; round++) {
		const symbols = Array.from({ length: 1 + random(40) }, (_, index) => madeUp(random, `f${index}`));
		const addresses = Array.from({ length: 1 + random(60) }, () => 0xff0 + random(0x120));
		const opened = await openSymbols(memoryBytes(fileWithSymbols(symbols)));
		const ours = await opened?.functionsAt(addresses.map(BigInt));
		const theirs = addresses.map((address) => best(symbols, address)?.name);
		expect(ours?.map((found) => found?.name)).toEqual(theirs);
		known += theirs.filter((name) => name !== undefined).length;
	}
	expect(known).toBeGreaterThan(3000);
});

/** Near the end of a section, some in the next one. */
function madeUp(random: (below: number) => number, name: string): MadeUp {
	const { section } = random(4) === 0 ? places.more : places.text;
	return {
		name,
		start: section === places.more.section ? places.more.start + random(0x40) : places.text.start + random(0x100),
		size: random(2) === 0 ? 0 : random(0x40),
		type: (['func', 'func', 'ifunc', 'notype', 'object'] as const)[random(5)] ?? 'func',
		binding: (['local', 'weak', 'global'] as const)[random(3)] ?? 'local',
		section,
	};
}

function best(symbols: readonly MadeUp[], address: number): MadeUp | undefined {
	const code = symbols.filter(({ type }) => type !== 'object').filter(({ start }) => start <= address);
	const isFunction = ({ type }: MadeUp) => type !== 'notype';
	const strength = ({ binding }: MadeUp) => ['local', 'weak', 'global'].indexOf(binding ?? 'global');
	const first = (some: readonly MadeUp[]) =>
		some.toSorted(
			(one, other) =>
				Number(isFunction(other)) - Number(isFunction(one)) ||
				other.start - one.start ||
				strength(other) - strength(one) ||
				(one.size ?? 0) - (other.size ?? 0),
		)[0];
	const end = ({ start, size = 0 }: MadeUp) => start + size;
	const holding = first(code.filter((symbol) => address < end(symbol)));
	if (holding) return holding;
	const sized = code.filter(({ size }) => size !== 0);
	/** The nearest of those without size, if nothing ends between and its section goes on. */
	const reaching = (some: readonly MadeUp[]) => {
		const nearest = first(some.filter(({ size }) => size === 0));
		const section = nearest?.section === places.more.section ? places.more : places.text;
		return nearest && address < section.end && sized.every((other) => end(other) <= nearest.start) ? nearest : undefined;
	};
	return reaching(code.filter(isFunction)) ?? reaching(code.filter((symbol) => !isFunction(symbol)));
}
