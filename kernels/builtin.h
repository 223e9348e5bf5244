/* SPDX-License-Identifier: MIT */
/*
 * builtin.h - runrig's own kernels.
 */
#ifndef KERNELS_BUILTIN_H
#define KERNELS_BUILTIN_H

#include <runrig/kernels.h>

extern const struct rig_kernel kernel_all;
extern const struct rig_kernel kernel_any;
extern const struct rig_kernel kernel_argmax;
extern const struct rig_kernel kernel_argmin;
extern const struct rig_kernel kernel_argsort;
extern const struct rig_kernel kernel_bincount;
extern const struct rig_kernel kernel_cg;
extern const struct rig_kernel kernel_clip;
extern const struct rig_kernel kernel_count_nonzero;
extern const struct rig_kernel kernel_cumprod;
extern const struct rig_kernel kernel_dgemm;
extern const struct rig_kernel kernel_dot;
extern const struct rig_kernel kernel_ep;
extern const struct rig_kernel kernel_evaluate;
extern const struct rig_kernel kernel_ft;
extern const struct rig_kernel kernel_global;
extern const struct rig_kernel kernel_heat;
extern const struct rig_kernel kernel_histogram;
extern const struct rig_kernel kernel_is;
extern const struct rig_kernel kernel_kmeans;
extern const struct rig_kernel kernel_life;
extern const struct rig_kernel kernel_list_reverse;
extern const struct rig_kernel kernel_mandelbrot;
extern const struct rig_kernel kernel_matvec;
extern const struct rig_kernel kernel_max;
extern const struct rig_kernel kernel_mean;
extern const struct rig_kernel kernel_median;
extern const struct rig_kernel kernel_mg;
extern const struct rig_kernel kernel_min;
extern const struct rig_kernel kernel_nbody;
extern const struct rig_kernel kernel_norm;
extern const struct rig_kernel kernel_nstream;
extern const struct rig_kernel kernel_pi;
extern const struct rig_kernel kernel_prod;
extern const struct rig_kernel kernel_quantile;
extern const struct rig_kernel kernel_random;
extern const struct rig_kernel kernel_reduce;
extern const struct rig_kernel kernel_reverse;
extern const struct rig_kernel kernel_scan;
extern const struct rig_kernel kernel_sort;
extern const struct rig_kernel kernel_sparse;
extern const struct rig_kernel kernel_std;
extern const struct rig_kernel kernel_stencil;
extern const struct rig_kernel kernel_synch_p2p;
extern const struct rig_kernel kernel_total;
extern const struct rig_kernel kernel_transpose;
extern const struct rig_kernel kernel_triad;
extern const struct rig_kernel kernel_unique;
extern const struct rig_kernel kernel_var;

#endif
