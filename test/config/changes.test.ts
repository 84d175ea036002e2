import { expect, test } from 'vitest';
import { changedKeys } from '../../src/config/config.ts';
import { configSchema, nodeDefaults } from '../../src/config/schema.ts';

const schema = configSchema(nodeDefaults);
const cases: readonly (readonly [before: object, after: object, keys: readonly string[]])[] = [
	[{}, {}, []],
	[{}, { analyzer: { gdbTimeout: '300s', valueThreshold: 4 } }, []], // the defaults, in other words
	[{}, { storage: { minFreeSpace: '1GB' }, log: { level: 'debug' } }, ['log.level', 'storage.minFreeSpace']],
	[{ collector: { ignorePatterns: ['a', 'b'] } }, { collector: { ignorePatterns: ['b', 'a'] } }, ['collector.ignorePatterns']],
	[{ aiAnalysis: { apiKey: 'a' } }, {}, ['aiAnalysis.apiKey']],
	[{}, { analyzer: { symbols: { paths: ['/x'] } } }, ['analyzer.symbols.paths']],
	[{}, { aiAnalysis: { pricing: { x: { in: 1, out: 2 } } } }, ['aiAnalysis.pricing']],
];
for (const [before, after, keys] of cases) {
	test(`from ${JSON.stringify(before)} to ${JSON.stringify(after)}: ${keys.join(', ') || 'nothing'}`, () => {
		expect(changedKeys(schema.parse(before), schema.parse(after))).toEqual(keys);
	});
}
