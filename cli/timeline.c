/* SPDX-License-Identifier: MIT */
/*
 * timeline.c - runrig run --trace: lanes of spans, as JSON, as text and as SVG.
 *
 * The file follows Google's "Trace Event Format": complete events ("X") with ts
 * and dur in microseconds, one thread a lane.  Spans of a lane nest.
 */
#include "timeline.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <common/outfile.h>
#include <runrig/error.h>
#include <runrig/trace.h>

#include "command.h"
#include "json.h"

/* Columns of a lane where nobody says, and the least and the most. */
#define COLUMNS     80
#define COLUMNS_MIN 30
#define COLUMNS_MAX 400

/* One worker's, or the caller's. */
struct lane {
	int rank; /* -1: the caller's */
	struct rig_trace_span *spans;
	size_t count;
	uint64_t lost;
};

struct lanes {
	int count; /* the caller's is the first */
	struct lane *lane;
	uint64_t begin_ns;              /* begin of the first run */
	const struct traced_host *host; /* NULL: the only host */
};

static ssize_t read_spans(const struct traced *traced, int rank,
			  struct rig_trace_span *spans, size_t max,
			  uint64_t *lost)
{
	return traced->pool
		       ? rig_pool_trace(traced->pool, rank, spans, max, lost)
		       : rig_launch_trace(traced->launch, rank, spans, max,
					  lost);
}

/* The only CPU of a rank; -1: the rank has several CPUs. */
static int cpu_of(const struct traced *traced, int rank)
{
	const struct rig_plan *plan;
	struct rig_worker worker;

	if (traced->pool)
		return rig_pool_worker(traced->pool, rank, &worker) == 0 &&
				       worker.pus == 1
			       ? worker.pu
			       : -1;
	plan = rig_launch_plan(traced->launch);
	return plan->pinned && plan->spots[rank].pus == 1 ? plan->spots[rank].pu
							  : -1;
}

static int lane_read(const struct traced *traced, int rank, struct lane *lane)
{
	ssize_t count = read_spans(traced, rank, NULL, 0, &lane->lost);

	lane->rank = rank;
	if (count < 0)
		return complain(EXIT_SYSTEM, "--trace: %s", rig_why());
	lane->spans = calloc((size_t)count + 1, sizeof(*lane->spans));
	if (!lane->spans)
		return complain(EXIT_SYSTEM, "out of memory");
	lane->count = (size_t)count;
	(void)read_spans(traced, rank, lane->spans, lane->count, NULL);
	return 0;
}

static int lanes_read(const struct traced *traced, struct lanes *lanes)
{
	int r = 0;

	lanes->count =
		(traced->pool ? rig_pool_size(traced->pool)
			      : rig_launch_plan(traced->launch)->workers) +
		1;
	lanes->lane = calloc((size_t)lanes->count, sizeof(*lanes->lane));
	if (!lanes->lane)
		return complain(EXIT_SYSTEM, "out of memory");
	for (int i = 0; i < lanes->count && r == 0; i++)
		r = lane_read(traced, i - 1, &lanes->lane[i]);
	if (r == 0 && lanes->lane[0].count)
		lanes->begin_ns = lanes->lane[0].spans[0].begin_ns;
	for (int i = 1; i < lanes->count && r == 0; i++)
		if (lanes->lane[i].lost)
			warn("--trace: rank %d had %llu spans more than there "
			     "is room for; those that came last are missing",
			     i - 1, (unsigned long long)lanes->lane[i].lost);
	return r;
}

static void lanes_free(struct lanes *lanes)
{
	for (int i = 0; i < lanes->count && lanes->lane; i++)
		free(lanes->lane[i].spans);
	free(lanes->lane);
}

static const char *const kinds[] = {
	[RIG_TRACE_RUN] = "run",       [RIG_TRACE_START] = "start",
	[RIG_TRACE_ATTACH] = "attach", [RIG_TRACE_KERNEL] = "kernel",
	[RIG_TRACE_WAIT] = "wait",     [RIG_TRACE_REST] = "rest",
};

/* The time of a span, in microseconds: since the first run or, of several hosts, on
 * the clock of the host. */
static double time_of(const struct lanes *lanes, uint64_t ns)
{
	return (double)(lanes->host ? ns : ns - lanes->begin_ns) / 1e3;
}

/* The number of a lane: ranks of the world from 1 on, and behind the ranks the
 * callers. */
static int lane_number(const struct lanes *lanes, const struct lane *lane)
{
	const struct traced_host *host = lanes->host;

	if (!host)
		return lane->rank + 1;
	return lane->rank >= 0 ? host->first + lane->rank + 1
			       : host->size + host->number + 1;
}

static int process_number(const struct lanes *lanes)
{
	return lanes->host ? lanes->host->number + 1 : 1;
}

