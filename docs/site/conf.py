# SPDX-License-Identifier: MIT
"""Settings of Sphinx: MyST reads the pages, furo draws HTML, man has three sections.

site.py stages the pages beside conf.py, and names in man_pages.json the manual
pages.
"""
import json
import pathlib

project = "runrig"
author = "the authors of runrig"
copyright = author
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "runrig"
html_show_sphinx = False
html_copy_source = False
exclude_patterns = ["_build"]
# Pages link to files of the repository, which are no pages.
suppress_warnings = ["myst.header", "myst.xref_missing", "misc.highlighting_failure"]
myst_heading_anchors = 3
myst_enable_extensions = []
man_pages = [tuple(page) for page in json.loads(
    (pathlib.Path(__file__).parent / "man_pages.json").read_text())]
man_make_section_directory = True
