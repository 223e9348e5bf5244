/* SPDX-License-Identifier: MIT */
/*
 * transport_own.c - a transport out of a shared object, as one of rigbench's own.
 *
 * The driver and the sides see a struct transport; the functions here hand each
 * call on.  Payloads are filled, summed and compared as with every transport.
 */
#include "ipc/transport_own.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rigbench/contender.h>

#include "driver/case.h"

/* The `extra` of a link. */
struct own_link {
	const struct rigbench_contender *contender;
	struct rigbench_link link;
};

/* The one that was loaded; NULL: none. */
static const struct rigbench_contender *contender;

static int own_create(struct link *link, char *why)
{
	struct own_link *own = calloc(1, sizeof(*own));
	int r;

	if (!own)
		return -ENOMEM;
	*own = (struct own_link){
		.contender = contender,
		.link = { .bytes = link->bytes,
			  .slots = link->slots,
			  .waiting = (enum rigbench_waiting)link->waiting },
	};
	link->extra = own;
	r = contender->create(&own->link);
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "its create(): %s", strerror(-r));
	return r;
}

static int own_attach(struct link *link, char *why)
{
	struct own_link *own = link->extra;
	int r;

	own->link.side = link->side;
	r = own->contender->attach ? own->contender->attach(&own->link) : 0;
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "its attach(): %s", strerror(-r));
	return r;
}

static void *own_put(struct link *link)
{
	struct own_link *own = link->extra;

	return own->contender->put(&own->link);
}

static int own_send(struct link *link)
{
	struct own_link *own = link->extra;

	return own->contender->send(&own->link);
}

static void *own_get(struct link *link)
{
	struct own_link *own = link->extra;

	errno = 0;
	return own->contender->get(&own->link);
}

static int own_done(struct link *link)
{
	struct own_link *own = link->extra;

	return own->contender->done(&own->link);
}

static void own_destroy(struct link *link)
{
	struct own_link *own = link->extra;

	if (!own)
		return;
	own->contender->destroy(&own->link);
	free(own);
	link->extra = NULL;
}

static struct transport own = {
	.calls = "unknown",
	.boundaries = true,
	.empty = true,
	.tier = 1,
	.create = own_create,
	.attach = own_attach,
	.put = own_put,
	.send = own_send,
	.get = own_get,
	.done = own_done,
	.destroy = own_destroy,
};

const struct transport *transport_own(void)
{
	return contender ? &own : NULL;
}

/* Words for what is wrong with a contender; NULL: nothing is. */
static const char *wrong_with(const struct rigbench_contender *c)
{
	if (c->version != RIGBENCH_CONTENDER_VERSION)
		return "its version is not RIGBENCH_CONTENDER_VERSION";
	if (!c->name || !*c->name || strlen(c->name) > 30 ||
	    strchr(c->name, ','))
		return "its name has to be 1 to 30 characters without a comma";
	if (transport_find(c->name))
		return "its name is a transport of rigbench's";
	if (!c->summary)
		return "it has no summary";
	if (!c->create || !c->put || !c->send || !c->get || !c->done ||
	    !c->destroy)
		return "create, put, send, get, done and destroy have to be "
		       "there";
	return NULL;
}

int transport_own_load(const char *path)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct rigbench_contender *c;
	const char *wrong;

	if (!object) {
		fprintf(stderr, "rigbench: --contender: %s\n", dlerror());
		return -EINVAL;
	}
	c = dlsym(object, "rigbench_contender");
	wrong = c ? wrong_with(c)
		  : "it defines no rigbench_contender "
		    "(`rigbench new` writes an example)";
	if (wrong) {
		fprintf(stderr, "rigbench: --contender: %s: %s\n", path, wrong);
		dlclose(object);
		return -EINVAL;
	}
	contender = c;
	own.name = c->name;
	own.summary = c->summary;
	own.copies = (int)c->copies;
	return 0;
}
