/* SPDX-License-Identifier: MIT */
/*
 * test_exec.c - pools whose workers are no forks of the caller: the cost for a large
 * caller, the kernels that the workers find, and the refusals.
 *
 * The promises of a pool that are the same for both kinds of workers are in the tests
 * of pools, which are built twice.
 */
#include "lib/harness.h"

#include "base/glibc.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/atomic.h"
#include "pool/exec_start.h"

#define LARGE_BYTES ((size_t)1 << 30)
#define OTHER_BYTES ((size_t)64 << 20)
#define RANKS       2

static struct rig_pool *make(enum rig_start start)
{
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(
		&pool,
		&(struct rig_pool_options){ .workers = RANKS, .start = start });

	ck_assert_msg(r == 0, "%s", rig_why());
	return pool;
}

static void *library(void)
{
	void *found = dlopen(getenv("EXEC_KERNELS"), RTLD_NOW);

	ck_assert_msg(found, "EXEC_KERNELS: %s", dlerror());
	return found;
}

static void *symbol(const char *name)
{
	void *found = dlsym(library(), name);

	ck_assert_msg(found, "%s", dlerror());
	return found;
}

static int64_t run_for_sum(struct rig_pool *pool, struct rig_job job)
{
	int64_t sum = 0;

	job.result = &sum;
	job.result_bytes = sizeof(sum);
	ck_assert_msg(rig_pool_run(pool, &job) == 0, "%s", rig_why());
	return sum;
}

static rig_kernel_fn *static_kernel(void)
{
	rig_kernel_fn *(*get)(void);

	*(void **)&get = symbol("exec_static_kernel");
	return get();
}

START_TEST(kernels_of_a_library)
{
	struct rig_pool *pool = make(RIG_EXEC);
	const struct rig_kernel *(*get)(void);
	char name[4096];

	*(void **)&get = symbol("exec_kernel");
	ck_assert_int_eq(rig_kernel_register(get()), 0);
	snprintf(name, sizeof(name), "%s:named_sum", getenv("EXEC_KERNELS"));
	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(
			run_for_sum(pool, (struct rig_job){ .name = name }), 3);
		ck_assert_int_eq(
			run_for_sum(
				pool,
				(struct rig_job){ .kernel = static_kernel() }),
			3);
		ck_assert_int_eq(
			run_for_sum(pool,
				    (struct rig_job){ .name = "exec-sum" }),
			3);
	}
	rig_pool_destroy(pool);
}
END_TEST

static int own_kernel(struct rig_team *team)
{
	return rig_team_barrier(team);
}

START_TEST(a_kernel_of_the_program_is_refused)
{
	struct rig_pool *pool = make(RIG_EXEC);

	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = own_kernel }),
		-EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "put it into a library"));
	ck_assert_int_eq(
		run_for_sum(pool,
			    (struct rig_job){ .kernel = static_kernel() }),
		3);
	rig_pool_destroy(pool);
}
END_TEST

/* The file at the path is not the library that the caller has loaded: anything could
 * be at the kernel's place in the file. */
START_TEST(a_library_that_was_replaced)
{
	struct rig_pool *pool = make(RIG_EXEC);
	char path[] = "/tmp/runrig-test-XXXXXX.so", command[4096];
	rig_kernel_fn *(*get)(void);
	void *own;

	close(mkstemps(path, 3));
	snprintf(command, sizeof(command), "cp %s %s", getenv("EXEC_KERNELS"),
		 path);
	ck_assert_int_eq(system(command), 0);
	own = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(own, "%s", dlerror());
	*(void **)&get = dlsym(own, "exec_static_kernel");
	snprintf(command, sizeof(command), "rm %s && cp %s %s", path,
		 getenv("OTHER_LIBRARY"), path);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = get() }),
		-ESTALE);
	ck_assert_ptr_nonnull(strstr(rig_why(), "another file"));
	unlink(path);
	dlclose(own);
	rig_pool_destroy(pool);
}
END_TEST

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* Private memory of a process, in bytes. */
static size_t private_bytes(pid_t pid)
{
	char path[64], line[256];
	size_t sum = 0, kib;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss_Anon: %zu", &kib) == 1)
			sum += kib << 10;
	fclose(file);
	return sum;
}

