/* SPDX-License-Identifier: MIT */
/*
 * energy.c - counters of energy, as /sys/class/powercap has them.
 */
#include "driver/energy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 512

/* The number in an open file; 0 and *number, or -errno. */
static int read_number(int fd, uint64_t *number)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return sscanf(text, "%" SCNu64, number) == 1 ? 0 : -EINVAL;
}

static int open_file(const char *folder, const char *zone, const char *name)
{
	char path[PATH_BYTES];
	int fd;

	snprintf(path, sizeof(path), "%.200s/%.100s/%s", folder, zone, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A package holds its cores, which are zones too; memory is counted apart. */
static bool counts(const char *folder, const char *zone)
{
	char name[32] = "";
	int fd = open_file(folder, zone, "name");
	ssize_t n = fd >= 0 ? read(fd, name, sizeof(name) - 1) : -1;

	if (fd >= 0)
		close(fd);
	return n > 0 && (strncmp(name, "package", 7) == 0 ||
			 strncmp(name, "dram", 4) == 0);
}

static int add_zone(struct energy *energy, const char *folder, const char *name)
{
	struct energy_zone *zone = &energy->zone[energy->zones];
	int range = open_file(folder, name, "max_energy_range_uj");
	int r = range < 0 ? range : read_number(range, &zone->range_uj);

	if (range >= 0)
		close(range);
	if (r < 0)
		return r;
	zone->fd = open_file(folder, name, "energy_uj");
	if (zone->fd < 0)
		return zone->fd;
	r = read_number(zone->fd, &zone->last_uj);
	if (r < 0)
		close(zone->fd);
	else
		energy->zones++;
	return r;
}

int energy_open(struct energy *energy, const char *folder)
{
	DIR *all = opendir(folder);
	const struct dirent *entry;
	int r = 0;

	*energy = (struct energy){ .zones = 0 };
	while (all && r == 0 && (entry = readdir(all)))
		if (*entry->d_name != '.' && energy->zones < ENERGY_ZONES_MAX &&
		    counts(folder, entry->d_name))
			r = add_zone(energy, folder, entry->d_name);
	if (all)
		closedir(all);
	if (r == 0 && !energy->zones)
		r = -ENOTSUP;
	if (r < 0)
		energy_close(energy);
	return r;
}

double energy_joules(struct energy *energy)
{
	double joules = 0;

	for (int i = 0; i < energy->zones; i++) {
		struct energy_zone *zone = &energy->zone[i];
		uint64_t now_uj;

		if (read_number(zone->fd, &now_uj) < 0)
			continue;
		joules += (double)now_uj - (double)zone->last_uj;
		if (now_uj < zone->last_uj)
			joules += (double)zone->range_uj;
		zone->last_uj = now_uj;
	}
	return joules / 1e6;
}

void energy_close(struct energy *energy)
{
	for (int i = 0; i < energy->zones; i++)
		close(energy->zone[i].fd);
	energy->zones = 0;
}
