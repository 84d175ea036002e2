/*
 * A file system in user space that keeps its files in a folder, and fails as an NFS mount does when its server is in trouble:
 *
 *   faulty-fs FOLDER MOUNTPOINT FAULT   (FUSE, libfuse3)
 *
 * FAULT is a file that is read at each call; a fault in it, one line, is taken by the first call of that kind, `once`, or by all, `always`:
 *
 *   once|always CALL ERRNO        open, write, fsync, close, rename, statfs, … answers this number
 *   once fsync-forgets ERRNO      fsync answers this number, 0 for success, the file is empty from then on, and the next fsync succeeds
 *   always CALL hang              does not answer until the line is gone; `always all hang`: no call does
 */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *folder, *fault_file;

enum { NONE = 1 };

/* The error that a call is to answer, negative, or 0; NONE when it is to do what it does. Waits as long as it is to hang. */
static int fault(const char *call)
{
	for (;;) {
		char how[16] = "", which[32] = "", what[16] = "";
		FILE *file = fopen(fault_file, "r");
		int count = file ? fscanf(file, "%15s %31s %15s", how, which, what) : 0;
		if (file)
			fclose(file);
		if (count != 3 || (strcmp(which, call) != 0 && strcmp(which, "all") != 0))
			return NONE;
		if (strcmp(what, "hang") == 0) {
			usleep(20000);
			continue;
		}
		if (strcmp(how, "once") == 0)
			unlink(fault_file);
		return -atoi(what);
	}
}

#define PLACE(path)                                                          \
	char place[4096];                                                    \
	snprintf(place, sizeof(place), "%s%s", folder, path)
#define FAIL(call)                                                           \
	do {                                                                 \
		int error = fault(call);                                     \
		if (error != NONE)                                           \
			return error;                                        \
	} while (0)
#define ANSWER(result) return (result) < 0 ? -errno : 0

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	PLACE(path);
	(void)fi;
	FAIL("stat");
	ANSWER(lstat(place, st));
}

static int fs_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t at, struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	PLACE(path);
	(void)at, (void)fi, (void)flags;
	FAIL("readdir");
	DIR *directory = opendir(place);
	if (!directory)
		return -errno;
	for (struct dirent *entry; (entry = readdir(directory));)
		fill(buffer, entry->d_name, NULL, 0, 0);
	closedir(directory);
	return 0;
}

static int fs_mkdir(const char *path, mode_t mode)
{
	PLACE(path);
	FAIL("mkdir");
	ANSWER(mkdir(place, mode));
}

static int fs_rmdir(const char *path)
{
	PLACE(path);
	FAIL("rmdir");
	ANSWER(rmdir(place));
}

static int fs_unlink(const char *path)
{
	PLACE(path);
	FAIL("unlink");
	ANSWER(unlink(place));
}

static int fs_rename(const char *from, const char *to, unsigned int flags)
{
	PLACE(from);
	char target[4096];
	(void)flags;
	FAIL("rename");
	snprintf(target, sizeof(target), "%s%s", folder, to);
	ANSWER(rename(place, target));
}

static int fs_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	PLACE(path);
	FAIL("open");
	int fd = open(place, (fi->flags & ~O_DIRECT) | O_CREAT, mode);
	if (fd < 0)
		return -errno;
	fi->fh = fd;
	return 0;
}

static int fs_open(const char *path, struct fuse_file_info *fi)
{
	PLACE(path);
	FAIL("open");
	int fd = open(place, fi->flags & ~O_DIRECT);
	if (fd < 0)
		return -errno;
	fi->fh = fd;
	return 0;
}

static int fs_read(const char *path, char *buffer, size_t size, off_t at, struct fuse_file_info *fi)
{
	(void)path;
	FAIL("read");
	ssize_t count = pread(fi->fh, buffer, size, at);
	return count < 0 ? -errno : (int)count;
}

static int fs_write(const char *path, const char *buffer, size_t size, off_t at, struct fuse_file_info *fi)
{
	(void)path;
	FAIL("write");
	ssize_t count = pwrite(fi->fh, buffer, size, at);
	return count < 0 ? -errno : (int)count;
}

static int fs_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	(void)path, (void)datasync;
	FAIL("fsync");
	int error = fault("fsync-forgets");
	return error != NONE && ftruncate(fi->fh, 0) == 0 ? error : 0;
}

static int fs_flush(const char *path, struct fuse_file_info *fi)
{
	(void)path, (void)fi;
	FAIL("close");
	return 0;
}

static int fs_release(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	close(fi->fh);
	return 0;
}

static int fs_statfs(const char *path, struct statvfs *st)
{
	PLACE(path);
	FAIL("statfs");
	ANSWER(statvfs(place, st));
}

static int fs_access(const char *path, int mask)
{
	PLACE(path);
	FAIL("access");
	ANSWER(access(place, mask));
}

static void *fs_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	(void)connection;
	config->use_ino = 1;
	config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
	return NULL;
}

static const struct fuse_operations operations = {
	.init = fs_init, .getattr = fs_getattr, .readdir = fs_readdir, .mkdir = fs_mkdir, .rmdir = fs_rmdir, .unlink = fs_unlink,
	.rename = fs_rename, .create = fs_create, .open = fs_open, .read = fs_read, .write = fs_write, .fsync = fs_fsync,
	.flush = fs_flush, .release = fs_release, .statfs = fs_statfs, .access = fs_access,
};

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	folder = argv[1];
	fault_file = argv[3];
	char *arguments[] = {argv[0], "-f", "-o", "fsname=faulty-fs,subtype=faulty", argv[2], NULL};
	return fuse_main(5, arguments, &operations, NULL);
}