/* Faults of a caller of `bytes` that makes a pool and then writes to every page: of
 * 4096 bytes, or a huge page where the caller has some. */
static long faults_of_large(enum rig_start start, size_t bytes,
			    size_t *workers_have)
{
	volatile char *large = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rig_pool *pool;
	struct rig_worker worker;
	long before;

	ck_assert_ptr_ne((void *)large, MAP_FAILED);
	/* In one call: a separate fault for each page takes seconds on a loaded
	 * machine. */
	ck_assert_int_eq(madvise((void *)large, bytes, MADV_POPULATE_WRITE), 0);
	before = faults();
	pool = make(start);
	for (size_t i = 0; i < bytes; i += 4096)
		large[i] = 2;
	*workers_have = 0;
	for (int rank = 0; rank < RANKS; rank++) {
		ck_assert_int_eq(rig_pool_worker(pool, rank, &worker), 0);
		*workers_have += private_bytes(worker.pid);
	}
	before = faults() - before;
	rig_pool_destroy(pool);
	munmap((void *)large, bytes);
	return before;
}

/* Nothing is copied when the pool is made, nor when the caller writes then. */
START_TEST(a_large_caller_pays_nothing)
{
	const long of_others = (long)(OTHER_BYTES / 4096);
	const long huge = (long)(OTHER_BYTES >> 21);
	size_t workers_have;
	long small, large;

	small = faults_of_large(RIG_EXEC, OTHER_BYTES, &workers_have);
	large = faults_of_large(RIG_EXEC, LARGE_BYTES, &workers_have);
	ck_assert_int_lt(large, small + 200);
	ck_assert_uint_lt(workers_have, LARGE_BYTES / 64);
	/* A fork copies the memory, also by huge pages: the test can tell the two
	 * kinds apart. */
	large = faults_of_large(RIG_FORK, OTHER_BYTES, &workers_have);
	ck_assert_int_ge(large,
			 of_others < small + huge ? of_others : small + huge);
}
END_TEST

static _Atomic uint32_t blas_stop, blas_calls;

static void *multiply(void *dgemm)
{
	enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, N = 256 };
	static double a[N * N], b[N * N], c[N * N];
	void (*call)(int, int, int, int, int, int, double, const double *, int,
		     const double *, int, double, double *, int);

	*(void **)&call = dgemm;
	while (!load_relaxed(&blas_stop)) {
		call(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, N, N, N, 1, a, N, b,
		     N, 0, c, N);
		add_relaxed(&blas_calls, 1);
	}
	return NULL;
}

/* A thread is inside OpenBLAS, which stops its threads at any fork, while pools are
 * made; and the calls of the thread still return. */
START_TEST(a_caller_inside_a_threaded_blas)
{
	void *blas = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
	rig_kernel_fn *kernel = static_kernel();
	pthread_t thread;
	void *dgemm;

	if (!blas) {
		printf("needs libopenblas0-pthread\n");
		return;
	}
	dgemm = dlsym(blas, "cblas_dgemm");
	ck_assert_ptr_nonnull(dgemm);
	ck_assert_int_eq(pthread_create(&thread, NULL, multiply, dgemm), 0);
	for (int i = 0; i < 3; i++) {
		struct rig_pool *pool = make(RIG_EXEC);
		uint32_t calls = load_relaxed(&blas_calls);

		ck_assert_int_eq(
			run_for_sum(pool, (struct rig_job){ .kernel = kernel }),
			3);
		/* Only the limit of the test case ends the loop. */
		while (load_relaxed(&blas_calls) < calls + 2)
			usleep(1000);
		rig_pool_destroy(pool);
	}
	store_relaxed(&blas_stop, 1);
	pthread_join(thread, NULL);
}
END_TEST

static bool is_gone(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	return access(path, F_OK) < 0;
}

