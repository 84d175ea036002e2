/* Preloaded, it lets file systems in user space (FUSE) pass as NFS: what statfs(2) says of their type is changed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/magic.h>
#include <sys/vfs.h>

int statfs64(const char *path, struct statfs64 *st)
{
	int (*real)(const char *, struct statfs64 *) = (int (*)(const char *, struct statfs64 *))dlsym(RTLD_NEXT, "statfs64");
	int result = real(path, st);
	if (result == 0 && st->f_type == FUSE_SUPER_MAGIC)
		st->f_type = NFS_SUPER_MAGIC;
	return result;
}
