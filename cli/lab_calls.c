/* SPDX-License-Identifier: MIT */
/*
 * lab_calls.c - see lab_calls.h.
 *
 * A judge shares memory and files with the code that the judge runs, so a hand-in
 * that forks, traces, kills, leaves or writes files could fool the judge, or reach
 * the other folders.  The symbols that the library leaves to others name all of
 * this, short of assembly.
 */
#include "lab_calls.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Calls of C's library that solutions, and programs on the way there, need.  A
 * name that ends in * stands for all names that begin so. */
static const char *const allowed[] = {
	"rig_*", "lab_*",
	/* memory and text */
	"malloc", "calloc", "realloc", "reallocarray", "aligned_alloc",
	"posix_memalign", "memalign", "free", "mem*", "str*", "bcmp", "bcopy",
	"bzero", "stpcpy", "qsort", "bsearch", "is*", "tolower", "toupper",
	"__ctype_*", "ato*", "abs", "labs", "llabs", "div", "ldiv", "rand",
	"srand", "rand_r", "random", "srandom", "drand48", "srand48",
	/* printing */
	"printf", "vprintf", "fprintf", "vfprintf", "snprintf", "vsnprintf",
	"sprintf", "puts", "putchar", "putc", "fputs", "fputc", "fwrite",
	"fflush", "perror", "setvbuf", "setbuf", "stdout", "stderr", "_IO_putc",
	"putchar_unlocked",
	/* time and place */
	"clock", "clock_gettime", "time", "gettimeofday", "difftime", "sleep",
	"usleep", "nanosleep", "clock_nanosleep", "sched_yield", "sched_getcpu",
	"sched_getaffinity", "__sched_cpucount", "getcpu", "getpid", "gettid",
	"sysconf", "getpagesize",
	/* mistakes */
	"__errno_location", "__assert_fail", "abort", "__stack_chk_fail",
	/* the compiler's own */
	"__gmon_start__", "__cxa_finalize", "_ITM_*", "__tls_get_addr",
	"__atomic_*", "_mcleanup",
	/* mathematics: names with f and l too */
	"acos*", "asin*", "atan*", "cbrt*", "ceil*", "copysign*", "cos*",
	"erf*", "exp*", "fabs*", "fdim*", "floor*", "fma*", "fmin*", "fmod*",
	"frexp*", "hypot*", "ldexp*", "lgamma*", "llrint*", "llround*", "log*",
	"lrint*", "lround*", "modf*", "nan*", "nearbyint*", "next*", "pow*",
	"remainder*", "rint*", "round*", "scalb*", "sin*", "sqrt*", "tan*",
	"tgamma*", "trunc*", "cabs*", "carg*", "cexp*", "creal*", "cimag*",
	"__fpclassify*", "__signbit*", "__isnan*", "__isinf*", "__finite*",
	"signgam", "fe*"
};

/* The further calls of a lab whose result is a file. */
static const char *const writing[] = { "fopen", "fopen64", "fclose", "ferror" };

/* Names that a pattern above has by accident. */
static const char *const refused[] = { "memfd_*", "truncate*", "log_*",
				       "logwtmp", "login*",    "logout*",
				       "fexecve" };

struct file {
	const unsigned char *bytes;
	size_t size;
	bool may_write;
};

static bool is_among(const char *name, size_t length,
		     const char *const *patterns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(patterns[i]);
		bool open = patterns[i][n - 1] == '*';

		n -= open;
		if (open ? length >= n : length == n)
			if (strncmp(name, patterns[i], n) == 0)
				return true;
	}
	return false;
}

/* printf() may be __printf_chk(), and strtol() may be __isoc23_strtol(). */
static bool is_allowed(const char *name, bool may_write)
{
	size_t length = strlen(name);

	if (strncmp(name, "__isoc", 6) == 0 && length > 9) {
		name += 9;
		length -= 9;
	} else if (length > 6 && strncmp(name, "__", 2) == 0 &&
		   strcmp(name + length - 4, "_chk") == 0) {
		name += 2;
		length -= 6;
	}
	if (may_write &&
	    is_among(name, length, writing, sizeof(writing) / sizeof(*writing)))
		return true;
	return is_among(name, length, allowed,
			sizeof(allowed) / sizeof(*allowed)) &&
	       !is_among(name, length, refused,
			 sizeof(refused) / sizeof(*refused));
}

