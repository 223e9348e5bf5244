/* SPDX-License-Identifier: MIT */
/*
 * sweep.c - looking at every name in /dev/shm, and removing the stale names.
 *
 * Order of a removal: open, lock exclusively without waiting (fails: live), see
 * that nobody has the file, see that the name still leads to the file, unlink,
 * unlock.  An attach that comes meanwhile waits for the lock and then finds the
 * link count at 0.
 *
 * A lease asks the kernel whether anybody else has the file open or mapped: of
 * every user, in every PID namespace.  Where there are no leases (gVisor), the
 * maps of all processes are read, and a process whose maps cannot be read counts
 * as a user of the file.
 */
#include "segment/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "segment/segment.h"

/* Does process `pid` map the file?  A process that is gone does not; one whose
 * maps are closed to us (another user's, or not dumpable) may. */
static bool process_maps(const char *pid, struct identity identity)
{
	unsigned major, minor;
	uint64_t inode;
	char path[64], line[512];
	bool whole = true, found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return errno != ENOENT && errno != ESRCH;
	while (!found && fgets(line, sizeof(line), maps)) {
		/* A line longer than the buffer comes in pieces. */
		if (whole && sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major,
				    &minor, &inode) == 3)
			found = inode == identity.inode &&
				makedev(major, minor) == identity.device;
		whole = strchr(line, '\n') != NULL;
	}
	fclose(maps);
	return found;
}

static bool anyone_maps(struct identity identity)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false, all = false;

	if (!proc)
		return true;
	while (!found && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		/* Where processes are hidden, so is the first. */
		all |= strcmp(entry->d_name, "1") == 0;
		found = process_maps(entry->d_name, identity);
	}
	closedir(proc);
	return found || !all;
}

/* Has any other process the file behind `fd` open, or mapped?  The kernel gives a
 * write lease only to the one holder of the file.  The lease is given back at once;
 * its signal, for an open in between, kills no process. */
static bool anyone_has(int fd, struct identity identity)
{
	if (fcntl(fd, F_SETSIG, SIGURG) < 0)
		return anyone_maps(identity);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		return false;
	}
	return errno == EAGAIN || anyone_maps(identity);
}

/* The 8-byte number at `offset` of the file behind `fd`; -1: cannot be read. */
static int64_t number_at(int fd, uint64_t offset)
{
	int64_t number;

	if (pread(fd, &number, sizeof(number), (off_t)offset) != sizeof(number))
		return -1;
	return number;
}

/*
 * Does the file hold a ShareableList of at least an item?  The list's count, first
 * and last offset must add up to the file's very length (see list_layout.h).
 * Read, not mapped: the owner may truncate the file meanwhile.
 */
static bool holds_list(int fd, uint64_t bytes)
{
	int64_t count = number_at(fd, 0);
	int64_t last;

	if (count < 1 || (uint64_t)count > bytes / 25 || number_at(fd, 8) != 0)
		return false;
	last = number_at(fd, 8 * ((uint64_t)count + 1));
	return last >= 8 * count && (uint64_t)last <= bytes &&
	       bytes == 8 * ((uint64_t)count + 2) + (uint64_t)last +
				9 * (uint64_t)count;
}

/* Bytes and maker, from the file behind `fd`. */
static void look_inside(int fd, const struct stat *status,
			struct rig_found *found)
{
	struct trailer_shm trailer;
	struct segment_info info;

	found->maker = status->st_mode & (SHM_DIES | SHM_KEPT)
			       ? RIG_MAKER_PLAIN
			       : RIG_MAKER_OTHER;
	if (segment_read_info(fd, found->name, &info) < 0)
		return;
	found->bytes = info.data_bytes;
	if (info.data_bytes == info.file_bytes) {
		if (holds_list(fd, info.data_bytes))
			found->maker = RIG_MAKER_LIST;
		return;
	}
	found->maker = RIG_MAKER_TRAILER;
	if (pread(fd, &trailer, sizeof(trailer),
		  status->st_size - (off_t)sizeof(trailer)) == sizeof(trailer))
		found->owner = (pid_t)trailer.owner;
}

/* Judge the file behind `fd`, and remove the name if stale and wanted.  The lock,
 * if we get the lock, goes with the descriptor. */
static void judge(int fd, const struct stat *status, struct rig_found *found,
		  bool remove)
{
	struct identity identity = identity_of(status);
	bool marked = status->st_mode & SHM_DIES;

	look_inside(fd, status, found);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || anyone_has(fd, identity))
		found->life = RIG_LIFE_LIVE;
	else if (!marked)
		found->life = RIG_LIFE_KEPT;
	else
		found->life = RIG_LIFE_STALE;
	if (found->life == RIG_LIFE_STALE && remove)
		(void)shmfile_unlink(found->name, identity);
}

/* Everything about a name; or, where `only_stale`, no more than that the name is
 * not stale.  False where the name has vanished meanwhile. */
static bool look_at(int dir, const char *name, struct rig_found *found,
		    bool only_stale, bool remove)
{
	struct stat status;
	int fd;

	memset(found, 0, sizeof(*found));
	snprintf(found->name, sizeof(found->name), "%s", name);
	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	found->bytes = (size_t)status.st_size;
	found->uid = status.st_uid;
	found->maker = RIG_MAKER_OTHER;
	found->life = RIG_LIFE_ALIEN;
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() ||
	    status.st_mode & 077 || status.st_nlink != 1 ||
	    strncmp(name, "sem.", 4) == 0)
		return true;
	/* Every process of the machine is asked for its mappings. */
	if (only_stale && !(status.st_mode & SHM_DIES))
		return true;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	/* The very file that was looked at, or none. */
	if (fstat(fd, &status) == 0)
		judge(fd, &status, found, remove);
	close(fd);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rig_found *)a)->name,
		      ((const struct rig_found *)b)->name);
}

/* Look at every name, keep those of `only` life (ALIEN: all). */
static int sweep(bool remove, bool only_stale, struct rig_found **out)
{
	struct rig_found *list = NULL, *grown;
	size_t count = 0, room = 0;
	struct dirent *entry;
	DIR *dir = opendir(SHM_DIR);

	if (!dir)
		return rig_fail_errno(-errno, "sweep: open %s", SHM_DIR);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (count == room) {
			room = room ? 2 * room : 64;
			grown = realloc(list, room * sizeof(*list));
			if (!grown) {
				free(list);
				closedir(dir);
				return rig_fail_errno(-ENOMEM, "sweep");
			}
			list = grown;
		}
		if (look_at(dirfd(dir), entry->d_name, &list[count], only_stale,
			    remove) &&
		    (!only_stale || list[count].life == RIG_LIFE_STALE))
			count++;
	}
	closedir(dir);
	if (count)
		qsort(list, count, sizeof(*list), by_name);
	if (out)
		*out = list;
	else
		free(list);
	return (int)count;
}

int rig_sweep_list(struct rig_found **found)
{
	int r = need(found, "sweep: the place for the names");

	return r < 0 ? r : sweep(false, false, found);
}

int rig_sweep_clean(bool dry_run, struct rig_found **found)
{
	return sweep(!dry_run, true, found);
}

int sweep_stale(void)
{
	return sweep(true, true, NULL);
}
