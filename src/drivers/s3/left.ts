import { BackendRefused, BackendUnavailable, isBackendError } from '../../domain/backend.ts';
import { UploadGone } from './errors.ts';
import { type Multipart, multipart, type Place } from './multipart.ts';
import type { LeftNote, Upload } from './notes.ts';
import { abortUpload, partsSent, uploadsOf } from './uploads.ts';

/** For so long after its begin an upload that broke off may be gone on with: then it is swept, since its core may not come again. */
const keptMs = 24 * 3600_000;

/**
 * Goes on with the upload of just this content that broke off, if there is one. What else was left of its key is ended.
 *
 * @param what is sent, and how
 * @throws {BackendUnavailable} how far it came can't be told now
 */
export async function resumeMultipart(to: Place, key: string, what: string, signal: AbortSignal): Promise<Multipart | undefined> {
	const all = (await to.notes.left()).filter(({ upload }) => upload.place === to.place && upload.key === key);
	const fitting = all.find(({ upload }) => upload.what === what && mayGoOn(upload));
	fitting?.take();
	for (const left of all) if (left !== fitting) await endLeft(to, left, idsOf(all), signal).catch(ignoreBackend);
	return fitting && goOn(to, fitting, signal);
}

async function goOn(to: Place, left: LeftNote, signal: AbortSignal): Promise<Multipart | undefined> {
	const { key, uploadId = '' } = left.upload;
	const begun = { key, uploadId, note: left };
	try {
		const sent = await partsSent(to.ask, { Bucket: to.bucket, Key: key, UploadId: uploadId }, signal);
		return multipart(to, { ...begun, sent }, signal);
	} catch (error) {
		if (error instanceof UploadGone) {
			await left.end();
			return undefined;
		}
		if (error instanceof BackendRefused) {
			// The right to look may be missing; then it is begun anew.
			await multipart(to, begun, signal).abort();
			return undefined;
		}
		left.leave();
		throw error;
	}
}

/** Ends what broke off in this place and is not to be gone on with. Nothing else in the bucket is looked at. */
export async function sweepUploads(to: Place, signal: AbortSignal): Promise<void> {
	const all = (await to.notes.left()).filter(({ upload }) => upload.place === to.place);
	for (const left of all) {
		if (mayGoOn(left.upload)) continue;
		try {
			await endLeft(to, left, idsOf(all), signal, () => to.notes.isLive(left.upload.key));
		} catch (error) {
			ignoreBackend(error);
			if (error instanceof BackendUnavailable) return; // the next time
		}
	}
}

/**
 * @param known the names of uploads that have notes of their own
 * @param isLive whether somebody works on its key by now: then it is left
 */
async function endLeft(
	{ ask, bucket }: Place,
	{ upload: { key, uploadId }, end }: LeftNote,
	known: readonly string[],
	signal: AbortSignal,
	isLive: () => boolean = () => false,
): Promise<void> {
	const ids = uploadId === undefined ? (await uploadsOf(ask, bucket, key, signal)).filter((id) => !known.includes(id)) : [uploadId];
	if (isLive()) return;
	for (const id of ids) await abortUpload(ask, bucket, key, id, signal);
	await end();
}

const idsOf = (all: readonly LeftNote[]) => all.flatMap(({ upload: { uploadId } }) => (uploadId === undefined ? [] : [uploadId]));

/** Clocks may jump back too. */
const mayGoOn = ({ what, uploadId, begunAt = 0 }: Upload) =>
	what !== undefined && uploadId !== undefined && Math.abs(Date.now() - begunAt) < keptMs;

function ignoreBackend(error: unknown): void {
	if (!isBackendError(error)) throw error;
}
