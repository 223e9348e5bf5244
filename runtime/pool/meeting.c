/* SPDX-License-Identifier: MIT */
/*
 * meeting.c - the address of the launcher.
 */
#include "pool/meeting.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

unsigned meeting_address(struct sockaddr_un *address, const char *name)
{
	size_t length = strnlen(name, MEETING_NAME_BYTES);

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	/* The first byte is 0: the address is in no folder, and goes with the
	 * socket's maker. */
	memcpy(address->sun_path + 1, name, length);
	return (unsigned)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}
