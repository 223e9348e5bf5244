/* SPDX-License-Identifier: MIT */
/*
 * contender_text.h - the examples of a contender, docs/examples/contender, as text;
 * embed.py makes the sources.
 */
#ifndef RIGBENCH_CONTENDER_TEXT_H
#define RIGBENCH_CONTENDER_TEXT_H

extern const char contender_c[], contender_py[];

#endif
