/* SPDX-License-Identifier: MIT */
/*
 * pages.h - pages of shared memory: made before their use, and zeroed again.
 *
 * Before Linux 5.14, under gVisor and in some sandboxes the kernel refuses the
 * advice for either; each function has a second way.
 */
#ifndef RUNRIG_PAGES_H
#define RUNRIG_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether this kernel populates memory when asked, and returns -EFAULT where
 * memory is out.  Where the kernel does not, pages are touched, and a touch
 * without memory is a SIGBUS: the file is to be reserved first.  Asked once a
 * process; any thread; allocates nothing.
 */
bool pages_can_populate(void);

/*
 * Make all pages of a mapping present, for writing or only for reading.  Both
 * ends are a page's.  No byte changes, whoever writes there meanwhile. 0, or
 * -EFAULT where memory is out, or the error of madvise.
 */
int pages_populate(void *base, size_t bytes, bool write);

/*
 * Zero the pages, and give the pages back to the system where the system takes
 * them.  The mapping is shared, both ends are a page's, and no other thread or
 * process works there.
 */
void pages_clear(void *base, size_t bytes);

#endif
