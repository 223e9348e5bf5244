/* SPDX-License-Identifier: MIT */
/*
 * boost_queue.cc - Boost.Interprocess's message_queue as a contender: a queue in
 * shared memory for each direction, copied into and out of.
 *
 * The queues are made before the fork and their names go at once, so that nothing
 * is left in /dev/shm.
 */
#include <cerrno>
#include <cstdio>
#include <memory>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <unistd.h>

#include <rigbench/contender.h>

#include "peers/field/port.h"

using boost::interprocess::create_only;
using boost::interprocess::message_queue;

namespace
{

/* What side 0 sends, what side 1 sends. */
struct queues {
	std::unique_ptr<message_queue> way[2];
};

struct queues *of(struct rigbench_link *link)
{
	return static_cast<struct queues *>(link->state);
}

int create(struct rigbench_link *link)
{
	try {
		auto made = std::make_unique<struct queues>();

		for (auto &way : made->way) {
			char name[48];

			port_name(name, sizeof(name), "");
			way = std::make_unique<message_queue>(
				create_only, name, link->slots,
				link->bytes ? link->bytes : 1);
			message_queue::remove(name);
		}
		link->state = made.release();
		return 0;
	} catch (const std::exception &error) {
		snprintf(link->why, sizeof(link->why), "%s", error.what());
		return -EIO;
	}
}

int send_one(struct rigbench_link *link)
{
	message_queue &way = *of(link)->way[link->side];

	if (link->waiting != RIGBENCH_SPIN)
		way.send(link->out, link->bytes, 0);
	else
		while (!way.try_send(link->out, link->bytes, 0))
			;
	return 0;
}

void *get(struct rigbench_link *link)
{
	message_queue &way = *of(link)->way[!link->side];
	message_queue::size_type got;
	unsigned priority;

	/* The queue wants room for its largest message. */
	if (link->waiting != RIGBENCH_SPIN)
		way.receive(link->in, link->bytes ? link->bytes : 1, got,
			    priority);
	else
		while (!way.try_receive(link->in, link->bytes ? link->bytes : 1,
					got, priority))
			;
	errno = EBADMSG;
	return got == link->bytes ? link->in : nullptr;
}

void destroy(struct rigbench_link *link)
{
	delete of(link);
	link->state = nullptr;
}

} // namespace

const struct rigbench_contender rigbench_contender = {
	RIGBENCH_CONTENDER_VERSION,
	2,
	"boost-queue",
	"Boost.Interprocess, message_queue",
	create,
	nullptr,
	nullptr,
	send_one,
	get,
	nullptr,
	destroy,
	{ 0 },
};
