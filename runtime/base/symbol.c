/* SPDX-License-Identifier: MIT */
/*
 * symbol.c - reading an object's symbol table.
 *
 * dladdr() knows exported functions only, and kernels are mostly static.  The
 * object's file has a symbol for every function unless the file is stripped.  A
 * file is foreign input: every offset in the file is checked against the file's
 * length before use.
 */
#include "base/symbol.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/source_line.h"

/* A whole object file, mapped. */
struct object {
	const unsigned char *bytes;
	size_t size;
};

/* `count` items of `each` bytes at `offset`, or NULL where not all are there. */
static const void *part(const struct object *object, uint64_t offset,
			uint64_t count, uint64_t each)
{
	if (offset % 8 || offset > object->size ||
	    count > (object->size - offset) / each)
		return NULL;
	return object->bytes + offset;
}

static int object_map(const char *path, struct object *object)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *bytes = MAP_FAILED;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && status.st_size > 0)
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ,
			     MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return -ENOENT;
	*object = (struct object){ bytes, (size_t)status.st_size };
	return 0;
}

/* The function that holds `address` (as the file numbers addresses). */
static const ElfW(Sym) *
	find_function(const ElfW(Sym) * symbols, size_t count, uint64_t address)
{
	for (size_t i = 0; i < count; i++)
		if ((symbols[i].st_info & 0xf) == STT_FUNC &&
		    symbols[i].st_shndx != SHN_UNDEF &&
		    address >= symbols[i].st_value &&
		    address - symbols[i].st_value < symbols[i].st_size)
			return &symbols[i];
	return NULL;
}

/* Look `address` up in a section, if the section is a symbol table. */
static int look_up(const struct object *object, const ElfW(Shdr) * sections,
		   size_t section_count, const ElfW(Shdr) * table,
		   uint64_t address, struct symbol *symbol)
{
	const ElfW(Sym) * symbols, *found;
	const ElfW(Shdr) * strings;
	const char *text;
	size_t count;

	if (table->sh_type != SHT_SYMTAB && table->sh_type != SHT_DYNSYM)
		return -ENOENT;
	count = table->sh_size / sizeof(*symbols);
	symbols = part(object, table->sh_offset, count, sizeof(*symbols));
	if (!symbols || table->sh_link >= section_count)
		return -ENOENT;
	found = find_function(symbols, count, address);
	if (!found)
		return -ENOENT;
	strings = &sections[table->sh_link];
	if (strings->sh_offset > object->size ||
	    strings->sh_size > object->size - strings->sh_offset ||
	    found->st_name >= strings->sh_size)
		return -ENOENT;
	text = (const char *)object->bytes + strings->sh_offset +
	       found->st_name;
	snprintf(symbol->name, sizeof(symbol->name), "%.*s",
		 (int)(strings->sh_size - found->st_name), text);
	symbol->offset = address - found->st_value;
	return 0;
}

static int search(const struct object *object, uint64_t address,
		  struct symbol *symbol)
{
	const ElfW(Ehdr) *header = part(object, 0, 1, sizeof(*header));
	const ElfW(Shdr) * sections;
	int r = -ENOENT;

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_shentsize != sizeof(*sections))
		return -ENOENT;
	sections = part(object, header->e_shoff, header->e_shnum,
			sizeof(*sections));
	for (int i = 0; sections && i < header->e_shnum && r < 0; i++)
		r = look_up(object, sections, header->e_shnum, &sections[i],
			    address, symbol);
	return r;
}

static void note_path(struct symbol *symbol, const char *path, uint64_t in_file)
{
	symbol->path[0] = 0;
	if (strlen(path) < sizeof(symbol->path))
		strcpy(symbol->path, path);
	symbol->in_file = in_file;
}

void symbol_write(const struct symbol *symbol, bool returned, char *text,
		  size_t bytes)
{
	char line[80] = "";

	if (symbol->path[0])
		source_line(symbol->path, symbol->in_file - returned, line,
			    sizeof(line));
	snprintf(text, bytes, "%s+0x%llx%s%s", symbol->name,
		 (unsigned long long)symbol->offset, line[0] ? ", " : "", line);
}