static json_t *span_json(const struct lanes *lanes, const struct lane *lane,
			 const struct rig_trace_span *span)
{
	json_t *args = json_pack("{s:i}", "run", span->run);

	if (*span->where)
		json_object_set_new(args, "where", json_string(span->where));
	if (!span->ended)
		json_object_set_new(args, "unfinished", json_true());
	return json_pack("{s:s, s:s, s:s, s:f, s:f, s:i, s:i, s:o}", "name",
			 span->name, "cat", kinds[span->kind], "ph", "X", "ts",
			 time_of(lanes, span->begin_ns), "dur",
			 (double)(span->end_ns - span->begin_ns) / 1e3, "pid",
			 process_number(lanes), "tid", lane_number(lanes, lane),
			 "args", args);
}

/* "rank 0, cpu 3" */
static json_t *lane_json(const struct traced *traced, const struct lanes *lanes,
			 const struct lane *lane)
{
	const int rank = (lanes->host ? lanes->host->first : 0) + lane->rank;
	int cpu = lane->rank >= 0 ? cpu_of(traced, lane->rank) : -1;
	char name[64] = "caller";

	if (cpu >= 0)
		snprintf(name, sizeof(name), "rank %d, cpu %d", rank, cpu);
	else if (lane->rank >= 0)
		snprintf(name, sizeof(name), "rank %d", rank);
	return json_pack("{s:s, s:s, s:i, s:i, s:{s:s}}", "name", "thread_name",
			 "ph", "M", "pid", process_number(lanes), "tid",
			 lane_number(lanes, lane), "args", "name", name);
}

static json_t *events_json(const struct traced *traced,
			   const struct lanes *lanes, const char *kernel)
{
	json_t *events = json_array();
	char name[160];

	snprintf(name, sizeof(name), "%s", kernel);
	if (lanes->host)
		snprintf(name, sizeof(name), "%s, host %d", kernel,
			 lanes->host->number);
	json_array_append_new(
		events, json_pack("{s:s, s:s, s:i, s:{s:s}}", "name",
				  "process_name", "ph", "M", "pid",
				  process_number(lanes), "args", "name", name));
	for (int i = 0; i < lanes->count; i++) {
		const struct lane *lane = &lanes->lane[i];

		json_array_append_new(events, lane_json(traced, lanes, lane));
		for (size_t k = 0; k < lane->count; k++)
			json_array_append_new(
				events,
				span_json(lanes, lane, &lane->spans[k]));
	}
	return events;
}

static int put_events(json_t *events, const char *path)
{
	return json_put(json_pack("{s:s, s:o}", "displayTimeUnit", "ns",
				  "traceEvents", events),
			path);
}

static int write_json(const struct traced *traced, const struct lanes *lanes,
		      const char *kernel, const char *path)
{
	return put_events(events_json(traced, lanes, kernel), path);
}

/* --- several hosts --- */

char *timeline_text(const struct traced *traced, const char *kernel,
		    const struct traced_host *host)
{
	struct lanes lanes = { .host = host };
	char *text = NULL;

	if (lanes_read(traced, &lanes) == 0) {
		json_t *events = events_json(traced, &lanes, kernel);

		text = json_dumps(events, JSON_COMPACT);
		json_decref(events);
	}
	lanes_free(&lanes);
	return text;
}

/* Add `us` to the times of the events. */
static void shift_times(const json_t *events, double us)
{
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event)
	{
		const json_t *ts = json_object_get(event, "ts");

		if (ts)
			json_object_set_new(
				event, "ts",
				json_real(json_number_value(ts) + us));
	}
}

static double first_time(const json_t *events)
{
	double first = 0;
	bool found = false;
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event)
	{
		const json_t *ts = json_object_get(event, "ts");

		if (ts && (!found || json_number_value(ts) < first))
			first = json_number_value(ts);
		found |= ts != NULL;
	}
	return first;
}

int timeline_merge(char *const *texts, int count, const char *path)
{
	json_t *all = json_array();

	for (int host = 0; host < count; host++) {
		char *rest = NULL;
		const long long offset_ns = strtoll(texts[host], &rest, 10);
		json_t *events = json_loads(rest, 0, NULL);

		if (!events) {
			json_decref(all);
			return complain(EXIT_SYSTEM,
					"--trace: host %d sent no trace", host);
		}
		shift_times(events, (double)offset_ns / 1e3);
		json_array_extend(all, events);
		json_decref(events);
	}
	shift_times(all, -first_time(all));
	return put_events(all, path);
}

/* The run to draw: the longest of the kernel's own, else of all; NULL: none. */
static const struct rig_trace_span *choose_run(const struct lane *callers,
					       const char *kernel)
{
	const struct rig_trace_span *best = NULL;
	bool own = false;

	for (size_t i = 0; i < callers->count; i++) {
		const struct rig_trace_span *run = &callers->spans[i];
		bool is = strcmp(run->name, kernel) == 0;

		if (!best || (is && !own) ||
		    (is == own && run->end_ns - run->begin_ns >
					  best->end_ns - best->begin_ns)) {
			best = run;
			own = is;
		}
	}
	return best;
}

