"""Fails unless the wheel holds the package `simemb`, all of its data, and nothing that only the repository needs."""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = {f"simemb/data/sample/{path.name}" for path in (ROOT / "data" / "sample").iterdir()}
MODELS = ("mini", "base")
FILES = ("model.safetensors", "tokenizer.json", "modules.json", "1_Pooling/config.json", "README.md")
LARGEST = 40e6
"""Bytes of the wheel at most."""
REQUIRED = {
    "simemb/train/simcse.py",
    "simemb/train/papers.bib",
    "simemb/eval/sts.py",
    "simemb/eval/published/sts.tsv",
    "simemb/data/bundled.py",
    *(f"simemb/bundled/{name}/{file}" for name in MODELS for file in FILES),
    "simemb/report/template.html",
    "simemb/service/page/page.html",
    "simemb/py.typed",
    *SAMPLE,
}
NOT_INSTALLED = "simemb/data/sample_grammar/"
"""The grammar that composed the sample: its texts ship, their source stays in the repository."""

wheel = Path(sys.argv[1])
files = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
top = {name.partition("/")[0] for name in files}
missing = sorted(REQUIRED - files)
excess = sorted(name for name in files if name.startswith(NOT_INSTALLED))
if top != {"simemb"} or missing or excess:
    sys.exit(f"the wheel is wrong: top level {sorted(top)}, missing {missing}, not to be installed {excess}")
if wheel.stat().st_size > LARGEST:
    sys.exit(f"the wheel has {wheel.stat().st_size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}")
print(f"the wheel holds {len(files)} files in simemb/ and has {wheel.stat().st_size / 1e6:.1f} MB")
