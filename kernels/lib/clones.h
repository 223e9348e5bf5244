/* SPDX-License-Identifier: MIT */
/*
 * clones.h - a function compiled also for AVX2, or for AVX-512 too; the right
 * version is chosen when the program starts, too early for the sanitizers.
 *
 * Clones are static: clang 14 gives an external clone another name, which no other
 * file finds.
 */
#ifndef KERNELS_CLONES_H
#define KERNELS_CLONES_H

#define INLINE static inline __attribute__((always_inline))

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
	__has_feature(memory_sanitizer)
#define CLONES_SANITIZED
#endif
#endif

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) &&                   \
	!defined(__SANITIZE_THREAD__) && !defined(CLONES_SANITIZED)
#define CLONES      __attribute__((target_clones("avx2", "default")))
#define CLONES_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#define CLONES_WIDE
#endif

#endif
