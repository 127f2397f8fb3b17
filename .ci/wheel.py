"""Fails unless the wheel holds the package `simemb` and nothing else at its top level."""

import sys
import zipfile

names = zipfile.ZipFile(sys.argv[1]).namelist()
top = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
wanted = ("train/simcse.py", "eval/sts.py", "data/sample/__init__.py", "bundled/model.safetensors", "py.typed")
missing = [path for path in wanted if f"simemb/{path}" not in names]
if top != {"simemb"} or missing:
    sys.exit(f"the wheel is wrong: top level {sorted(top)}, missing {missing}")
print(f"the wheel holds {len(names)} files, all in simemb/")
