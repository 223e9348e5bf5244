/* SPDX-License-Identifier: MIT */
/*
 * pass.c - messages with descriptors.
 */
#include "machine/pass.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(PASS_MAX * sizeof(int))];
};

int pass_send(int socket, const void *data, size_t bytes, const int *fds,
	      int count, int flags)
{
	union control control = { 0 };
	struct iovec part = { (void *)(uintptr_t)data, bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (count > 0) {
		size_t room = (size_t)count * sizeof(int);

		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(room);
		memcpy(CMSG_DATA(&control.header), fds, room);
		message.msg_control = control.room;
		message.msg_controllen = CMSG_SPACE(room);
	}
	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL | flags);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : (int)sent;
}

int pass_receive(int socket, void *data, size_t bytes, int *fds, int *count,
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
	} else if (message.msg_flags & MSG_CTRUNC) {
		*count = -1;
	}
	return (int)got;
}