int symbol_find(uint64_t address, struct symbol *symbol)
{
	struct link_map *map;
	struct object object = { 0 };
	const char *path, *slash;
	Dl_info info;
	int r = -ENOENT;

	if (!dladdr1((void *)(uintptr_t)address, &info, (void **)&map,
		     RTLD_DL_LINKMAP))
		return -ENOENT;
	/* The program itself has no name in the list, and argv[0] is not
	 * always a path. */
	path = map->l_name && map->l_name[0] ? map->l_name : "/proc/self/exe";
	slash = strrchr(info.dli_fname, '/');
	snprintf(symbol->file, sizeof(symbol->file), "%s",
		 slash ? slash + 1 : info.dli_fname);
	note_path(symbol, path, address - map->l_addr);
	if (object_map(path, &object) == 0) {
		r = search(&object, address - map->l_addr, symbol);
		munmap((void *)(uintptr_t)object.bytes, object.size);
	}
	if (r < 0 && info.dli_sname) {
		snprintf(symbol->name, sizeof(symbol->name), "%s",
			 info.dli_sname);
		symbol->offset = address - (uint64_t)(uintptr_t)info.dli_saddr;
	} else if (r < 0) {
		memcpy(symbol->name, symbol->file, sizeof(symbol->name));
		symbol->offset = address - (uint64_t)(uintptr_t)info.dli_fbase;
	}
	return 0;
}

size_t symbol_build_id(const void *notes, size_t bytes,
		       unsigned char id[static BUILD_ID_BYTES])
{
	const unsigned char *at = notes;

	while (bytes >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) note;
		size_t name, text;

		memcpy(&note, at, sizeof(note));
		name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
		text = ((size_t)note.n_descsz + 3) & ~(size_t)3;
		at += sizeof(note);
		bytes -= sizeof(note);
		if (name > bytes || text > bytes - name)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(at, "GNU", 4) == 0 &&
		    note.n_descsz <= BUILD_ID_BYTES) {
			memcpy(id, at + name, note.n_descsz);
			return note.n_descsz;
		}
		at += name + text;
		bytes -= name + text;
	}
	return 0;
}

/* Whether the object has the build-id. */
static bool has_id(const struct object *object, const unsigned char *id,
		   size_t id_bytes)
{
	const ElfW(Ehdr) *header = part(object, 0, 1, sizeof(*header));
	const ElfW(Phdr) * segments;
	unsigned char found[BUILD_ID_BYTES];

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_phentsize != sizeof(*segments))
		return false;
	segments = part(object, header->e_phoff, header->e_phnum,
			sizeof(*segments));
	for (int i = 0; segments && i < header->e_phnum; i++) {
		const void *notes;

		if (segments[i].p_type != PT_NOTE ||
		    segments[i].p_offset > object->size ||
		    segments[i].p_filesz > object->size - segments[i].p_offset)
			continue;
		notes = object->bytes + segments[i].p_offset;
		if (symbol_build_id(notes, segments[i].p_filesz, found) ==
			    id_bytes &&
		    memcmp(found, id, id_bytes) == 0)
			return true;
	}
	return false;
}

int symbol_find_in(const char *path, const unsigned char *id, size_t id_bytes,
		   uint64_t address, struct symbol *symbol)
{
	const char *slash = strrchr(path, '/');
	struct object object;
	int r;

	snprintf(symbol->file, sizeof(symbol->file), "%s",
		 slash ? slash + 1 : path);
	memcpy(symbol->name, symbol->file, sizeof(symbol->name));
	symbol->offset = address;
	note_path(symbol, "", address);
	r = object_map(path, &object);
	if (r < 0)
		return -ENOENT;
	if (id_bytes && !has_id(&object, id, id_bytes)) {
		r = -ESTALE;
	} else {
		note_path(symbol, path, address);
		r = search(&object, address, symbol);
	}
	munmap((void *)(uintptr_t)object.bytes, object.size);
	return r;
}
