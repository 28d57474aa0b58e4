"""How large a campaign is; another size when asked for.

FAULT_TRANSACTIONS=10000 FAULT_WORKERS=4 pytest tests/integration/faults/test_kill_every_role.py --timeout=1200 -s
"""

from __future__ import annotations

import os

TRANSACTIONS = int(os.environ.get("FAULT_TRANSACTIONS", "2000"))
CORE_DOWN_S = float(os.environ.get("FAULT_CORE_DOWN_S", "60"))
WORKERS = int(os.environ.get("FAULT_WORKERS", "2"))