static int make_and_wait(int rank, void *arg)
{
	struct rig_segment *segment;
	struct rig_pool *pool;

	if (rig_pool_create(
		    &pool, &(struct rig_pool_options){ .workers = RANKS,
						       .start = RIG_EXEC }) < 0)
		return 1;
	/* The warden learns of the name when the pool is there already. */
	if (rig_segment_create(&segment, arg, 4096, NULL) < 0)
		return 2;
	raise(SIGKILL);
	return 3;
}

START_TEST(names_go_with_a_caller_that_is_killed)
{
	char name[64];

	snprintf(name, sizeof(name), "runrig-exec-%d", (int)getpid());
	ck_assert_int_eq(run_workers(1, make_and_wait, name), -SIGKILL);
	/* Only the limit of the test case ends the loop. */
	while (!is_gone(name))
		usleep(1000);
}
END_TEST

/* A caller whose library is of another build than the workers' program. */
START_TEST(another_build_is_refused)
{
	struct pool_startup startup = { .size = 1 };
	struct pool_startup found;
	struct rig_plan *plan, copy;
	struct tracer tracer;
	struct startup_shm *shm;
	size_t bytes;

	ck_assert_int_eq(
		rig_place_plan(&plan,
			       &(struct rig_place_options){ .workers = 1 }),
		0);
	startup.plan = plan;
	bytes = startup_bytes(plan);
	shm = calloc(1, bytes);
	startup_pack(shm, &startup);
	ck_assert_int_eq(startup_unpack(shm, bytes, &found, &copy, &tracer), 0);
	ck_assert_int_eq(memcmp(copy.spots, plan->spots, sizeof(*copy.spots)),
			 0);
	ck_assert_int_eq(copy.machine_cores, plan->machine_cores);
	ck_assert_int_eq(
		memcmp(copy.machine, plan->machine,
		       (size_t)plan->machine_cores * sizeof(*copy.machine)),
		0);
	shm->build++;
	ck_assert_int_eq(startup_unpack(shm, bytes, &found, &copy, &tracer),
			 -EPROTO);
	ck_assert_ptr_nonnull(strstr(shm->why, "different builds"));
	free(shm);
	rig_place_free(plan);
}
END_TEST

/* Without room for the memory that is handed over, and with room again. */
START_TEST(limits_are_named)
{
	struct rig_pool *pool = NULL;
	struct rlimit before, low;

	getrlimit(RLIMIT_FSIZE, &before);
	low = before;
	low.rlim_cur = 65536;
	setrlimit(RLIMIT_FSIZE, &low);
	ck_assert_int_eq(
		rig_pool_create(
			&pool, &(struct rig_pool_options){ .workers = 1,
							   .start = RIG_EXEC }),
		-EFBIG);
	ck_assert_ptr_nonnull(strstr(rig_why(), "RLIMIT_FSIZE"));
	setrlimit(RLIMIT_FSIZE, &before);
	rig_pool_destroy(make(RIG_EXEC));
}
END_TEST

/* The workers' program by hand. */
START_TEST(the_program_says_what_it_is)
{
	char program[4096], command[8192];

	ck_assert_int_eq(exec_find_program(program, sizeof(program)), 0);
	snprintf(command, sizeof(command),
		 "%s 2>&1 >/dev/null | grep -q 'librunrig starts it'", program);
	ck_assert_int_eq(system(command), 0);
	snprintf(command, sizeof(command), "%s 7 </dev/null 2>/dev/null",
		 program);
	ck_assert_int_ne(system(command), 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("exec");
	TCase *tcase = make_tcase("start", 30);

	tcase_add_test(tcase, kernels_of_a_library);
	tcase_add_test(tcase, a_kernel_of_the_program_is_refused);
	tcase_add_test(tcase, a_library_that_was_replaced);
	tcase_add_test(tcase, a_large_caller_pays_nothing);
	tcase_add_test(tcase, a_caller_inside_a_threaded_blas);
	tcase_add_test(tcase, names_go_with_a_caller_that_is_killed);
	tcase_add_test(tcase, another_build_is_refused);
	tcase_add_test(tcase, limits_are_named);
	tcase_add_test(tcase, the_program_says_what_it_is);
	suite_add_tcase(suite, tcase);
	return suite;
}
