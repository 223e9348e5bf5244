#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every call of librunrig is given NULL for each pointer, one pointer at a time.

Example: `rig_list_get(list, index, value)` is called with no list, and with a list
and no value.  An int is -EINVAL then and rig_why() has words; a size is 0, a pointer
NULL, a boolean false.  Each call is in a process of its own, and none crashes.

The calls are read from the headers and held against symbols.txt: a new call is in the
test by itself.  A new type of a parameter needs a row in EXAMPLES.

Usage: test_null.py INCLUDE_FOLDER SYMBOLS LIBRARY COMPILER...
"""
import pathlib
import re
import subprocess
import sys
import tempfile

COMMENT = re.compile(r"/\*.*?\*/|__attribute__\(\(.*?\)\)\)", re.S)
PROTOTYPE = re.compile(r"RIG_API\s+([^;()]*?)(\w+)\(([^;]*?)\)\s*;", re.S)
PARAMETER = re.compile(r"(.*?)(\w+)((?:\[\w*\])?)$", re.S)

# A value of each type, in C.  The pointers lead to objects that start.c below makes.
EXAMPLES = {
    "bool": "true",
    "char *": "text",
    "char **": "&made_text",
    "const char *": '"rig-null-none"',
    "const struct rig_job *": "&job",
    "const struct rig_kernel *": "&kernel",
    "const struct rig_launch *": "launch",
    "const struct rig_launch_options *": "NULL",
    "const struct rig_list *": "list",
    "const struct rig_manager *": "manager",
    "const struct rig_map *": "&map",
    "const struct rig_place_options *": "NULL",
    "const struct rig_pool *": "pool",
    "const struct rig_pool_options *": "NULL",
    "const struct rig_parcel *": "&parcel",
    "const struct rig_queue *": "queue",
    "const struct rig_segment *": "segment",
    "const struct rig_segment_options *": "NULL",
    "const struct rig_value *": "values",
    "const struct rig_world *": "&world",
    "const void *": "text",
    "int": "0",
    "int *": "numbers",
    "int64_t": "0",
    "function_body *": "body",
    "function_fn *": "calls_back",
    "rig_op_arg_fn *": "folds_arg",
    "rig_op_fn *": "folds",
    "size_t": "8",
    "size_t *": "&size",
    "struct rig_found **": "&found",
    "struct rig_gateway *": "gateway",
    "struct rig_gateway **": "&made_gateway",
    "struct rig_home *": "homes",
    "struct rig_launch *": "launch",
    "struct rig_launch **": "&made_launch",
    "struct rig_list *": "list",
    "struct rig_list **": "&made_list",
    "struct rig_manager *": "manager",
    "struct rig_manager **": "&made_manager",
    "struct rig_parcel *": "&parcel",
    "struct rig_place *": "&place",
    "struct rig_plan *": "NULL",
    "struct rig_plan **": "&plan",
    "struct rig_pool *": "pool",
    "struct rig_pool **": "&made_pool",
    "struct rig_queue *": "queue",
    "struct rig_segment *": "segment",
    "struct rig_segment **": "&made_segment",
    "struct rig_span": "((struct rig_span){ 0, 1 })",
    "struct rig_team **": "&team",
    "struct rig_trace_span *": "spans",
    "struct rig_value *": "&value",
    "struct rig_worker *": "&worker",
    "uint64_t": "0",
    "uint64_t *": "&number",
    "void *": "memory",
}

# Pointers that may be NULL, as the header says.
ALLOWED = {
    "rig_join": {"options"},
    "rig_launch_trace": {"lost"},
    "rig_list_attach": {"options"},
    "rig_list_create": {"name", "options"},
    "rig_manager_with": {"arg"},
    "rig_op_create_arg": {"arg"},
    "rig_place_plan": {"options"},
    "rig_pool_create": {"options"},
    "rig_pool_trace": {"lost"},
    "rig_segment_attach": {"options"},
    "rig_segment_create": {"name", "options"},
    "rig_segment_open_file": {"options"},
    "rig_sweep_clean": {"found"},
    "rig_value_repr": {"text"},
    "rig_why_set": {"words"},
}

# Without words: a signal handler may be here.
WORDLESS = {"rig_pool_cancel"}

# Calls without a check, and why.
UNCHECKED = {
    "a team": "a kernel has its team from the library; a verb is some nanoseconds",
    "rig_barrier_": "some nanoseconds, in memory that the caller has laid out",
    "rig_heap_": "a kernel has its heap from its team (test_heap.c has NULL)",
    "rig_share_": "some nanoseconds, in an inner loop",
    "rig_sum_": "some nanoseconds, in an inner loop",
    "rig_join": "makes this process a rank, or waits for a launcher",
    "rig_worker_program": "the whole of a program that the library starts",
}

START = r"""
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <runrig/runrig.h>

