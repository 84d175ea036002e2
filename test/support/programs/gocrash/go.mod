module github.com/milvus-io/crash

go 1.19
