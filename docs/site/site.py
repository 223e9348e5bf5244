#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The documents as HTML, or as manual pages: by Sphinx, which Debian packages.

Pages are the documents of docs/, a page for each public header, made
from the comments, and a page for each command, made from the text of `runrig help
COMMAND`.  HTML has a search and a dark mode, and asks no other
machine for anything.  Manual pages: 1 for the commands, 3 for the headers, with a
name for each function, and 7 for the concepts.

Usage: site.py html|man SOURCE_ROOT RUNRIG RIGBENCH OUTPUT
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap

# Documents on concepts: pages of section 7.
CONCEPTS = {
    "architecture": "processes, memory and protocols of runrig",
    "choosing": "which tool when: MPI, OpenMP, multiprocessing, runrig",
    "faults": "what runrig promises when something dies",
    "kernels": "the kernels that come with runrig",
    "languages": "runrig from C++ and Fortran",
    "measuring": "how rigbench measures",
    "placement": "which worker goes where",
    "python": "runrig and Python",
    "team": "the verbs of a team, held against MPI's",
}


# Guides in the order in which a newcomer reads them; others follow by name.
READING = ["choosing", "commands", "python", "library", "kernels", "languages", "team",
           "placement", "hosts", "measuring", "faults", "architecture"]


def plain(text):
    """The text, with a backslash before each mark of Markdown."""
    return re.sub(r"([\\`*_<>\[\]#|])", r"\\\1", text)


def comment_page(comment):
    """A comment's words as Markdown: indented lines are code."""
    lines = [re.sub(r"^ ?\* ?", "", line.strip("\n")) for line in
             re.sub(r"^/\*|\*/$", "", comment.strip()).strip().splitlines()]
    out, code = [], False
    for line in lines:
        indented = line.startswith(("\t", "    ", "  "))
        if indented != code and (indented or line.strip()):
            out.append("```" if code else "\n```text")
            code = indented
        out.append(line.expandtabs() if code else plain(line))
    if code:
        out.append("```")
    return "\n".join(out)


def header_parts(text):
    """(comment, code) of a header, in order; either may be empty."""
    text = re.sub(r"/\* SPDX.*?\*/\n", "", text)
    text = re.sub(r"#ifdef __cplusplus\n.*?#endif\n", "", text, flags=re.S)
    comment = ""
    for part in re.split(r"(?m)(^/\*.*?\*/\n)", text, flags=re.S):
        if part.startswith("/*"):
            if comment:
                yield comment, ""
            comment = part
            continue
        code = "\n".join(line for line in part.splitlines()
                         if not re.match(r"#(ifndef|define) RUNRIG_\w+_H|"
                                         r"#include|#endif", line)).strip()
        if code or comment:
            yield comment, code
        comment = ""


def header_page(path):
    """(title, Markdown, functions) of a public header."""
    text = path.read_text(encoding="utf-8")
    first = re.search(r"/\*\n \* [\w.]+ - (.*?)(?:\n \*\n|\n \*/)", text, re.S)
    title = " ".join(first[1].replace("\n * ", " ").split())
    out = [f"# {path.name}\n", f"    #include <runrig/{path.name}>\n"]
    for comment, code in header_parts(text):
        names = re.findall(r"^RIG_API\b[^;(]*?(\w+)\s*\(", code, re.M)
        if names:
            out.append("\n## " + ", ".join(name + "()" for name in names[:3]) +
                       (", ..." if len(names) > 3 else "") + "\n")
        out.append(comment_page(comment))
        if code:
            out.append(f"\n```c\n{code.replace('RIG_API ', '')}\n```\n")
    return title, "\n".join(out), re.findall(
        r"^RIG_API\b[^;(]*?(\w+)\s*\(", text, re.M)


def said(*words):
    # A page of the manual has margins: 80 columns of it hold 70 of help.
    return subprocess.run(words, check=True, capture_output=True, text=True,
                          env=dict(os.environ,
                                   ARGP_HELP_FMT="no-dup-args-note,rmargin=68")).stdout


def narrow(text):
    """The text with its paragraphs, which begin at the margin, in 68 columns."""
    parts = text.rstrip().split("\n\n")
    return "\n\n".join(part if re.search("(?m)^ ", part) else
                       textwrap.fill(" ".join(part.split()), 68) for part in parts)


def command_page(name, program, *words):
    """(title, Markdown) of a command, from its help."""
    head, _, options = said(program, *words, "--help").partition("\n\n")
    usage = re.match(r"Usage: .*(?:\n +.*)*", head)[0]
    about = re.sub(r"^[a-z0-9]+: ", "", " ".join(head[len(usage):].split()))
    usage = re.sub(r"(?m)^(?:Usage: |  or:  |       )", "", usage)
    # Quotes of the help, as Markdown's; and no tag is one.
    quoted = re.sub(r"`([^`']*)'", r"`\1`", about).replace("<", "\\<")
    title = re.sub(r"\.(?: .*)?$", "", about) or name
    return title, (f"# {name}\n\n## Synopsis\n\n```text\n{usage}\n```\n\n"
                   f"## Description\n\n{quoted}\n\n"
                   f"## {'Options' if '  -' in options else 'Commands'}\n\n"
                   f"```text\n{narrow(options)}\n```\n")


def commands_of(program):
    return re.findall(r"(?m)^  ([a-z0-9]+) +[A-Z]", said(program, "--help"))


