"""How the site is built: python -m sphinx -W -b html docs OUT."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "docs"), str(ROOT), str(ROOT / "plugins")]

import gantools  # noqa: E402  (found by the path above)

project = "gantools"
author = copyright = "The gantools developers"  # noqa: A001  (Sphinx's name)
release = version = gantools.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "_pages"]
myst_heading_anchors = 3
exclude_patterns = ["_pages"]
default_role = "code"  # docstrings write `name`
smartquotes = False  # --flag is no dash

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = "gantools"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
pygments_style = "tango"
highlight_language = "text"  # of blocks that name none
