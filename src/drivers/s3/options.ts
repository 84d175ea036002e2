/** `storage.s3` of the configuration. */
export type S3Options = {
	readonly bucket: string;
	/** Absent: `AWS_REGION`, the profile's, or, where there is an endpoint, any. */
	readonly region?: string;
	/** Absent: AWS, or `AWS_ENDPOINT_URL_S3`. */
	readonly endpoint?: string;
	/** The folder in the bucket below which all names are. */
	readonly prefix?: string;
	/** Absent: with an endpoint, the bucket is part of the path. */
	readonly pathStyle?: boolean;
	readonly caFile?: string;
	/** Key and secret key, each itself or in a file. Without them: the environment, the profile, the pod's role, the machine's. */
	readonly accessKey?: string;
	readonly accessKeyFile?: string;
	readonly secretKey?: string;
	readonly secretKeyFile?: string;
	readonly storageClass?: string;
	readonly serverSideEncryption?: 'AES256' | 'aws:kms';
	readonly kmsKeyId?: string;
	readonly tags?: Readonly<Record<string, string>>;
	/** A connection on which nothing moves for so long is given up. */
	readonly idleMs?: number;
};

/** What the locations of all objects begin with. */
export const placeOf = (options: S3Options): string => `s3://${options.bucket}/${prefixOf(options)}`.replace(/\/$/, '');

/** What stands before each name in the bucket: nothing, or ends with a `/`. */
export function prefixOf({ prefix = '' }: S3Options): string {
	const folder = prefix.replace(/^\/+|\/+$/g, '');
	return folder === '' ? '' : `${folder}/`;
}
