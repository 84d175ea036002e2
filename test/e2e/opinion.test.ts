import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type CrashReport, crashReport } from '../../src/domain/report.ts';
import { deliver, type Installation, installation, settled } from '../support/agent.ts';
import { cli } from '../support/cli.ts';
import { crashTest } from '../support/crash.ts';
import { glmError, modelServer, serverKey, serverModel, written } from '../support/model-server.ts';
import { describeRealModel, startRealModel } from '../support/real-model/real-model.ts';

const answer = {
	summary: 'A null pointer is written to.',
	rootCause: 'The pointer was never set.',
	impact: 'The process ends.',
	recommendations: ['Set it.'],
	confidence: 0.8,
	codeSuggestions: [{ file: 'faults.c', function: 'write_null', lineNumber: 1, issue: 'null', suggestion: 'check', priority: 'high' }],
	relatedIssues: [],
};

async function withModel(config: object = {}) {
	const server = await modelServer('glm');
	server.always(written(JSON.stringify(answer)));
	const home = await installation({
		aiAnalysis: { enabled: true, baseURL: server.baseURL, apiKeyFile: '/nowhere', ...config },
	});
	const keyFile = home.place('key');
	writeFileSync(keyFile, `${serverKey}\n`);
	home.configure({ aiAnalysis: { apiKeyFile: keyFile } });
	return {
		server,
		home,
		keyFile,
		async [Symbol.asyncDispose]() {
			await home[Symbol.asyncDispose]();
			await server[Symbol.asyncDispose]();
		},
	};
}

/** Once so many have an opinion, or none is to be had. */
const opined = (home: Installation, count = 1, timeout = 20_000) =>
	expect.poll(() => home.reports().filter(({ opinion }) => opinion !== null).length, { timeout }).toBe(count);

describe('a model gives its opinion', () => {
	crashTest('on a crash whose core was stored: in the log, in the report beside the core, and to whoever asks', async () => {
		await using model = await withModel();
		const { home, server } = model;
		const agent = await home.start();
		await deliver(home, 'null');
		await opined(home);
		expect(await agent.line('AI analysis completed')).toMatchObject({
			provider: 'glm',
			model: serverModel,
			tokens: { in: 12, out: 34 },
			cost: 0,
		});
		const [report] = home.reports();
		expect(crashReport.parse(report).opinion).toMatchObject({ is: 'given', answer, unverifiedSuggestions: [] });
		const beside = () => home.stored().then((names) => names.find((name) => name.endsWith('.json')) ?? '');
		const told = async () => JSON.parse(readFileSync(join(home.place('stored'), 'unassociated', await beside()), 'utf8')).opinion;
		await expect.poll(told, { timeout: 20_000 }).toEqual(report?.opinion);
		const shown = await cli(['show', report?.id ?? '', '--config', home.config]);
		expect(shown.stdout).toContain('AI analysis: the opinion of glm-4.5-flash, not a fact\nin short    A null pointer is written to.\n');
		// Of the crash's own question: the one before it was to find out whether the key is right.
		const asked = server.asked().filter(({ body }) => body.messages?.at(-1)?.content.startsWith('COREDUMP ANALYSIS REQUEST\n='));
		expect(asked).toHaveLength(1);
		const prompt = await cli(['show', report?.id ?? '', '--config', home.config, '--show-prompt', '--json']);
		expect(JSON.parse(prompt.stdout)).toEqual({ ...asked[0]?.body, request_id: expect.any(String) });
		expect(JSON.stringify(agent.lines)).not.toContain(serverKey);
	});

	crashTest('once in a crash loop, also over a restart of the agent', async () => {
		await using model = await withModel({ maxAnalysisPerHour: 1 });
		const { home, server } = model;
		const first = await home.start();
		const core = await deliver(home, 'null', 'core.1');
		await opined(home);
		await first.stop();
		const second = await home.start();
		for (const name of ['core.2', 'core.3']) {
			copyFileSync(core, home.place('.again'));
			renameSync(home.place('.again'), join(home.place('cores'), name));
		}
		await opined(home, 3);
		expect(home.reports().filter(({ opinion }) => opinion?.is === 'given' && opinion.isRemembered)).toHaveLength(2);
		const asked = server.asked().filter(({ body }) => body.messages?.at(-1)?.content.startsWith('COREDUMP'));
		expect(asked).toHaveLength(1);
		await deliver(home, 'wild', 'core.4');
		await settled(home, 4);
		await second.line('opinion tries again later: the one question of this hour is asked (aiAnalysis.maxAnalysisPerHour)');
		const waiting = home.reports().find(({ opinion }) => opinion === null);
		const shown = await cli(['show', waiting?.id ?? '', '--config', home.config]);
		expect(shown.stdout).toContain('\nAI analysis: waits, and tries again: the one question of this hour is asked');
	});
});

