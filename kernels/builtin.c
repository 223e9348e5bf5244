/* SPDX-License-Identifier: MIT */
/*
 * builtin.c - the table of runrig's own kernels.
 */
#include <kernels/builtin.h>

/* A line a kernel: another kernel is another line. */
/* clang-format off */
static const struct rig_kernel *const kernels[] = {
	&kernel_all,
	&kernel_any,
	&kernel_argmax,
	&kernel_argmin,
	&kernel_argsort,
	&kernel_bincount,
	&kernel_cg,
	&kernel_clip,
	&kernel_count_nonzero,
	&kernel_cumprod,
	&kernel_dgemm,
	&kernel_dot,
	&kernel_ep,
	&kernel_evaluate,
	&kernel_ft,
	&kernel_global,
	&kernel_heat,
	&kernel_histogram,
	&kernel_is,
	&kernel_kmeans,
	&kernel_life,
	&kernel_list_reverse,
	&kernel_mandelbrot,
	&kernel_matvec,
	&kernel_max,
	&kernel_mean,
	&kernel_median,
	&kernel_mg,
	&kernel_min,
	&kernel_nbody,
	&kernel_norm,
	&kernel_nstream,
	&kernel_pi,
	&kernel_prod,
	&kernel_quantile,
	&kernel_random,
	&kernel_reduce,
	&kernel_reverse,
	&kernel_scan,
	&kernel_sort,
	&kernel_sparse,
	&kernel_std,
	&kernel_stencil,
	&kernel_synch_p2p,
	&kernel_total,
	&kernel_transpose,
	&kernel_triad,
	&kernel_unique,
	&kernel_var,
};
/* clang-format on */

int rig_kernels_register(void)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (r == 0)
			r = rig_kernel_register(kernels[i]);
	return r;
}
