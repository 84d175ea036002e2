import { defineConfig } from 'vitest/config';

/** What takes a whole node, builds images, or has the kernel's core_pattern to itself for long: one file after the other, when the rest is done. */
const alone = ['test/{node,image}/**/*.test.ts'];

export default defineConfig({
	test: {
		globalSetup: ['test/support/kubernetes/shared.ts'],
		reporters: ['default', 'json'],
		outputFile: { json: 'build/test-report.json' },
		testTimeout: 30_000,
		hookTimeout: 30_000,
		// Group 0 is another one where there is but one worker: it comes last.
		projects: [
			{ extends: true, test: { name: 'beside each other', include: ['test/**/*.test.ts'], exclude: alone, sequence: { groupOrder: 1 } } },
			{ extends: true, test: { name: 'alone', include: alone, fileParallelism: false, sequence: { groupOrder: 2 } } },
		],
	},
});