static struct rig_pool *pool, *made_pool;
static struct rig_segment *segment, *made_segment;
static struct rig_list *list, *made_list;
static struct rig_manager *manager, *made_manager;
static struct rig_launch *launch, *made_launch;
static struct rig_queue *queue;
static struct rig_gateway *gateway, *made_gateway;
static struct rig_parcel parcel;
static const int firsts[] = { 0, 1 };
static struct rig_place place;
static struct rig_world world = { .hosts = 1, .firsts = firsts };
static struct rig_plan *plan;
static struct rig_found *found;
static struct rig_home homes[8];
static struct rig_worker worker;
static struct rig_trace_span spans[8];
static struct rig_team *team;
static struct rig_value value, values[8]; /* None, eight times */
static struct rig_map map;
static struct rig_job job;
static struct rig_kernel kernel;
static char text[64], *made_text;
static _Alignas(RIG_LINE) char memory[8192];
static int numbers[8];
static size_t size;
static uint64_t number;

static int body(struct rig_manager *with, void *arg)
{
	return with && arg ? 0 : 0;
}

static void calls_back(void *arg)
{
	(void)arg;
}

static void folds(void *into, const void *from, size_t count)
{
	(void)into, (void)from, (void)count;
}

static void folds_arg(void *into, const void *from, size_t count, void *arg)
{
	(void)into, (void)from, (void)count, (void)arg;
}

static void start(void)
{
	value = rig_int(7);
	if (rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 1 }) ||
	    rig_segment_create(&segment, NULL, 4096, NULL) ||
	    rig_list_create(&list, NULL, &value, 1, NULL) ||
	    rig_manager_start(&manager))
		fprintf(stderr, "%s\n", rig_why()), exit(2);
	queue = (struct rig_queue *)memory;
	(void)rig_queue_init(queue, sizeof(memory));
	(void)gateway, (void)made_gateway, (void)parcel, (void)world;
	(void)place;
	(void)launch, (void)plan, (void)found, (void)team, (void)homes;
	(void)made_pool, (void)made_segment, (void)made_list, (void)made_text;
	(void)made_manager, (void)made_launch, (void)worker, (void)spans;
	(void)map, (void)job, (void)kernel, (void)numbers, (void)size;
	(void)number, (void)text, (void)body, (void)calls_back, (void)folds, (void)folds_arg;
}

static void words(const char *what)
{
	if (!strcmp(rig_why(), "before") || !rig_why()[0] ||
	    strchr(rig_why(), '\n'))
		printf("%s: no words of its own: \"%s\"\n", what, rig_why());
}

static void code(const char *what, long long r)
{
	if (r != -EINVAL)
		printf("%s: %lld, not -EINVAL\n", what, r);
	else
		words(what);
}

/* Each in a process of its own: a crash is told, and the next goes on. */
static void call(const char *what, void (*with_null)(const char *))
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(20);
		(void)rig_why_set(0, "before");
		with_null(what);
		fflush(stdout);
		/* A call that may have NULL has made something. */
		rig_list_destroy(made_list);
		rig_segment_destroy(made_segment);
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	(void)rig_segment_remove("rig-null-none");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		printf("%s: %s\n", what,
		       WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
					   : "exits");
}
"""


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def parameters(text):
    """(type, name) of each; a pointer to a function is its name's type."""
    # A pointer to a function goes by its own name: "int (*body)(...)".
    text = re.sub(r"\w+ \(\*(\w+)\)\([^)]*\)", r"function_\1 * \1", text)
    for part in text.split(","):
        if part.strip() in ("void", "...", ""):
            continue
        found = PARAMETER.match(squeeze(part))
        if not found:
            sys.exit(f"test_null.py cannot read the parameters ({text})")
        kind, name, array = found.groups()
        yield kind.strip() + (" *" if array else ""), name


