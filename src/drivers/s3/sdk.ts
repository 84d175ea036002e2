// All of the SDK that is used. The bundle keeps this file and what it brings as text until it is called for: see scripts/bundle.ts.
export {
	AbortMultipartUploadCommand,
	type CompletedPart,
	CompleteMultipartUploadCommand,
	CreateMultipartUploadCommand,
	type CreateMultipartUploadCommandInput,
	DeleteObjectsCommand,
	GetObjectCommand,
	HeadBucketCommand,
	HeadObjectCommand,
	ListMultipartUploadsCommand,
	ListObjectsV2Command,
	PutObjectCommand,
	type PutObjectCommandInput,
	PutObjectTaggingCommand,
	S3Client,
	UploadPartCommand,
} from '@aws-sdk/client-s3';
