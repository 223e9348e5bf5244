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
# A summary is fetched from the page, which a browser refuses where pages are files.
html_show_search_summary = False
html_static_path = ["static"]
html_css_files = ["runrig.css"]
# Furo's own colours in the dark, which Debian's build of its style sheet loses.
html_theme_options = {"dark_css_variables": {
    "color-problematic": "#ee5151",
    "color-foreground-primary": "#ffffffcc",
    "color-foreground-secondary": "#9ca0a5",
    "color-foreground-muted": "#81868d",
    "color-foreground-border": "#666666",
    "color-background-primary": "#131416",
    "color-background-secondary": "#1a1c1e",
    "color-background-hover": "#1e2124ff",
    "color-background-hover--transparent": "#1e212400",
    "color-background-border": "#303335",
    "color-background-item": "#444",
    "color-brand-primary": "#2b8cee",
    "color-brand-content": "#368ce2",
    "color-highlighted-background": "#083563",
    "color-api-keyword": "var(--color-foreground-secondary)",
    "color-highlight-on-target": "#333300",
    "color-admonition-background": "#18181a",
    "color-card-border": "var(--color-background-secondary)",
    "color-card-background": "#18181a",
    "color-card-marginals-background": "var(--color-background-hover)",
}}
exclude_patterns = ["_build"]
# Pages link to files of the repository, which are no pages.
suppress_warnings = ["myst.header", "myst.xref_missing", "misc.highlighting_failure"]
myst_heading_anchors = 3
myst_enable_extensions = []
man_pages = [tuple(page) for page in json.loads(
    (pathlib.Path(__file__).parent / "man_pages.json").read_text())]
man_make_section_directory = True
