/*
 * tries PID: tries what an agent in its container must not be able to do, and says of each in one line what came of it: the name of the error, or DONE.
 * PID is a process of the machine outside.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static void tell(const char *what, long result)
{
	printf("%s: %s\n", what, result >= 0 ? "DONE" : strerrorname_np(errno));
}

static long create(const char *folder)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/.tries", folder);
	long made = open(path, O_CREAT | O_WRONLY, 0600);
	if (made >= 0) unlink(path);
	return made;
}

/* Each place of the machine that the container has, with what has been mounted in there since. */
static void try_host_paths(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "r");
	char line[8192], path[4096], what[4200];
	while (fgets(line, sizeof line, mounts)) {
		if (sscanf(line, "%*d %*d %*s %*s %4095s", path) != 1 || strncmp(path, "/host/", 6) != 0) continue;
		snprintf(what, sizeof what, "write to %s", path);
		tell(what, create(path));
		snprintf(what, sizeof what, "remount %s", path);
		tell(what, mount(0, path, 0, MS_REMOUNT | MS_BIND, 0));
	}
	fclose(mounts);
}

static long connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, path);
	return connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
}

/* From any place of a file system all others in it can be opened so, by their numbers. */
static long open_root(const char *place)
{
	struct { struct file_handle head; unsigned char bytes[MAX_HANDLE_SZ]; } handle = {.head = {.handle_bytes = MAX_HANDLE_SZ}};
	int id;
	if (name_to_handle_at(AT_FDCWD, place, &handle.head, &id, 0) != 0) return -1;
	return open_by_handle_at(open(place, O_RDONLY), &handle.head, O_RDONLY);
}

/* Processes of others that can be seen: those with another root. */
static long others(void)
{
	DIR *all = opendir("/proc");
	struct stat own, root;
	char path[300];
	long count = 0;
	stat("/", &own);
	for (struct dirent *one; (one = readdir(all));) {
		if (atoi(one->d_name) == 0) continue;
		snprintf(path, sizeof path, "/proc/%s/root", one->d_name);
		if (stat(path, &root) != 0 || root.st_dev != own.st_dev || root.st_ino != own.st_ino) count++;
	}
	closedir(all);
	return count;
}

int main(int count, char **args)
{
	int outside = count == 2 ? atoi(args[1]) : 0;
	/* With rights, it would do these things. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 2;
	try_host_paths();
	tell("write to the root", create("/"));
	tell("mount", mount("none", "/tmp", "tmpfs", 0, 0));
	tell("unshare mounts", unshare(CLONE_NEWNS));
	tell("unshare users", unshare(CLONE_NEWUSER));
	tell("chroot", chroot("/tmp"));
	tell("mknod", mknod("/tmp/disk", S_IFBLK | 0600, makedev(254, 0)));
	tell("open a raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	tell("open a packet socket", socket(AF_PACKET, SOCK_RAW, 0));
	tell("load a module", syscall(SYS_init_module, "", 0, ""));
	tell("load a kernel", syscall(SYS_kexec_load, 0, 0, 0, 0));
	tell("bpf", syscall(SYS_bpf, 0, 0, 0));
	tell("read the kernel's log", klogctl(3, (char[64]){0}, 64));
	tell("set the host name", sethostname("tries", 5));
	tell("become another user", setuid(1000));
	tell("kill a process of the machine", kill(outside, 0));
	tell("trace a process of the machine", ptrace(PTRACE_SEIZE, outside, 0, 0));
	printf("processes of others: %ld\n", others());
	tell("open by handle", open_root("/host/var/log"));
	tell("read a file of another user", open("/host/var/log/journal/closed", O_RDONLY));
	tell("read what the kubelet keeps", open("/host/var/lib/kubelet", O_RDONLY));
	tell("connect to containerd", connect_to("/host/run/containerd/containerd.sock"));
	tell("connect to containerd of the machine", connect_to("/run/containerd/containerd.sock"));
	tell("connect to systemd", connect_to("/host/run/systemd/private"));
	tell("open a disk", open("/dev/vda", O_RDONLY));
	return 0;
}