class Site:
    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        self.trees = {}
        self.man = []
        self.aliases = {}

    def linked(self, name, text):
        """Names of pages and headers in the text, as links from the page `name`."""
        up = "../" * name.count("/")

        def link(match):
            word, stem = match[0], match[1]
            for folder, page in (("docs", stem), ("", stem)):
                if (self.root / folder / (page + ".md")).is_file() and page != name:
                    return f"[{word}]({up}{page}.md)"
            return word

        def header(match):
            page = "reference/runrig_" + match[1]
            known = list(self.root.glob(f"r*/include/runrig/{match[1]}.h"))
            return f"[{match[0]}]({up}{page}.md)" if known and page != name else match[0]

        parts = re.split(r"(?ms)(^ *```.*?^ *```$)", text)
        for at in range(0, len(parts), 2):
            parts[at] = re.sub(r"`(?:docs/)?([\w.]+)\.md`(?!\])", link, parts[at])
            parts[at] = re.sub(r"`(?:runrig/)?(\w+)\.h`(?!\])", header, parts[at])
        return "".join(parts)

    def put(self, tree, name, text):
        text = self.linked(name, text)
        path = self.folder / (name + ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.trees.setdefault(tree, []).append(name)

    def documents(self):
        docs = self.root / "docs"
        guides = sorted(docs.glob("*.md"), key=lambda path: (
            READING.index(path.stem) if path.stem in READING else len(READING),
            path.stem))
        for path in guides:
            self.put("Guides", path.stem, path.read_text(encoding="utf-8"))
            if path.stem in CONCEPTS:
                self.man.append([path.stem, "runrig-" + path.stem,
                                 CONCEPTS[path.stem], "runrig", 7])
        self.put("Labs", "labs/README",
                 (docs / "labs" / "README.md").read_text(encoding="utf-8"))
        for path in sorted(docs.glob("labs/*/README.md")):
            name = path.parent.name
            self.put("Labs", f"labs/{name}",
                     path.read_text(encoding="utf-8").replace(
                         "](figure.", f"]({name}-figure."))
            for figure in path.parent.glob("figure.*"):
                shutil.copy(figure,
                            self.folder / "labs" / f"{name}-{figure.name}")
        for path in sorted(docs.glob("decisions/*.md")):
            self.put("Decisions", f"decisions/{path.stem}",
                     path.read_text(encoding="utf-8"))
        if (docs / "pictures").is_dir():
            shutil.copytree(docs / "pictures", self.folder / "pictures")
        for name in ("CHANGELOG.md", "README.zh.md", "CONTRIBUTING.md", "SECURITY.md"):
            if (self.root / name).is_file():
                self.put("More", name[:-3],
                         (self.root / name).read_text(encoding="utf-8"))

    def headers(self):
        for path in sorted(self.root.glob("r*/include/runrig/*.h")):
            title, page, functions = header_page(path)
            name = "runrig_" + path.stem
            self.put("Reference", f"reference/{name}", page)
            self.man.append([f"reference/{name}", name, title, "runrig", 3])
            self.aliases[name] = functions

    def commands(self, program, called):
        title, page = command_page(called, program)
        self.put("Commands", f"commands/{called}", page)
        self.man.append([f"commands/{called}", called, title, "runrig", 1])
        for command in commands_of(program):
            title, page = command_page(f"{called} {command}", program, command)
            name = f"{called}-{command}"
            self.put("Commands", f"commands/{name}", page)
            self.man.append([f"commands/{name}", name, title, "runrig", 1])

    def index(self):
        text = (self.root / "README.md").read_text(encoding="utf-8")
        text = self.linked("index", text.replace("](docs/", "]("))
        for tree, names in self.trees.items():
            text += (f"\n```{{toctree}}\n:caption: {tree}\n:hidden:\n\n" +
                     "\n".join(names) + "\n```\n")
        (self.folder / "index.md").write_text(text, encoding="utf-8")
        self.man.append(["index", "runrig",
                         "parallel computing with processes that share memory",
                         "runrig", 7])
        (self.folder / "man_pages.json").write_text(json.dumps(self.man))
        shutil.copy(self.root / "docs" / "site" / "conf.py", self.folder)
        (self.folder / "static").mkdir()
        shutil.copy(self.root / "docs" / "site" / "runrig.css",
                    self.folder / "static")


def one_script(folder):
    """Furo's script with the module that the script imports, in one file.

    Debian ships the two as they were written, and a page loads the first as no
    module: the switch of the dark mode and the table of contents were dead.
    """
    scripts = folder / "_static" / "scripts"
    furo = (scripts / "furo.js").read_text(encoding="utf-8")
    imported = re.match(r'import Gumshoe from "\./([\w-]+\.js)";\n', furo)
    if imported:
        (scripts / "furo.js").write_text(
            (scripts / imported[1]).read_text(encoding="utf-8") +
            furo[imported.end():], encoding="utf-8")


def main(builder, root, runrig, rigbench, output):
    with tempfile.TemporaryDirectory() as folder:
        site = Site(pathlib.Path(root), pathlib.Path(folder))
        site.documents()
        site.headers()
        site.commands(runrig, "runrig")
        if rigbench:
            site.commands(rigbench, "rigbench")
        site.index()
        subprocess.run([sys.executable, "-m", "sphinx", "-q", "-b", builder,
                        "-d", folder + "/_build", folder, output], check=True)
    if builder == "html":
        one_script(pathlib.Path(output))
    if builder == "man":
        for name, functions in site.aliases.items():
            for function in functions:
                (pathlib.Path(output) / "man3" / (function + ".3")).write_text(
                    f".so man3/{name}.3\n")


if __name__ == "__main__":
    if len(sys.argv) != 6 or sys.argv[1] not in ("html", "man"):
        sys.exit(__doc__)
    main(*sys.argv[1:])
