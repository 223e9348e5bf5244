/* SPDX-License-Identifier: MIT */
/*
 * field.c - shared objects and programs in the folder of rigbench's helpers, each a
 * contender as a user's own would be (bench/peers/field, field.py).
 */
#include "ipc/field.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "driver/peer.h"
#include "ipc/transport_own.h"

static const struct {
	const char *name;
	const char *summary;
	const char *object;  /* the shared object is missing; NULL: a program */
	const char *program; /* words behind python3 */
	int copies;
	const char *needs; /* the row says why the contender was not built */
} field[] = {
	{ "zeromq-ipc", "ZeroMQ over a Unix socket", "field-zeromq-ipc", NULL,
	  2, "libzmq3-dev" },
	{ "zeromq-tcp", "ZeroMQ over TCP", "field-zeromq-tcp", NULL, 2,
	  "libzmq3-dev" },
	{ "nng-ipc", "nng over a Unix socket", "field-nng-ipc", NULL, 2,
	  "libnng-dev" },
	{ "nng-tcp", "nng over TCP", "field-nng-tcp", NULL, 2, "libnng-dev" },
	{ "rig-queue", "runrig, rig_queue", "field-rig-queue", NULL, 2,
	  "its shared object" },
	{ "boost-queue", "Boost.Interprocess, message_queue",
	  "field-boost-queue", NULL, 2, "libboost-dev and g++" },
	{ "sd-bus", "D-Bus between two ends, by systemd's library",
	  "field-sd-bus", NULL, 2, "libsystemd-dev" },
	{ "redis", "Redis, LPUSH and BRPOP", "field-redis", NULL, 4,
	  "its shared object" },
	{ "python-pipe", "multiprocessing.Pipe", NULL, "pipe", 2, "" },
	{ "python-queue", "multiprocessing.Queue", NULL, "queue", 4, "" },
	{ "python-manager", "queues of a multiprocessing.Manager", NULL,
	  "manager", 6, "" },
	{ "joblib-memmap", "joblib.dump in /dev/shm, load by mmap_mode", NULL,
	  "joblib", 1, "" },
	{ "http-unix", "http.server and http.client, a Unix socket", NULL,
	  "http", 2, "" },
	{ "grpc-unix", "gRPC, unary calls, a Unix socket", NULL, "grpc", 4,
	  "" },
};

#define FIELD (sizeof(field) / sizeof(*field))

const char *field_name(size_t at)
{
	return at < FIELD ? field[at].name : NULL;
}

static void load_one(size_t i)
{
	char words[PATH_MAX + 64];
	char path[PATH_MAX + 64];

	if (field[i].program) {
		snprintf(words, sizeof(words), "/usr/bin/python3 @/field.py %s",
			 field[i].program);
		transport_own_program(field[i].name, field[i].summary,
				      field[i].copies, words);
		return;
	}
	snprintf(path, sizeof(path), "%s/%s.so", peer_folder(),
		 field[i].object);
	if (access(path, R_OK) < 0)
		snprintf(words, sizeof(words),
			 "was not built: %s was not there", field[i].needs);
	else if (transport_own_object(path, words, sizeof(words)) == 0)
		return;
	transport_own_missing(field[i].name, field[i].summary, field[i].copies,
			      words);
}

void field_load(void)
{
	static bool loaded;

	for (size_t i = 0; i < FIELD && !loaded; i++)
		load_one(i);
	loaded = true;
}
