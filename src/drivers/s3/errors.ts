import { codeOf, messageOf } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { BackendRefused, BackendUnavailable, isBackendError, NotStored } from '../../domain/backend.ts';
import type { S3Options } from './options.ts';

/** What a server says when it does not do what it was asked for. */
export type Refusal = {
	/** `NoSuchBucket`; of an answer without a body, `NotFound` or a status. */
	readonly code: string;
	readonly message: string;
	readonly status: number;
	/** Lower case. */
	readonly headers?: Readonly<Record<string, string>>;
};

/** An upload is not, or no longer, under way: it was completed or ended. */
export class UploadGone extends BackendUnavailable {}

/** What is at the server, or was on the way there, is not what was sent. */
export class Damaged extends BackendUnavailable {}

/** What is asked for begins behind the end of an object. */
export class PastEnd extends BackendRefused {}

/** What the SDK throws, as what it means for the caller. Nothing of the request is in it: that holds the key. */
export function sorted(error: unknown, { bucket, endpoint }: S3Options): Error {
	if (isBackendError(error)) return error;
	const place = `s3://${bucket}`;
	const refusal = refusalOf(error);
	if (refusal) return sortedRefusal(refusal, place);
	const text = `${place}: ${textOf(error)}`;
	const code = codeOf(error) ?? '';
	if (isAboutCredentials(error))
		return new BackendRefused(`${text} (storage.s3.accessKey and secretKey, or their files; else the environment, or the pod's role)`);
	if (/region is missing/i.test(messageOf(error))) return new BackendRefused(`${text} (storage.s3.region)`);
	if (/^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CERT_|ERR_TLS_CERT_)/.test(code)) return new BackendRefused(`${text} (storage.s3.caFile)`);
	if (/^(EPROTO$|ERR_SSL_)/.test(code)) return new BackendRefused(`${text} (storage.s3.endpoint: https where it is http?)`);
	return new BackendUnavailable(`${text} (${endpoint === undefined ? 'storage.s3.region' : `storage.s3.endpoint ${endpoint}`})`);
}

/** Source of the codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export function sortedRefusal({ code, message, status, headers = {} }: Refusal, place: string): Error {
	const said = message === '' || message === 'UnknownError' ? '' : `: ${printable(message)}`;
	const text = `${place}: ${printable(code)}${said}`;
	if (code === 'NoSuchKey' || code === 'NotFound') return new NotStored(text);
	if (code === 'NoSuchUpload') return new UploadGone(text);
	if (status === 416) return new PastEnd(text);
	if (clockCodes.has(code)) return new BackendUnavailable(`${text} ${clockText(headers.date)}`);
	const region = headers['x-amz-bucket-region'];
	if (status === 301 || status === 307 || regionCodes.has(code))
		return new BackendRefused(`${text} (storage.s3.region${region === undefined ? '' : `: the bucket is in ${printable(region)}`})`);
	if (damageCodes.has(code)) return new Damaged(text);
	if (cutCodes.has(code) || status < 400 || [408, 409, 429].includes(status) || (status >= 500 && status !== 501))
		return new BackendUnavailable(text);
	return new BackendRefused(`${text} (${adviceOf(code)})`);
}

const clockCodes = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture']);
const regionCodes = new Set([
	'PermanentRedirect',
	'TemporaryRedirect',
	'AuthorizationHeaderMalformed',
	'IllegalLocationConstraintException',
]);
/** Something was damaged on the way, or since. */
const damageCodes = new Set(['BadDigest', 'InvalidDigest', 'InvalidPart', 'XAmzContentChecksumMismatch', 'XAmzContentSHA256Mismatch']);
const cutCodes = new Set(['IncompleteBody', 'RequestTimeout', 'SlowDown']);

function adviceOf(code: string): string {
	switch (code) {
		case 'InvalidAccessKeyId':
		case 'SignatureDoesNotMatch':
		case 'InvalidToken':
		case 'ExpiredToken':
		case 'XAdminUserNotFound': // versitygw
			return "storage.s3.accessKey and secretKey, or their files; else the environment, or the pod's role";
		case 'NoSuchBucket':
		case 'InvalidBucketName':
			return 'storage.s3.bucket';
		case 'InvalidStorageClass':
			return 'storage.s3.storageClass';
		case 'InvalidTag':
			return 'storage.s3.tags';
		case 'AccessDenied':
		case 'Forbidden':
		case '403':
			return 'the key of storage.s3 needs more rights on this bucket';
		default:
			return code.startsWith('KMS.') ? 'storage.s3.kmsKeyId' : 'storage.s3';
	}
}

/** @param date the server's, as in its header */
function clockText(date: string | undefined): string {
	const seconds = Math.round((Date.now() - Date.parse(date ?? '')) / 1000);
	if (Number.isNaN(seconds)) return 'The clock of this machine is off: set it.';
	return `The clock of this machine is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead'}: set it.`;
}

type SdkError = Error & {
	readonly $metadata?: { readonly httpStatusCode?: number };
	readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
};

/** Absent: there was no answer. */
function refusalOf(error: unknown): Refusal | undefined {
	if (!(error instanceof Error)) return undefined;
	const { name, message, $metadata, $response } = error as SdkError;
	if ($metadata?.httpStatusCode === undefined) return undefined;
	return { code: name, message, status: $metadata.httpStatusCode, headers: $response?.headers ?? {} };
}

const isAboutCredentials = (error: unknown) => error instanceof Error && /^(CredentialsProvider|TokenProvider)Error$/.test(error.name);

/** Several addresses that refuse are one error without a text of its own. */
const textOf = (error: unknown) => printable(messageOf(error) || (codeOf(error) ?? 'no answer'));
