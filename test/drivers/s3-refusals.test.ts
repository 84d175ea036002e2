import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Backend, BackendRefused, BackendUnavailable } from '../../src/domain/backend.ts';
import { type S3Options, s3Backend } from '../../src/drivers/s3/s3.ts';
import { bytesOf, signal } from '../contract/backend.ts';
import { exec, root, temporaryFolder } from '../support/crash.ts';
import { s3Place } from '../support/s3/place.ts';
import { describeS3, keys } from '../support/s3/server.ts';

const small = bytesOf(Buffer.from('x'));
const large = bytesOf(Buffer.alloc(9_000_000));

/** What health and put say; neither may hold the secret key. */
async function saidBy(backend: Backend, content = small): Promise<readonly Error[]> {
	const said = await Promise.all(
		[backend.health(signal), backend.put('a/core', content, signal)].map((work) =>
			work.then(
				() => new Error('none'),
				(error) => error,
			),
		),
	);
	for (const error of said) {
		expect(inspect(error, { depth: 10 })).not.toContain(keys.secretKey);
		expect(error.message).not.toContain('\n');
	}
	return said;
}

describeS3('a real server refuses', () => {
	test.each<[string, Partial<S3Options>, RegExp]>([
		['a wrong key', { accessKey: 'nobody' }, /(InvalidAccessKeyId|XAdminUserNotFound): .* \(storage\.s3\.accessKey and secretKey/],
		['a wrong secret key', { secretKey: 'wrong' }, /SignatureDoesNotMatch: .* \(storage\.s3\.accessKey and secretKey/],
		['a bucket that is not there', { bucket: 'nothing' }, /^s3:\/\/nothing: NoSuchBucket: .* \(storage\.s3\.bucket\)$/],
		['another region', { region: 'eu-central-1' }, /AuthorizationHeaderMalformed: .* \(storage\.s3\.region\)$/],
		[
			'a file of a key that is not there',
			{ accessKey: undefined, accessKeyFile: '/nonexistent/key' } as never,
			/^ENOENT: .*\/nonexistent\/key.* \(storage\.s3\.accessKeyFile\)$/,
		],
		['an authority that is not there', { caFile: '/nonexistent/ca' }, /^ENOENT: .*\/nonexistent\/ca.* \(storage\.s3\.caFile\)$/],
	])('%s, and the key of the configuration is named', async (_, options, message) => {
		await using place = await s3Place(options);
		for (const content of [small, large]) {
			for (const error of await saidBy(place.backend, content)) {
				expect(error).toBeInstanceOf(BackendRefused);
				expect(error.message).toMatch(message);
			}
		}
		await expect(place.backend.start(signal)).resolves.toBeUndefined();
	});

	test('what is listed, read and removed with a wrong key', async () => {
		await using place = await s3Place({ secretKey: 'wrong' });
		for (const attempt of [
			() => Array.fromAsync(place.backend.list('', signal)),
			() => Array.fromAsync(place.backend.get('a/core', signal)),
			() => place.backend.remove(['a/core'], signal),
		])
			await expect(attempt()).rejects.toBeInstanceOf(BackendRefused);
	});
});

describeS3('a key comes', () => {
	test('from files, which may have a line end', async () => {
		await using place = await s3Place();
		await using folder = await temporaryFolder();
		const { accessKey, secretKey, ...options } = place.server.options;
		const file = (name: string, text: string) => {
			writeFileSync(join(folder.path, name), text);
			return join(folder.path, name);
		};
		const backend = s3Backend(
			{ ...options, accessKeyFile: file('key', `${accessKey}\n`), secretKeyFile: file('secret', `${secretKey}\n`) },
			place.notesPath,
		);
		await backend.health(signal);
		expect((await backend.put('a/core', small, signal)).sizeBytes).toBe(1);
	});

	/** Runs health and put in a process with just these variables. */
	const inEnvironment = async (options: object, env: Readonly<Record<string, string>>) => {
		const script = `
			import { s3Backend } from ${JSON.stringify(join(root, 'src/drivers/s3/s3.ts'))};
			const backend = s3Backend(${JSON.stringify(options)}, '/nonexistent');
			const signal = new AbortController().signal;
			const content = { async *open() { yield Buffer.from('x'); } };
			console.log(await backend.health(signal).then(() => backend.put('a/core', content, signal)).then(({ location }) => location, ({ name, message }) => name + ' ' + message));`;
		const environment = { AWS_EC2_METADATA_DISABLED: 'true', HOME: '/nonexistent', ...env };
		return (await exec(process.execPath, ['--input-type=module-typescript', '-e', script], { env: environment })).stdout.trim();
	};

	test('from the environment', async () => {
		await using place = await s3Place();
		const { accessKey, secretKey, ...options } = place.server.options;
		const said = await inEnvironment(options, { AWS_ACCESS_KEY_ID: accessKey ?? '', AWS_SECRET_ACCESS_KEY: secretKey ?? '' });
		expect(said).toBe('s3://cores/a/core');
	});

	test('from nowhere, and that is told', async () => {
		await using place = await s3Place();
		const { accessKey: _, secretKey: __, ...options } = place.server.options;
		expect(await inEnvironment(options, {})).toMatch(
			/^BackendRefused s3:\/\/cores: Could not load credentials .*\(storage\.s3\.accessKey and secretKey, /,
		);
	});

	test('by the role of the pod, whose token is in a file', async () => {
		await using place = await s3Place();
		await using folder = await temporaryFolder();
		const token = join(folder.path, 'token');
		writeFileSync(token, 'the.pods.token');
		const { accessKey, secretKey, ...options } = place.server.options;
		// Written after https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html: the service itself can't be had.
		let asked = '';
		await using sts = await answering(async (request, response) => {
			asked = (await Array.fromAsync(request)).join('');
			response
				.setHeader('content-type', 'text/xml')
				.end(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
				<AssumeRoleWithWebIdentityResult><Credentials><SecretAccessKey>${secretKey}</SecretAccessKey>
				<Expiration>${new Date(Date.now() + 3600_000).toISOString()}</Expiration><AccessKeyId>${accessKey}</AccessKeyId></Credentials>
				</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`);
		});
		const said = await inEnvironment(options, {
			AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/cores',
			AWS_WEB_IDENTITY_TOKEN_FILE: token,
			AWS_ENDPOINT_URL_STS: sts.endpoint,
		});
		expect(said).toBe('s3://cores/a/core');
		expect(Object.fromEntries(new URLSearchParams(asked))).toMatchObject({
			Action: 'AssumeRoleWithWebIdentity',
			RoleArn: 'arn:aws:iam::123456789012:role/cores',
			WebIdentityToken: 'the.pods.token',
		});
	});
});

describeS3('a server with a certificate of an authority of its own', () => {
	test('is believed with that authority, and not without', async () => {
		await using folder = await temporaryFolder();
		const [certificate, key] = ['cert.pem', 'key.pem'].map((name) => join(folder.path, name)) as [string, string];
		const subject = ['-subj', '/CN=s3', '-addext', 'subjectAltName=IP:127.0.0.1'];
		await exec('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate, ...subject]);
		await using place = await s3Place({ caFile: certificate }, { tls: { certificate, key } });
		await place.backend.health(signal);
		expect((await place.backend.put('a/core', large, signal)).sizeBytes).toBe(9_000_000);
		for (const error of await saidBy(s3Backend(place.server.options, place.notesPath))) {
			expect(error).toBeInstanceOf(BackendRefused);
			expect(error.message).toMatch(/\(storage\.s3\.caFile\)$/);
		}
	});
});

/** A server that answers as it is told: for what no real one can be brought to say. */
async function answering(answer: (request: IncomingMessage, response: ServerResponse) => void) {
	const server = createServer(answer);
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	return {
		endpoint: `http://127.0.0.1:${port}`,
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		},
	};
}

describe('answers as they are documented', () => {
	/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
	const answers = (status: number, code: string, headers: Readonly<Record<string, string>> = {}) =>
		answering((request, response) => {
			request.resume();
			request.on('end', () => {
				response.writeHead(status, { 'content-type': 'application/xml', ...headers });
				response.end(
					request.method === 'HEAD' ? '' : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>What\nit says</Message></Error>`,
				);
			});
		});
	const told = async (endpoint: string) => saidBy(s3Backend({ bucket: 'cores', endpoint, ...keys }, '/nonexistent'));

	test.each([
		[503, 'SlowDown'],
		[503, 'ServiceUnavailable'],
		[500, 'InternalError'],
		[502, 'x'],
		[429, 'TooManyRequests'],
		[409, 'OperationAborted'],
	])('%i %s may be better later', async (status, code) => {
		await using server = await answers(status, code);
		for (const error of await told(server.endpoint)) expect(error).toBeInstanceOf(BackendUnavailable);
	});

	test.each([
		[403, 'AccessDenied', /AccessDenied: What\\x0ait says \(the key of storage\.s3 needs more rights on this bucket\)$/],
		[403, 'ExpiredToken', /\(storage\.s3\.accessKey and secretKey/],
		[400, 'InvalidStorageClass', /\(storage\.s3\.storageClass\)$/],
		[400, 'KMS.NotFoundException', /\(storage\.s3\.kmsKeyId\)$/],
		[501, 'NotImplemented', /\(storage\.s3\)$/],
	])('%i %s is refused', async (status, code, message) => {
		await using server = await answers(status, code);
		for (const error of await told(server.endpoint)) {
			expect(error).toBeInstanceOf(BackendRefused);
			expect(error.message).toMatch(message);
		}
	});

	test('a bucket of another region is told with that', async () => {
		await using server = await answers(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'eu-west-3' });
		for (const error of await told(server.endpoint)) {
			expect(error).toBeInstanceOf(BackendRefused);
			expect(error.message).toMatch(/\(storage\.s3\.region: the bucket is in eu-west-3\)$/);
		}
	});

	test('a clock that is off is told with how much', async () => {
		await using server = await answers(403, 'RequestTimeTooSkewed', { date: new Date(Date.now() + 3600_000).toUTCString() });
		for (const error of await told(server.endpoint)) {
			expect(error).toBeInstanceOf(BackendUnavailable);
			expect(error.message).toMatch(/RequestTimeTooSkewed.* The clock of this machine is (3599|3600|3601) s behind: set it\.$/);
		}
	});

	test('what is no S3 server at all', async () => {
		await using server = await answering((request, response) => {
			request.resume();
			response.setHeader('content-type', 'text/html').end('<html><body>Welcome<br></body>');
		});
		const [, put] = await told(server.endpoint);
		expect(put).toBeInstanceOf(BackendUnavailable);
	});

	test('nobody there', async () => {
		for (const endpoint of ['http://127.0.0.1:1', 'http://nowhere.invalid']) {
			for (const error of await told(endpoint)) {
				expect(error).toBeInstanceOf(BackendUnavailable);
				expect(error.message).toContain(`(storage.s3.endpoint ${endpoint})`);
			}
		}
	});
});
