import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		include: ['test/**/*.test.ts'],
		globalSetup: ['test/support/kubernetes/shared.ts'],
		reporters: ['default', 'json'],
		outputFile: { json: 'build/test-report.json' },
		testTimeout: 30_000,
		hookTimeout: 30_000,
	},
});
