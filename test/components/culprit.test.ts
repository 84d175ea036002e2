import { describe, expect, test } from 'vitest';
import { culpritOf, plainName } from '../../src/components/analyzer/culprit/culprit.ts';
import { deathFunctions, deathPrefixes } from '../../src/components/analyzer/culprit/rules.ts';
import type { Frame } from '../../src/domain/report.ts';

const frame = (name: string | undefined, module = '/milvus/bin/milvus'): Frame => ({
	pc: '0x401000',
	module,
	offset: '0x1000',
	...(name === undefined ? {} : { function: name }),
});
const libc = '/lib/x86_64-linux-gnu/libc.so.6';
const own = frame('milvus::segcore::Search');

describe('whoever calls a function that ends the process is to blame', () => {
	for (const name of [...deathFunctions, ...deathPrefixes.map((prefix) => `${prefix}out_of_range_fmt`)]) {
		test(name, () => {
			expect(culpritOf([frame(name, libc), own], true)).toMatchObject({
				function: 'milvus::segcore::Search',
				rule: 'behind abort family',
				confidence: 'high',
			});
		});
	}
});

test('a frame that ends nothing is to blame itself', () => {
	expect(culpritOf([own, frame('main')], true)).toMatchObject({ function: 'milvus::segcore::Search', rule: 'top frame' });
});

test('unnamed frames of stripped libraries between those that end the process are skipped', () => {
	const stack = [
		frame(undefined, libc),
		frame('raise', libc),
		frame('abort', libc),
		frame(undefined, '/usr/lib/libstdc++.so.6.0.30'),
		frame('std::terminate()', '/usr/lib/libstdc++.so.6.0.30'),
		own,
	];
	expect(culpritOf(stack, true)).toMatchObject({ function: 'milvus::segcore::Search' });
});

test('an unnamed frame of a library at the top is to blame, when nothing behind it ends the process', () => {
	expect(culpritOf([frame(undefined, libc), own], true)).toMatchObject({ module: libc, rule: 'top frame', confidence: 'medium' });
});

test('the caller of a jump to nowhere is to blame', () => {
	expect(culpritOf([{ pc: '0x0' }, own], true)).toMatchObject({ function: 'milvus::segcore::Search', rule: 'caller of a bad jump' });
	expect(culpritOf([{ pc: '0x0' }], true)).toBeNull();
});

test('a stack of nothing but the end of the process blames nobody', () => {
	expect(culpritOf([frame('raise', libc), frame('abort', libc)], true)).toBeNull();
	expect(culpritOf([], true)).toBeNull();
});

test('without a stack the program counter is a guess, and none in the C library', () => {
	expect(culpritOf([frame(undefined)], false)).toMatchObject({
		module: '/milvus/bin/milvus',
		offset: '0x1000',
		rule: 'program counter',
		confidence: 'low',
	});
	expect(culpritOf([frame(undefined, libc)], false)).toBeNull();
});

test('names are compared without parameters, clones, versions and aliases', () => {
	const names: readonly (readonly [name: string, plain: string])[] = [
		['abort', 'abort'],
		['__GI_abort', 'abort'],
		['raise@@GLIBC_2.2.5', 'raise'],
		['__pthread_kill_implementation.constprop.0', '__pthread_kill_implementation'],
		['search.isra.0.cold', 'search'],
		['search [clone ._omp_fn.0]', 'search'],
		['std::terminate()', 'std::terminate'],
		['ns::f(int, std::function<void (char)>)', 'ns::f'],
		['ns::T::f(int) const', 'ns::T::f'],
		['(anonymous namespace)::f(int)', '(anonymous namespace)::f'],
		['(anonymous namespace)::f', '(anonymous namespace)::f'],
		['ns::T::operator()(int) const', 'ns::T::operator()'],
		['ns::T::operator()', 'ns::T::operator()'],
	];
	for (const [name, plain] of names) expect([name, plainName(name)]).toEqual([name, plain]);
});
