/* SPDX-License-Identifier: MIT */
/*
 * symbol.h - an address of code in words.
 */
#ifndef RUNRIG_SYMBOL_H
#define RUNRIG_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address of code in this process. */
struct symbol {
	char name[96];    /* name of the function, or of the file */
	uint64_t offset;  /* into the symbol */
	char file[96];    /* file name of the object, without folders */
	char path[1024];  /* path of the object; "": too long, or not known */
	uint64_t in_file; /* the address, as the object's file counts */
};

/*
 * Write the symbol in words: "f+0x12", and ", file.c:12" where the object has debug
 * information (source_line.h).  `returned`: the address is where a call returns
 * to, and the line is that of the call.
 */
void symbol_write(const struct symbol *symbol, bool returned, char *text,
		  size_t bytes);

/*
 * Find `address`: by the object's symbol table, which has static functions too,
 * else by the dynamic symbol table, else only the object.  Returns 0, or -ENOENT
 * where no object holds `address`.  Reads the object's file; keeps no memory;
 * for the reports of the caller, not for workers.
 */
int symbol_find(uint64_t address, struct symbol *symbol);

/* Bytes of a build-id that are kept: the bytes of SHA-1, which linkers make. */
#define BUILD_ID_BYTES 20

/* The build-id among the notes in `bytes` bytes at `notes`, in ELF's format.
 * Returns the number of bytes written to `id`; 0: there is no build-id. */
size_t symbol_build_id(const void *notes, size_t bytes,
		       unsigned char id[static BUILD_ID_BYTES]);

/*
 * Find `address`, as the object's file numbers addresses, in the file `path`,
 * which some other process has loaded.  The file must have the build-id `id` of
 * `id_bytes` (0: any).  Returns 0, -ESTALE where another file has that path by
 * now, or -ENOENT; *symbol then has the file's name and the address.
 */
int symbol_find_in(const char *path, const unsigned char *id, size_t id_bytes,
		   uint64_t address, struct symbol *symbol);

#endif
