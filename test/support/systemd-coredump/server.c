/*
 * server SOCKET PROGRAM CGROUP…: what systemd does for systemd-coredump.socket and systemd-coredump@.service where it is not process 1. Takes the
 * connections to SOCKET, which the kernel's handler makes, and hands each to a PROGRAM of its own, in a unit of its own below each CGROUP.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int listening(const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path) errx(1, "too long for a socket: %s", path);
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) err(1, "%s", path);
	if (chmod(path, 0600) != 0 || listen(fd, 16) != 0) err(1, "%s", path);
	return fd;
}

/* Each instance has a cgroup named as systemd names it: number, process and user of the other side, the last of which journald shows. */
static void enter(const char *cgroup, int instance) {
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/systemd-coredump@%d-%d-0.service", cgroup, instance, getpid());
	if (mkdir(path, 0755) != 0) err(1, "%s", path);
	strcat(path, "/cgroup.procs");
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1) err(1, "%s", path);
	close(fd);
}

int main(int count, char **args) {
	if (count < 3) errx(2, "server SOCKET PROGRAM CGROUP...");
	int fd = listening(args[1]);
	puts("listening");
	fflush(stdout);
	/* Nobody waits for what it starts: journald must find the cgroup of one that has ended, as long as it has not looked. */
	for (int instance = 0;; instance++) {
		int taken = accept(fd, 0, 0);
		if (taken < 0) err(1, "accept");
		pid_t child = fork();
		if (child < 0) err(1, "fork");
		if (child > 0) {
			close(taken);
			continue;
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int at = 3; at < count; at++) enter(args[at], instance);
		char pid[16];
		snprintf(pid, sizeof pid, "%d", getpid());
		setenv("LISTEN_FDS", "1", 1);
		setenv("LISTEN_PID", pid, 1);
		if (taken == 3)
			fcntl(3, F_SETFD, 0);
		else
			dup2(taken, 3);
		execl(args[2], args[2], (char *)0);
		err(1, "%s", args[2]);
	}
}
