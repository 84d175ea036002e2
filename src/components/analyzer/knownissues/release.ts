type Release = { readonly numbers: readonly number[]; readonly suffix: string | undefined };

/** What an image's tag says of how it was built, and not of what it was built from. */
const flavours = /^(?:gpu|cpu|amd64|arm64|ubuntu|-)+$/;

/**
 * Whether an image has what came with a release.
 *
 * @param image a reference (`registry:5000/milvusdb/milvus:v2.5.9-gpu`) or a tag alone
 * @returns undefined where the tag is no release (`latest`, `master-20240814-…`), or a build before or after the very one that is asked for
 */
export function hasRelease(image: string, release: string): boolean | undefined {
	const running = releaseOf(tagOf(image));
	const wanted = releaseOf(release);
	if (!running || !wanted) return undefined;
	const at = wanted.numbers.findIndex((number, index) => number !== running.numbers[index]);
	if (at >= 0) return (running.numbers[at] as number) > (wanted.numbers[at] as number);
	return running.suffix === undefined || flavours.test(running.suffix) ? true : undefined;
}

function tagOf(image: string): string {
	const [reference = ''] = image.split('@', 1);
	const name = reference.slice(reference.lastIndexOf('/') + 1);
	return name.slice(name.indexOf(':') + 1);
}

function releaseOf(tag: string): Release | undefined {
	const [, major, minor, patch, suffix] = /^v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:-([\w.-]{1,128}))?$/.exec(tag) ?? [];
	return patch === undefined ? undefined : { numbers: [Number(major), Number(minor), Number(patch)], suffix };
}
