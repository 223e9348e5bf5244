/* SPDX-License-Identifier: MIT */
/*
 * symbol.h - an address of code in words.
 */
#ifndef RUNRIG_SYMBOL_H
#define RUNRIG_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

/* An address of code in this process. */
struct symbol {
	char name[96];   /* the function's, or its file's */
	uint64_t offset; /* into the symbol */
	char file[96];   /* of the object, without its folders */
};

/*
 * Find `address`: by the object's symbol table, which has static functions too,
 * else by the dynamic symbol table, else only the object.  Returns 0, or -ENOENT
 * where no object holds `address`.  Reads the object's file; keeps no memory;
 * for the reports of the caller, not for workers.
 */
int symbol_find(uint64_t address, struct symbol *symbol);

#endif