static int columns(void)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;
	long n = text ? strtol(text, NULL, 10) : 0;

	if (n <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		n = size.ws_col;
	if (n <= 0)
		n = COLUMNS;
	return (int)(n < COLUMNS_MIN   ? COLUMNS_MIN
		     : n > COLUMNS_MAX ? COLUMNS_MAX
				       : n);
}

/* The mark of each kind of span; a later kind is drawn over an earlier kind. */
static const char marks[] = {
	[RIG_TRACE_RUN] = ' ',    [RIG_TRACE_START] = ' ',
	[RIG_TRACE_ATTACH] = 'a', [RIG_TRACE_KERNEL] = '#',
	[RIG_TRACE_WAIT] = '.',   [RIG_TRACE_REST] = ' ',
};

/* The longest kind in each of `width` columns, an enum rig_trace_kind.  Returns
 * the part of the run that the lane computed, or -1: there is no memory. */
static double find_kinds(const struct lane *lane,
			 const struct rig_trace_span *run, int width,
			 unsigned char *kinds_of)
{
	double(*share)[RIG_TRACE_REST + 1] =
		calloc((size_t)width, sizeof(*share));
	const double all = (double)(run->end_ns - run->begin_ns);
	double total[RIG_TRACE_REST + 1] = { 0 };

	if (!share)
		return -1;
	for (size_t i = 0; i < lane->count; i++) {
		const struct rig_trace_span *span = &lane->spans[i];
		double begin, end;

		if (span->run != run->run)
			continue;
		begin = (double)(span->begin_ns - run->begin_ns) / all * width;
		end = (double)(span->end_ns - run->begin_ns) / all * width;
		total[span->kind] += (double)(span->end_ns - span->begin_ns);
		for (int c = (int)begin; c < width && c < end; c++) {
			double from = begin > c ? begin : c;
			double to = end < c + 1 ? end : c + 1;

			share[c][span->kind] += to - from;
			if (span->kind == RIG_TRACE_WAIT)
				share[c][RIG_TRACE_KERNEL] -= to - from;
		}
	}
	for (int c = 0; c < width; c++) {
		int most = RIG_TRACE_START;

		for (int k = RIG_TRACE_START; k <= RIG_TRACE_REST; k++)
			if (share[c][k] > share[c][most])
				most = k;
		kinds_of[c] = (unsigned char)most;
	}
	free(share);
	return (total[RIG_TRACE_KERNEL] - total[RIG_TRACE_WAIT]) / all;
}

static void draw_lane(const struct lane *lane, const struct rig_trace_span *run,
		      int width)
{
	unsigned char columns_of[COLUMNS_MAX];
	double part = find_kinds(lane, run, width, columns_of);

	if (part < 0)
		return;
	printf("%4d |", lane->rank);
	for (int c = 0; c < width; c++)
		putchar(marks[columns_of[c]]);
	printf("| %3.0f %%\n", 100 * part);
}

static int draw(const struct lanes *lanes, const char *kernel)
{
	const struct rig_trace_span *run = choose_run(&lanes->lane[0], kernel);
	/* "  12 |" and "| 100 %" */
	int width = columns() - 14;

	if (!run) {
		printf("no run was traced\n");
		return 0;
	}
	printf("rank  %s: %.3f ms%*scomputes\n", run->name,
	       (double)(run->end_ns - run->begin_ns) / 1e6,
	       width > 24 ? width - 18 - (int)strlen(run->name) : 1, "");
	for (int i = 1; i < lanes->count; i++)
		draw_lane(&lanes->lane[i], run, width);
	printf("      # kernel  . waits for others  a attaches  blank: not in "
	       "the kernel\n");
	return 0;
}

/* ---- as a picture ---- */

/* Points of the picture: the lanes, and the margins left and right of the
 * lanes. */
#define SVG_LANES 800
#define SVG_LEFT  110
#define SVG_RIGHT 60
#define SVG_LANE  22
#define SVG_HEAD  30

static const char svg_style[] =
	"text{font:12px sans-serif;fill:#111}.ground{fill:#fff}"
	".kernel{fill:#3b8a4f}.wait{fill:#e3a33b}.attach{fill:#7a6fb5}"
	".lane{fill:#eceff2}"
	"@media(prefers-color-scheme:dark){text{fill:#eee}.ground{fill:#14171a}"
	".kernel{fill:#5fbf78}.wait{fill:#d08e2a}.attach{fill:#9a8fe0}"
	".lane{fill:#262b30}}";