def shared():
    return {path.name for path in pathlib.Path("/dev/shm").glob("rig-*")}


def calls(folder):
    for header in sorted(folder.glob("runrig/*.h")):
        text = COMMENT.sub("", header.read_text())
        for kind, name, inside in PROTOTYPE.findall(text):
            yield squeeze(kind), name, list(parameters(squeeze(inside)))


def unchecked(name, params):
    return (any(name.startswith(prefix) for prefix in UNCHECKED) or
            any(kind.endswith("struct rig_team *") for kind, _ in params))


def is_pointer(kind):
    return kind.endswith("*")


def verdict(kind, name, call):
    """The C that judges what the call returns."""
    if kind == "void":
        return f"{call};"
    if kind in ("int", "ssize_t", "int64_t", "pid_t"):
        if name in WORDLESS:
            return (f'if ({call} != -EINVAL) printf("%s: not -EINVAL\\n", '
                    'what);')
        return f"code(what, (long long){call});"
    if kind == "struct rig_value":
        return f"value = {call};"
    if kind == "const char *":
        return (f'const char *said = {call}; if (said && *said) '
                'printf("%s: something for nothing\\n", what);')
    return f'if ({call}) printf("%s: something for nothing\\n", what);'


def cases(folder):
    """(words, C function) of each call with one NULL."""
    for kind, name, params in calls(folder):
        if unchecked(name, params):
            continue
        pointers = [param for of, param in params if is_pointer(of)]
        for absent in pointers:
            values = []
            for of, param in params:
                if of not in EXAMPLES and param != absent:
                    sys.exit(f"{name}: no example of \"{of}\" ({param}): "
                             "EXAMPLES in test_null.py lacks a row")
                values.append("NULL" if param == absent else EXAMPLES[of])
            call = f"{name}({', '.join(values)})"
            may = absent in ALLOWED.get(name, ())
            judged = verdict(kind, name, call)
            if may:
                judged = f"(void){call}; (void)what;"
            yield call, judged


def main():
    folder, symbols, library = map(pathlib.Path, sys.argv[1:4])
    declared = {name for _, name, _ in calls(folder)}
    lost = sorted(set(symbols.read_text().split()) - declared - set(UNCHECKED))
    if lost:
        sys.exit("in symbols.txt, and in no header as this test reads them: " +
                 ", ".join(lost))
    table = list(cases(folder))
    source = [START]
    for number, (_, judged) in enumerate(table):
        source.append(f"static void case_{number}(const char *what)\n"
                      f"{{\n\t(void)what;\n\t{judged}\n}}\n")
    source.append("int main(void)\n{\n\tstart();")
    for number, (call, _) in enumerate(table):
        escaped = call.replace('"', '\\"')
        source.append(f'\tcall("{escaped}", case_{number});')
    source.append("\trig_list_destroy(list);\n\trig_segment_destroy(segment);\n"
                  "\trig_manager_shutdown(manager);\n"
                  "\trig_pool_destroy(pool);\n\treturn 0;\n}\n")
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary, "nulls.c")
        path.write_text("\n".join(source))
        program = path.with_suffix("")
        subprocess.run([*sys.argv[4:], "-std=gnu17", "-w", f"-I{folder}",
                        str(path), str(library), "-o", str(program),
                        f"-Wl,-rpath,{library.resolve().parent}"], check=True)

        before = shared()
        run = subprocess.run([program], stdout=subprocess.PIPE, text=True,
                             check=False)
        left = sorted(shared() - before)
    if left:
        print(f"left in /dev/shm: {' '.join(left)}")
    print(run.stdout + f"{len(table)} calls with one NULL")
    return run.returncode or bool(run.stdout or left)


if __name__ == "__main__":
    sys.exit(main())