/* `count` elements of `each` bytes, or NULL where the file is shorter. */
static const void *part(const struct file *file, uint64_t at, uint64_t count,
			uint64_t each)
{
	if (at > file->size || count > (file->size - at) / each ||
	    at % _Alignof(Elf64_Shdr) != 0)
		return NULL;
	return file->bytes + at;
}

/* The names of one table of symbols. */
static bool look_at_symbols(const struct file *file, const Elf64_Shdr *sections,
			    int count, const Elf64_Shdr *table, char *why,
			    int bytes)
{
	const uint64_t symbols = table->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *symbol =
		part(file, table->sh_offset, symbols, sizeof(*symbol));
	const Elf64_Shdr *text = table->sh_link < (uint32_t)count
					 ? &sections[table->sh_link]
					 : NULL;

	if (!symbol || !text || text->sh_offset > file->size ||
	    text->sh_size > file->size - text->sh_offset || !text->sh_size ||
	    file->bytes[text->sh_offset + text->sh_size - 1])
		return false;
	for (uint64_t i = 1; i < symbols; i++) {
		const char *name = (const char *)file->bytes + text->sh_offset;

		if (symbol[i].st_name >= text->sh_size)
			return false;
		name += symbol[i].st_name;
		if (ELF64_ST_TYPE(symbol[i].st_info) == STT_GNU_IFUNC) {
			snprintf(why, (size_t)bytes,
				 "%s() would run while start.c is loaded",
				 name);
			return false;
		}
		if (symbol[i].st_shndx == SHN_UNDEF &&
		    !is_allowed(name, file->may_write)) {
			snprintf(why, (size_t)bytes,
				 "start.c uses %s: no call of this lab, "
				 "and none of C's that a hand-in may make",
				 name);
			return false;
		}
	}
	return true;
}

/* The compiler's own start and end have an entry each. */
static bool look_at_section(const struct file *file, const Elf64_Shdr *sections,
			    int count, const Elf64_Shdr *section, char *why,
			    int bytes)
{
	switch (section->sh_type) {
	case SHT_DYNSYM:
		return look_at_symbols(file, sections, count, section, why,
				       bytes);
	case SHT_PREINIT_ARRAY:
	case SHT_INIT_ARRAY:
	case SHT_FINI_ARRAY:
		if (section->sh_size <= sizeof(uint64_t))
			return true;
		snprintf(why, (size_t)bytes,
			 "start.c has a constructor or destructor: a lab's "
			 "functions are called by the check");
		return false;
	default:
		return true;
	}
}

static bool look(const struct file *file, char *why, int bytes)
{
	const Elf64_Ehdr *head = part(file, 0, 1, sizeof(*head));
	const Elf64_Shdr *sections;
	bool found = false;

	if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
	    head->e_ident[EI_CLASS] != ELFCLASS64)
		return false;
	sections = part(file, head->e_shoff, head->e_shnum, sizeof(*sections));
	if (!sections)
		return false;
	for (int i = 0; i < head->e_shnum; i++) {
		if (!look_at_section(file, sections, head->e_shnum,
				     &sections[i], why, bytes))
			return false;
		found |= sections[i].sh_type == SHT_DYNSYM;
	}
	return found;
}

bool lab_calls_allowed(const char *path, bool may_write, char *why, int bytes)
{
	struct file file = { .may_write = may_write };
	struct stat status;
	bool fine = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *map = MAP_FAILED;

	snprintf(why, (size_t)bytes, "start.c cannot be looked into");
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0)
		map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE,
			   fd, 0);
	if (map != MAP_FAILED) {
		file.bytes = map;
		file.size = (size_t)status.st_size;
		fine = look(&file, why, bytes);
		munmap(map, file.size);
	}
	if (fd >= 0)
		close(fd);
	return fine;
}
