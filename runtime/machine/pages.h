/* SPDX-License-Identifier: MIT */
/*
 * pages.h - pages of shared memory: there before they are used, and zero again.
 *
 * Before Linux 5.14, under gVisor and in some sandboxes the kernel refuses the
 * advice that does either; each has a second way here.
 */
#ifndef RUNRIG_PAGES_H
#define RUNRIG_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does this kernel populate memory when asked, and say -EFAULT where it has
 * none?  Where it does not, pages are touched, and a touch is a SIGBUS where
 * memory is out: the file is to be reserved first.  Asked once a process; any
 * thread; allocates nothing.
 */
bool pages_can_populate(void);

/*
 * Have all pages of a mapping there, for writing or only for reading.  Both
 * ends are a page's.  No byte changes, whoever writes there meanwhile.  0, or
 * -EFAULT where memory is out, or what madvise said.
 */
int pages_populate(void *base, size_t bytes, bool write);

/*
 * Zero again, and given back to the system where it takes them.  The mapping is
 * shared, both ends are a page's, and nobody else is at work there.
 */
void pages_clear(void *base, size_t bytes);

#endif
