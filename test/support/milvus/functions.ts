/** Functions of the servers that `build.sh` fetches, by the names that gdb finds them under. */
export const functions = {
	/** Searches an index, on a thread of Knowhere's pool. Second parameter, after the place for what it returns: the index. */
	searchKnn:
		'_ZNK7hnswlib15HierarchicalNSWIfE9searchKnnEPKvmN8knowhere10BitsetViewEPKNS_11SearchParamERKSt10unique_ptrINS4_5feder4hnsw11FederResultESt14default_deleteISC_EE',
	/** Called by `searchKnn`. */
	searchTopLayers:
		'_ZNK7hnswlib15HierarchicalNSWIfE15searchTopLayersEPKvPKNS_11SearchParamERKSt10unique_ptrIN8knowhere5feder4hnsw11FederResultESt14default_deleteISB_EE',
	/** Has an index searched, and waits for it, on a thread of Go's. Second parameter, after the place for what it returns: the index. */
	query: '_ZN6milvus5index14VectorMemIndex5QueryESt10shared_ptrIN8knowhere7DataSetEERKNS_10SearchInfoERKNS_10BitsetViewE',
	/** What the proxy makes of a search, in Go. First parameter: the task. */
	execute: "'github.com/milvus-io/milvus/internal/proxy.(*searchTask).Execute'",
	/** Of Milvus Lite. Second parameter, after the place for what it returns: the proxy. */
	hasCollection: '_ZN6milvus5local11MilvusProxy13HasCollectionERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE',
	/** Of Milvus Lite; called by `hasCollection`. */
	getCollection: '_ZN6milvus5local11MilvusLocal13GetCollectionERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEPS7_',
} as const;
