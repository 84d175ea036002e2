import { PackedDataError } from './error.ts';

/** The field with the core: fields that are packed stand behind those that are text. */
const fieldStart = '\nCoreDump: base64\n';
/** How much text may stand before the core. Reports of a crash have some 100 KiB. */
const mostTextBytes = 64 << 20;

/**
 * The gzip data (zlib data of its first versions) of the core in a report of apport: lines of base64, each encoded for itself and led by a space. A line is as long as
 * whoever wrote the report read at a time, up to the whole core, so that it is decoded in pieces.
 *
 * @see https://github.com/canonical/apport/blob/main/problem_report.py ProblemReport.write()
 * @throws {PackedDataError} there is no core in the report
 */
export async function* coreInReport(report: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
	const decode = lineDecoder();
	let text: Buffer | undefined = Buffer.alloc(0);
	let textBytes = 0;
	for await (const chunk of report) {
		let core: Buffer = chunk;
		if (text) {
			text = Buffer.concat([text, chunk]);
			textBytes += chunk.length;
			const at = text.indexOf(fieldStart);
			if (at < 0) {
				if (textBytes > mostTextBytes) break;
				text = text.subarray(-fieldStart.length); // the field may begin in this chunk and end in the next
				continue;
			}
			core = text.subarray(at + fieldStart.length);
			text = undefined;
		}
		const { bytes, isAtEnd } = decode(core);
		if (bytes.length > 0) yield bytes;
		if (isAtEnd) return;
	}
	if (text) throw new PackedDataError('the report has no core in it (CoreDump)');
}

const [newline, space] = [0x0a, 0x20];

/** Decodes a field as its bytes come. */
function lineDecoder() {
	let isLineStart = true;
	/** Of the line so far: what is less than four characters decodes only with the next ones. */
	let rest = '';

	return (chunk: Buffer): { readonly bytes: Buffer; readonly isAtEnd: boolean } => {
		const parts: Buffer[] = [];
		for (let at = 0; at < chunk.length; ) {
			if (isLineStart) {
				if (chunk[at] !== space) return { bytes: Buffer.concat(parts), isAtEnd: true };
				isLineStart = false;
				at += 1;
				continue;
			}
			const lineEnd = chunk.indexOf(newline, at);
			const text = rest + chunk.toString('latin1', at, lineEnd < 0 ? chunk.length : lineEnd);
			const whole = lineEnd < 0 ? text.length - (text.length % 4) : text.length;
			if (whole > 0) parts.push(Buffer.from(text.slice(0, whole), 'base64'));
			rest = text.slice(whole);
			isLineStart = lineEnd >= 0;
			at = lineEnd < 0 ? chunk.length : lineEnd + 1;
		}
		return { bytes: Buffer.concat(parts), isAtEnd: false };
	};
}