/* NULL: nothing is drawn for the kind. */
static const char *svg_class(int kind)
{
	return kind == RIG_TRACE_KERNEL   ? "kernel"
	       : kind == RIG_TRACE_WAIT   ? "wait"
	       : kind == RIG_TRACE_ATTACH ? "attach"
					  : NULL;
}

static void svg_box(FILE *file, const char *class, int x, int y, int width,
		    int height)
{
	fprintf(file,
		"<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" "
		"height=\"%d\"/>\n",
		class, x, y, width, height);
}

static void svg_text(FILE *file, int x, int y, const char *text)
{
	fprintf(file, "<text x=\"%d\" y=\"%d\">%s</text>\n", x, y, text);
}

/* Neighbouring columns of the same kind are a single box. */
static void svg_lane(FILE *file, const struct lane *lane,
		     const struct rig_trace_span *run, int y)
{
	unsigned char columns_of[SVG_LANES];
	double part = find_kinds(lane, run, SVG_LANES, columns_of);
	char text[40];

	svg_box(file, "lane", SVG_LEFT, y, SVG_LANES, SVG_LANE - 4);
	for (int c = 0, end; part >= 0 && c < SVG_LANES; c = end) {
		const char *class = svg_class(columns_of[c]);

		for (end = c + 1; end < SVG_LANES; end++)
			if (columns_of[end] != columns_of[c])
				break;
		if (class)
			svg_box(file, class, SVG_LEFT + c, y, end - c,
				SVG_LANE - 4);
	}
	snprintf(text, sizeof(text), "rank %d", lane->rank);
	svg_text(file, 10, y + SVG_LANE - 9, text);
	snprintf(text, sizeof(text), "%.0f %%", 100 * (part > 0 ? part : 0));
	svg_text(file, SVG_LEFT + SVG_LANES + 10, y + SVG_LANE - 9, text);
}

static void svg_key(FILE *file, int y)
{
	static const struct {
		const char *class, *text;
	} keys[] = { { "kernel", "computes" },
		     { "wait", "waits for others" },
		     { "attach", "attaches" },
		     { "lane", "is not in the kernel" } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int x = SVG_LEFT + 160 * (int)i;

		svg_box(file, keys[i].class, x, y, 12, 12);
		svg_text(file, x + 18, y + 11, keys[i].text);
	}
}

static void svg_lanes(FILE *file, const struct lanes *lanes,
		      const struct rig_trace_span *run)
{
	int wide = SVG_LEFT + SVG_LANES + SVG_RIGHT;
	int high = SVG_HEAD + SVG_LANE * (lanes->count - 1) + 30;
	char text[160];

	fprintf(file,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\"><style>%s</style>\n",
		wide, high, wide, high, svg_style);
	svg_box(file, "ground", 0, 0, wide, high);
	/* A kernel's name is of letters, digits and -. */
	snprintf(text, sizeof(text), "%.60s: %.3f ms", run->name,
		 (double)(run->end_ns - run->begin_ns) / 1e6);
	svg_text(file, SVG_LEFT, 20, text);
	svg_text(file, SVG_LEFT + SVG_LANES + 10, 20, "computes");
	for (int i = 1; i < lanes->count; i++)
		svg_lane(file, &lanes->lane[i], run,
			 SVG_HEAD + SVG_LANE * (i - 1));
	svg_key(file, high - 22);
	fputs("</svg>\n", file);
}

static int write_svg(const struct lanes *lanes, const char *kernel,
		     const char *path)
{
	const struct rig_trace_span *run = choose_run(&lanes->lane[0], kernel);
	char *data = NULL;
	size_t bytes = 0;
	FILE *file;
	int r;

	if (!run)
		return complain(EXIT_SYSTEM, "%s: no run was traced", path);
	file = open_memstream(&data, &bytes);
	if (!file)
		return complain(EXIT_SYSTEM, "out of memory");
	svg_lanes(file, lanes, run);
	r = fclose(file) == 0 ? outfile_put(path, data, bytes) : -ENOMEM;
	free(data);
	return r < 0 ? complain(EXIT_SYSTEM, "%s: %s", path, strerror(-r)) : 0;
}

static bool is_svg(const char *path)
{
	size_t length = strlen(path);

	return length > 4 && strcmp(path + length - 4, ".svg") == 0;
}

bool timeline_is_json(const char *path)
{
	return strcmp(path, "-") != 0 && !is_svg(path);
}

int timeline_write(const struct traced *traced, const char *kernel,
		   const char *path)
{
	struct lanes lanes = { .count = 0 };
	int r = lanes_read(traced, &lanes);

	if (r == 0)
		r = strcmp(path, "-") == 0 ? draw(&lanes, kernel)
		    : is_svg(path)         ? write_svg(&lanes, kernel, path)
				   : write_json(traced, &lanes, kernel, path);
	lanes_free(&lanes);
	return r;
}