describe('a model that gives none', () => {
	crashTest('keeps nothing from working: with a wrong key the core is stored, and the report says why there is no opinion', async () => {
		await using model = await withModel();
		const { home, server, keyFile } = model;
		writeFileSync(keyFile, 'wrong-key-000000000000');
		server.always(glmError(401, '1000', '身份验证失败。'));
		const agent = await home.start();
		expect((await agent.line('no AI analysis for now')).msg).toMatch(/GLM does not accept the key \*\*\*\*0000 /);
		await deliver(home, 'null');
		await opined(home);
		const [report] = home.reports();
		expect(report).toMatchObject({ status: 'stored', culprit: { function: 'write_null' }, opinion: { is: 'not available' } });
		const shown = await cli(['show', report?.id ?? '', '--config', home.config]);
		expect(shown.stdout).toMatch(/\nAI analysis: not available \(GLM does not accept the key .*\)\n/);
		const doctor = await cli(['doctor', '--config', home.config]);
		expect(doctor.stdout).toMatch(/error +aiAnalysis \(glm\): GLM does not accept the key \*\*\*\*0000 \(aiAnalysis\.apiKey or apiKeyFile/);
		expect(doctor.stdout + shown.stdout).not.toContain('wrong-key');
	});

	crashTest('for a long time holds up nothing else', async () => {
		await using model = await withModel();
		const { home, server } = model;
		server.always({ isSilent: true });
		await home.start();
		await deliver(home, 'null', 'core.1');
		await deliver(home, 'wild', 'core.2');
		await settled(home, 2);
		await expect.poll(() => home.stored(), { timeout: 20_000 }).toHaveLength(4);
		expect(home.reports().map(({ status, opinion }) => [status, opinion])).toEqual(Array(2).fill(['stored', null]));
	});
});

describeRealModel('a real model', () => {
	crashTest('changes nothing in a report but its opinion, whatever it says', async () => {
		await using model = await startRealModel();
		const { baseURL, model: name } = model;
		await using home = await installation({
			aiAnalysis: { enabled: true, provider: 'openai-compatible', model: name, baseURL, timeout: '120s' },
		});
		const agent = await home.start();
		const core = await deliver(home, 'null');
		await opined(home, 1, 150_000);
		expect(await agent.line('AI analysis completed')).toMatchObject({ provider: 'openai-compatible' });
		const [report] = home.reports();
		expect(crashReport.parse(report)).toMatchObject({ status: 'stored', opinion: { is: 'given', provider: 'openai-compatible' } });
		await agent.stop();
		await using other = await installation();
		await other.start();
		copyFileSync(core, other.place('.arriving'));
		renameSync(other.place('.arriving'), join(other.place('cores'), 'core'));
		await settled(other);
		const [plain] = other.reports();
		const told = ({ culprit, fingerprint, reason, threads, knownIssues, modules, registers, notes }: CrashReport) => {
			return { culprit, fingerprint, reason, threads, knownIssues, modules, registers, notes };
		};
		expect(told(report as CrashReport)).toEqual(told(plain as CrashReport));
	});
});
