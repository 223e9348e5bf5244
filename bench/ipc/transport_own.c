/* SPDX-License-Identifier: MIT */
/*
 * transport_own.c - transports of the user's beside rigbench's own.
 *
 * The driver and the sides see a struct transport; the functions here hand each call
 * on to a contender out of a shared object.  Payloads are filled, summed and compared
 * as with every transport.  A contender that is a program has a name and words here;
 * pair_command.c starts and orders the program.
 */
#include "ipc/transport_own.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rigbench/contender.h>

#include "driver/case.h"
#include "ipc/pair_command.h"

#define OWN_MAX 40

struct own {
	struct transport transport; /* first: the driver sees no more */
	const struct rigbench_contender *contender; /* NULL: a program */
	struct command_words words;
	char missing[CASE_WHY_BYTES]; /* a reason; "": present */
	bool given;                   /* by the user */
};

static struct own owns[OWN_MAX];
static size_t own_count;

/* The `extra` of a link. */
struct own_link {
	const struct rigbench_contender *contender;
	struct rigbench_link link;
};

/* Words for the result of a contender's function. */
static int own_fail(const struct own_link *own, const char *function, int r,
		    char *why)
{
	if (r < 0 && *own->link.why)
		snprintf(why, CASE_WHY_BYTES, "%.120s", own->link.why);
	else if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "its %s(): %s", function,
			 strerror(-r));
	return r;
}

static int own_create(struct link *link, char *why)
{
	const struct own *own = (const void *)link->transport;
	struct own_link *extra = calloc(1, sizeof(*extra));

	if (!extra)
		return -ENOMEM;
	*extra = (struct own_link){
		.contender = own->contender,
		.link = { .bytes = link->bytes,
			  .slots = link->slots,
			  .waiting = (enum rigbench_waiting)link->waiting },
	};
	link->extra = extra;
	return own_fail(extra, "create", own->contender->create(&extra->link),
			why);
}

static int own_attach(struct link *link, char *why)
{
	struct own_link *own = link->extra;
	int r = link_private(link);

	if (r < 0)
		return r;
	own->link.side = link->side;
	own->link.out = link_out(link);
	own->link.in = link->in;
	r = own->contender->attach ? own->contender->attach(&own->link) : 0;
	return own_fail(own, "attach", r, why);
}

static void *own_put(struct link *link)
{
	struct own_link *own = link->extra;

	own->link.out = link_out(link);
	errno = 0;
	return own->contender->put ? own->contender->put(&own->link)
				   : own->link.out;
}

static int own_send(struct link *link)
{
	struct own_link *own = link->extra;

	link->sent++;
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

	return own->contender->done ? own->contender->done(&own->link) : 0;
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

static const struct transport blank = {
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

const struct transport *transport_own(size_t at)
{
	return at < own_count ? &owns[at].transport : NULL;
}

const char *transport_command(const struct transport *transport)
{
	const struct own *own = (const void *)transport;

	if (own < owns || own >= owns + own_count || own->contender ||
	    *own->missing)
		return NULL;
	return own->words.command;
}

bool transport_given(const struct transport *transport)
{
	return ((const struct own *)(const void *)transport)->given;
}

static const char *wrong_name(const char *name)
{
	if (!name || !*name || strlen(name) > 30 || strchr(name, ','))
		return "its name has to be 1 to 30 characters without a comma";
	return transport_find(name) ? "its name is a transport of rigbench's"
				    : NULL;
}

/* Words for the fault of a contender; NULL: there is no fault. */
static const char *wrong_with(const struct rigbench_contender *c)
{
	if (c->version != RIGBENCH_CONTENDER_VERSION)
		return "its version is not RIGBENCH_CONTENDER_VERSION";
	if (!c->summary)
		return "it has no summary";
	if (!c->create || !c->send || !c->get || !c->destroy)
		return "create, send, get and destroy have to be there";
	return wrong_name(c->name);
}

const struct transport *transport_own_add(
	const struct rigbench_contender *contender)
{
	struct own *own = &owns[own_count];

	if (own_count == OWN_MAX)
		return NULL;
	*own = (struct own){ .transport = blank, .contender = contender };
	own->transport.name = contender->name;
	own->transport.summary = contender->summary;
	own->transport.copies = (int)contender->copies;
	own_count++;
	return &own->transport;
}

static int refuse(const char *what, const char *wrong)
{
	fprintf(stderr, "rigbench: --contender: %s: %s\n", what, wrong);
	return -EINVAL;
}

static int load_program(const char *what)
{
	struct own *own = &owns[own_count];
	char why[CASE_WHY_BYTES] = "";
	const char *wrong;

	*own = (struct own){ .transport = blank };
	if (command_describe(what + strlen(COMMAND_PREFIX), &own->words, why) <
	    0)
		return refuse(what, why);
	wrong = wrong_name(own->words.name);
	if (wrong)
		return refuse(what, wrong);
	own->given = true;
	own->transport.name = own->words.name;
	own->transport.summary = own->words.summary;
	own->transport.copies = own->words.copies;
	own_count++;
	return 0;
}

int transport_own_object(const char *path, char *why, size_t bytes)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct rigbench_contender *c;
	const char *wrong;

	if (!object) {
		snprintf(why, bytes, "%s", dlerror());
		return -EINVAL;
	}
	c = dlsym(object, "rigbench_contender");
	wrong = c ? wrong_with(c)
		  : "it defines no rigbench_contender "
		    "(`rigbench new` writes an example)";
	if (!wrong && !transport_own_add(c))
		wrong = "there are too many of them";
	if (!wrong)
		return 0;
	snprintf(why, bytes, "%s: %s", path, wrong);
	dlclose(object);
	return -EINVAL;
}

/* A place for a contender without functions here; NULL: there is no place left. */
static struct own *own_blank(const char *name, const char *summary, int copies)
{
	struct own *own = &owns[own_count];

	if (own_count == OWN_MAX)
		return NULL;
	*own = (struct own){ .transport = blank };
	own->transport.name = name;
	own->transport.summary = summary;
	own->transport.copies = copies;
	own_count++;
	return own;
}

void transport_own_program(const char *name, const char *summary, int copies,
			   const char *command)
{
	struct own *own = own_blank(name, summary, copies);

	command_offer_module();
	if (own)
		snprintf(own->words.command, sizeof(own->words.command), "%s",
			 command);
}

static int missing_create(struct link *link, char *why)
{
	const struct own *own = (const void *)link->transport;

	snprintf(why, CASE_WHY_BYTES, "%s", own->missing);
	return -ENOTSUP;
}

void transport_own_missing(const char *name, const char *summary, int copies,
			   const char *why)
{
	struct own *own = own_blank(name, summary, copies);

	if (!own)
		return;
	own->transport.create = missing_create;
	snprintf(own->missing, sizeof(own->missing), "%s", why);
}

static int load_object(const char *path)
{
	char why[2 * CASE_WHY_BYTES];

	if (transport_own_object(path, why, sizeof(why)) == 0) {
		owns[own_count - 1].given = true;
		return 0;
	}
	fprintf(stderr, "rigbench: --contender: %s\n", why);
	return -EINVAL;
}

int transport_own_load(const char *what)
{
	if (own_count == OWN_MAX)
		return refuse(what, "there are too many of them");
	if (strncmp(what, COMMAND_PREFIX, strlen(COMMAND_PREFIX)) == 0)
		return load_program(what);
	return load_object(what);
}
