"""Which licence a published dataset states, in the Hub's terms.

    hub_licence({"MIT": 3})                     {"license": "mit"}
    hub_licence({"MIT": 3, "CC-BY-4.0": 1})     {"license": "other", "license_name": "several"}

Rows keep their own SPDX expression in the column `licence`; nothing here gives legal
advice or combines licences into one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# The Hub's identifiers that are the SPDX identifier in lower case (its list of licences,
# huggingface.co/docs/hub/repositories-licenses).
_NAMES = """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd-2-clause bsd-3-clause bsd-3-clause-clear
    bsl-1.0 cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0
    cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
    cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cdla-permissive-1.0
    cdla-permissive-2.0 cdla-sharing-1.0 ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
    gpl-2.0 gpl-3.0 isc lgpl-2.1 lgpl-3.0 lppl-1.3c mit mpl-2.0 ms-pl ncsa ofl-1.1 osl-3.0
    postgresql unlicense wtfpl zlib
"""
SAME_AS_SPDX = frozenset(_NAMES.split())
# Those that the Hub calls otherwise.
RENAMED = {"c-uda-1.0": "c-uda", "odbl-1.0": "odbl", "odc-by-1.0": "odc-by", "pddl-1.0": "pddl"}


def hub_id(spdx: str) -> str | None:
    """Return the Hub's identifier of one SPDX licence, None where it has none."""
    name = re.sub(r"-(only|or-later)$", "", spdx.strip().lower())
    renamed = RENAMED.get(name, name)
    return renamed if name in SAME_AS_SPDX or name in RENAMED else None


def hub_licence(licences: Iterable[str]) -> dict[str, str]:
    """Return the licence fields of a card's header; none where there are no rows."""
    names = sorted(set(licences))
    if not names:
        return {}
    if len(names) > 1:
        return {"license": "other", "license_name": "several"}
    known = hub_id(names[0])
    if known:
        return {"license": known}
    slug = re.sub(r"[^a-z0-9.]+", "-", names[0].lower()).strip("-")
    return {"license": "other", "license_name": slug or "unnamed"}
