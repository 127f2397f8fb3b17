"""`python -m simemb VERB ...` is `simemb VERB ...` (`simemb.cli`)."""

import sys

from simemb.cli import main

sys.exit(main())
