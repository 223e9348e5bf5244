/* SPDX-License-Identifier: MIT */
/*
 * meeting.c - messages with descriptors.
 */
#include "pool/meeting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(MEETING_FDS_MAX * sizeof(int))];
};

int meeting_send(int socket, const void *data, size_t bytes, const int *fds,
		 int count)
{
	union control control = { 0 };
	struct iovec part = { (void *)(uintptr_t)data, bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (count) {
		size_t room = (size_t)count * sizeof(int);

		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(room);
		memcpy(CMSG_DATA(&control.header), fds, room);
		message.msg_control = control.room;
		message.msg_controllen = CMSG_SPACE(room);
	}
	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : (int)sent;
}

int meeting_receive(int socket, void *data, size_t bytes, int *fds, int *count,
		    int flags)
{
	union control control = { 0 };
	struct iovec part = { data, bytes };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	struct cmsghdr *header;
	ssize_t got;

	*count = 0;
	do
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS) {
		*count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(header), (size_t)*count * sizeof(int));
	}
	return (int)got;
}

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
