"""What the decoders must say of routed tickets, read from JSON without any generated code."""

import json
import sys
from datetime import datetime
from pathlib import Path


def seen(routed):
    ticket, decision = routed["ticket"], routed["decision"]
    created = ticket.get("createdAt")
    return "\t".join([
        ticket["id"],
        # Whole seconds; before 1970 there is no ticket.
        str(int(datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp()) if created else 0),
        decision.get("owner", "OWNER_UNSPECIFIED"),
        decision.get("assigneeId", ""),
        decision.get("rule", ""),
        decision.get("triageReason", "TRIAGE_REASON_UNSPECIFIED"),
        routed.get("offer", {}).get("title", ""),
        str(len(decision.get("contacts", []))),
        decision["decisionId"],
    ])


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        print(seen(json.loads(line)))
