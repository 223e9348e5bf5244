/* SPDX-License-Identifier: MIT */
/*
 * port.h - a free port of the loopback, and a fresh name.
 */
#ifndef RIGBENCH_PORT_H
#define RIGBENCH_PORT_H

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* The number; 0: there is none.  Another program may take the port before the port is
 * used. */
static inline int port_free(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int port = 0;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address, &length) == 0)
		port = ntohs(address.sin_port);
	if (fd >= 0)
		close(fd);
	return port;
}

/* PREFIX, "rigbench-" and a random number.  Process numbers are no names: names of
 * sockets are shared by containers whose processes have the same numbers. */
static inline void port_name(char *text, size_t bytes, const char *prefix)
{
	uint64_t number = 0;

	(void)!getrandom(&number, sizeof(number), 0);
	snprintf(text, bytes, "%srigbench-%016" PRIx64, prefix, number);
}

#endif
