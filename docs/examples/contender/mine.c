/* mine.c - a transport of your own; <rigbench/contender.h> explains the functions. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rigbench/contender.h>

static int create(struct rigbench_link *link)
{
	int *fd = link->state = calloc(2, sizeof(*fd)); /* of side 0, side 1 */

	if (!fd || socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0)
		return -errno;
	return link->bytes ? 0 : -ENOTSUP; /* a stream has no empty message */
}

/* Without the other's descriptor a side sees that the other has died. */
static int attach(struct rigbench_link *link)
{
	return close(((int *)link->state)[!link->side]);
}

static int send_all(struct rigbench_link *link)
{
	for (size_t at = 0; at < link->bytes;) {
		ssize_t n = write(((int *)link->state)[link->side],
				  (char *)link->out + at, link->bytes - at);
		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static void *get_all(struct rigbench_link *link)
{
	for (size_t at = 0; at < link->bytes;) {
		ssize_t n = read(((int *)link->state)[link->side],
				 (char *)link->in + at, link->bytes - at);
		if (n == 0 || (n < 0 && errno != EINTR))
			return NULL;
		at += n > 0 ? (size_t)n : 0;
	}
	return link->in;
}

static void destroy(struct rigbench_link *link)
{
	int *fd = link->state;

	for (int i = 0; fd && i < 2; i++)
		close(fd[i]);
	free(fd);
}

const struct rigbench_contender rigbench_contender = {
	.version = RIGBENCH_CONTENDER_VERSION, .copies = 1, .name = "mine",
	.summary = "a pair of sockets", .create = create, .attach = attach,
	.send = send_all, .get = get_all, .destroy = destroy };
